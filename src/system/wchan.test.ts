import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { tasksSleepingIn } from "./wchan.ts";

function procTree(tasks: Readonly<Record<string, readonly [wchan: string, comm: string]>>): string {
  const root = mkdtempSync(join(tmpdir(), "aod-proc-"));
  for (const [path, [wchan, comm]] of Object.entries(tasks)) {
    mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, path, "wchan"), wchan);
    writeFileSync(join(root, path, "comm"), `${comm}\n`);
  }
  mkdirSync(join(root, "sys"));
  mkdirSync(join(root, "99"));
  return root;
}

describe("tasksSleepingIn", () => {
  it("finds threads by the function that they sleep in, also when the compiler split it", async () => {
    const root = procTree({
      "10/task/10": ["0", "init"],
      "20/task/20": ["do_wait", "sh"],
      "20/task/21": ["cifs_wait_for_server_reconnect", "a thread"],
      "30/task/30": ["smb2_reconnect.part.0", "odd\nname"],
    });
    const found = await tasksSleepingIn(new Set(["cifs_wait_for_server_reconnect", "smb2_reconnect"]), root);
    rmSync(root, { recursive: true });
    assert.deepEqual(found, [
      { pid: 20, tid: 21, comm: "a thread", wchan: "cifs_wait_for_server_reconnect" },
      { pid: 30, tid: 30, comm: "odd\nname", wchan: "smb2_reconnect" },
    ]);
  });

  it("a proc root that is not there has no tasks", async () => {
    assert.deepEqual(await tasksSleepingIn(new Set(["x"]), "/nonexistent"), []);
  });
});
