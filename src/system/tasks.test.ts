import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "./fixture.ts";
import { listTasks, tasksSleepingHard, tasksSleepingIn } from "./tasks.ts";

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

function stat(root: string, pid: number, tid: number, text: string): void {
  const directory = join(root, String(pid), "task", String(tid));
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "stat"), text);
}

/** A thread of a 6.1 kernel. */
const kthread = (pid: number): string =>
  `${pid} (kworker/0:1-events) I 2 0 0 0 -1 69238880 0 0 0 0 3 40 0 0 20 0 1 0 555 0 0\n`;

describe("tasks in uninterruptible sleep", () => {
  it("are found among all threads, whatever their name is", () =>
    withDir(async (root) => {
      stat(root, 1, 1, "1 (systemd) S 0 1 1 0\n");
      stat(root, 20, 20, "20 (tar) R 1 20 20 0\n");
      stat(root, 20, 21, "21 (a) D (x) D 1 20 20 0\n");
      // It says that it has no other thread: nobody looks for one.
      stat(root, 30, 30, kthread(30));
      stat(root, 30, 31, "31 (hidden) D 1 20 20 0\n");
      mkdirSync(join(root, "fs"));
      const found = await tasksSleepingHard(root);
      assert.deepEqual(found, [{ pid: 20, tid: 21, directory: `${root}/20/task/21`, comm: "a) D (x" }]);
    }));
});

describe("all tasks", () => {
  it("up to the limit, with the owner of their process; what has ended meanwhile is no task", () =>
    withDir(async (root) => {
      stat(root, 20, 20, "20 (tar) R 1 20 20 0\n");
      mkdirSync(join(root, "20/task/21"));
      for (const tid of [22, 23]) stat(root, 20, tid, `${tid} (tar) S 1 20 20 0\n`);
      const { tasks, more } = await listTasks(root, 2);
      assert.deepEqual(
        tasks.map(({ tid, state, ppid, uid }) => [tid, state, ppid, uid]),
        [
          [20, "R", 1, process.getuid?.()],
          [22, "S", 1, process.getuid?.()],
        ],
      );
      assert.equal(more, 1);
    }));
});
