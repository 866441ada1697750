import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { knownStatuses, statusErrno } from "../../smb/status.ts";
import { errnoName } from "../../system/errno.ts";
import { mountErrors } from "./errno-table.ts";

test("docs/doctor.md has the causes of every error of mount(8), and no other", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/doctor.md"), "utf8");
  const rows = [...text.matchAll(/^\| \d+ E[A-Z]+ \|.*\|$/gm)].map(([row]) => row);
  const expected = Object.entries(mountErrors).flatMap(([number, causes]) =>
    causes.map(({ cause, told, seen = [] }) =>
      ["", `${number} ${errnoName(Number(number))}`, cause, told, seen.join(", "), ""].join(" | ").trim(),
    ),
  );
  assert.deepEqual(rows, expected);
  const all = [2, 5, 11, 13, 16, 22, 95, 101, 104, 110, 111, 112, 113, 115, 116, 121, 126, 127, 128];
  assert.deepEqual(Object.keys(mountErrors).map(Number), all);
});

test("a status that a row names is that number to the kernel", () => {
  const codes = new Map([...knownStatuses()].map(([code, { name }]) => [name, code]));
  let checked = 0;
  for (const [number, causes] of Object.entries(mountErrors))
    for (const { told } of causes)
      for (const [name] of told.matchAll(/STATUS_[A-Z_]+/g)) {
        const code = codes.get(name);
        assert.ok(code !== undefined, name);
        assert.equal(statusErrno(code), Number(number), name);
        checked += 1;
      }
  assert.ok(checked > 8);
});
