import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { withDir } from "./fixture.ts";
import { parseStack, parseStat, taskStack, tasksSleepingHard, taskWchan } from "./task-state.ts";

function task(root: string, pid: number, tid: number, files: Readonly<Record<string, string>>): void {
  const directory = join(root, String(pid), "task", String(tid));
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
}

describe("tasks in uninterruptible sleep", () => {
  it("are found among all threads, whatever their name is", () =>
    withDir(async (root) => {
      task(root, 1, 1, { stat: "1 (systemd) S 0 1 1 0\n" });
      task(root, 20, 20, { stat: "20 (tar) R 1 20 20 0\n" });
      task(root, 20, 21, { stat: "21 (a) D (x) D 1 20 20 0\n" });
      mkdirSync(join(root, "fs"));
      const { tasks, seen } = await tasksSleepingHard(root);
      assert.deepEqual(tasks, [{ pid: 20, tid: 21, comm: "a) D (x" }]);
      assert.equal(seen, 3);
    }));

  it("a stack has functions and modules, innermost first", () => {
    const text = `[<0>] wait_for_response+0x5a/0x90 [cifs]
[<0>] compound_send_recv.part.0+0x12/0x34 [cifs]
[<0>] do_syscall_64+0x59/0x80
[<ffffffff8107d5c4>] old_kernel+0x1/0x2
garbage
`;
    assert.deepEqual(parseStack(text), [
      { function: "wait_for_response", module: "cifs" },
      { function: "compound_send_recv.part.0", module: "cifs" },
      { function: "do_syscall_64" },
      { function: "old_kernel" },
    ]);
  });

  it("what has ended, and what may not be read, are told apart from an empty stack", () =>
    withDir(async (root) => {
      task(root, 5, 5, { stack: "", wchan: "0" });
      assert.deepEqual(taskStack(root, 5, 5), []);
      assert.equal(taskWchan(root, 5, 5), undefined);
      assert.equal(taskStack(root, 6, 6), "refused");
      task(root, 7, 7, { wchan: "rpc_wait_bit_killable.isra.0" });
      assert.equal(taskWchan(root, 7, 7), "rpc_wait_bit_killable");
    }));

  it("no text makes them throw", () => {
    fc.assert(fc.property(fc.string(), (text) => void [parseStat(text), parseStack(text)]));
    const name = fc.string({ maxLength: 15 });
    fc.assert(fc.property(name, (comm) => assert.deepEqual(parseStat(`7 (${comm}) D 1`), { comm, state: "D" })));
  });
});
