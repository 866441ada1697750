import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hook } from "../probe/op.ts";
import { hookLines } from "./hook-lines.ts";

const hook = (name: string, rung: Hook["rung"], why?: string): Hook => ({
  name,
  function: `${name}_function`,
  rung,
  needed: false,
  ...(why === undefined ? {} : { why }),
});

test("a hook that is missing has its line, one on a lower rung only with -v", () => {
  const hooks = [hook("create", "kprobe", "no fentry"), hook("send", "none", "inlined")];
  const missing = "send (send_function): not attached: inlined";
  assert.deepEqual(hookLines(hooks, false), [missing]);
  assert.deepEqual(hookLines(hooks, true), ["create (create_function): kprobe: no fentry", missing]);
});

test("hooks that miss for one reason are one line, with what the operations lack", () => {
  const why = "the module cifs has no BTF";
  const hooks = [hook("begin", "trace"), hook("send", "none", why), hook("opener", "none", why)];
  assert.deepEqual(hookLines(hooks, true), [
    `send, opener: not attached: ${why}`,
    "without: operations have no send and wire phase",
    "without: of writeback and deferred CLOSE it is not known who opened the file",
  ]);
});
