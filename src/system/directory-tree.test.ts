import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeDirectoryTree } from "./directory-tree.ts";

const failing = (code: string): Error => Object.assign(new Error(code), { code });

describe("a directory with its parents", () => {
  it("is made, or was there", async (t) => {
    const root = mkdtempSync(join(tmpdir(), "aod-tree-"));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const path = join(root, "a/b/c");
    await makeDirectoryTree(path, 0o700);
    await makeDirectoryTree(path, 0o700);
    assert.deepEqual([statSync(path).isDirectory(), statSync(path).mode & 0o777], [true, 0o700]);
    writeFileSync(join(root, "file"), "");
    await assert.rejects(makeDirectoryTree(join(root, "file"), 0o700), { code: "EEXIST" });
    await assert.rejects(makeDirectoryTree(join(root, "file/x"), 0o700), { code: "ENOTDIR" });
  });

  it("on a read-only file system fails for that reason, however much of it is missing", async () => {
    const made: string[] = [];
    const readOnly = async (path: string): Promise<void> => {
      made.push(path);
      throw failing(path === "/ro/a" ? "EROFS" : "ENOENT");
    };
    await assert.rejects(makeDirectoryTree("/ro/a/b", 0o700, readOnly), { code: "EROFS" });
    assert.deepEqual(made, ["/ro/a/b", "/ro/a"]);
  });

  it("ends at the root", async () => {
    const nothing = async (): Promise<void> => {
      throw failing("ENOENT");
    };
    await assert.rejects(makeDirectoryTree("/a", 0o700, nothing), { code: "ENOENT" });
  });
});
