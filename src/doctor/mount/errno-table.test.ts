import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { errnoName } from "../../system/errno.ts";
import { mountErrors } from "./errno-table.ts";

test("docs/doctor.md has the causes of every error of mount(8), and no other", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/doctor.md"), "utf8");
  const rows = [...text.matchAll(/^\| \d+ E[A-Z]+ \|.*\|$/gm)].map(([row]) => row);
  const expected = Object.entries(mountErrors).flatMap(([number, causes]) =>
    causes.map(({ cause, told }) => `| ${number} ${errnoName(Number(number))} | ${cause} | ${told} |`),
  );
  assert.deepEqual(rows, expected);
  const all = [2, 5, 11, 13, 16, 22, 95, 101, 104, 110, 111, 112, 113, 115, 116, 121, 126, 127, 128];
  assert.deepEqual(Object.keys(mountErrors).map(Number), all);
});
