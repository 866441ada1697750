import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nfsMountError, nfsMountErrors } from "./mount-errors.ts";

test("docs/doctor.md has a row for each errno of mount.nfs, with each of its causes", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../../docs/doctor.md"), "utf8");
  const [, ownPart = ""] = text.split("What mount.nfs says by errno");
  const rows = new Map(
    [...ownPart.matchAll(/^\| (-|\d+) \| (.*) \|$/gm)].map(([, errno = "", cell = ""]) => [errno, cell]),
  );
  for (const { errno, causes } of nfsMountErrors) {
    const row = rows.get(errno === 0 ? "-" : String(errno)) ?? assert.fail(`errno ${errno}`);
    for (const { cause } of causes) assert.ok(cause === "unknown" || row.includes(cause), `${errno}: ${cause}`);
  }
  assert.equal(rows.size, new Set(nfsMountErrors.map(({ errno }) => errno)).size);
});

test("the words of mount.nfs lead to their errno", () => {
  const said: readonly (readonly [string, number])[] = [
    ["mount.nfs: Failed to resolve server nas: Name or service not known", 0],
    ["mount.nfs: access denied by server while mounting nas:/x", 13],
    ["mount.nfs: mounting nas:/x failed, reason given by server: No such file or directory", 2],
    ["mount.nfs: Protocol not supported for nas:/x on /mnt", 93],
    ["mount.nfs: requested NFS version or transport protocol is not supported for /mnt", 93],
    ["mount.nfs: an incorrect mount option was specified for /mnt", 22],
    ["mount.nfs: Connection refused for nas:/x on /mnt", 111],
    ["mount.nfs: Connection timed out for nas:/x on /mnt", 110],
    ["mount.nfs: Operation not permitted for nas:/x on /mnt", 1],
  ];
  for (const [text, errno] of said) assert.equal(nfsMountError(text)?.errno, errno, text);
  assert.equal(nfsMountError("something new"), undefined);
});
