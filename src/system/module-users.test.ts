import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { moduleUsers } from "./module-users.ts";

test("users of a module are its references without those of other modules", (t) => {
  const root = mkdtempSync(join(tmpdir(), "aod-modules-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const module = (name: string, refcnt: string | undefined, ...holders: string[]): void => {
    for (const path of ["holders", ...holders.map((holder) => `holders/${holder}`)])
      mkdirSync(join(root, "module", name, path), { recursive: true });
    if (refcnt !== undefined) writeFileSync(join(root, "module", name, "refcnt"), refcnt);
  };
  module("cifs", "0\n");
  module("nfs", "5\n", "nfsv3", "nfsv4");
  module("going", "-1\n");
  module("builtin", undefined);
  const users = ["cifs", "nfs", "going", "builtin", "none"].map((name) => moduleUsers(root, name));
  assert.deepEqual(users, [0, 3, 0, undefined, undefined]);
});
