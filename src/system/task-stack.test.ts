import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { withDir } from "./fixture.ts";
import { parseStack, taskStack } from "./task-stack.ts";

describe("kernel stacks", () => {
  it("have functions and modules, innermost first", () => {
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

  it("what may not be read is told apart from an empty stack", () =>
    withDir(async (root) => {
      const directory = join(root, "5/task/5");
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, "stack"), "");
      assert.deepEqual(taskStack({ pid: 5, tid: 5, directory }), []);
      assert.equal(taskStack({ pid: 6, tid: 6, directory: join(root, "6/task/6") }), "refused");
    }));

  it("no text makes them throw", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseStack(text)));
  });
});
