// The programs of smb_trace without a kernel: trace points that fire twice, never, or with other ids.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { compile, runProgram, withoutCompiler } from "./compile.ts";

describe("smb_trace", { skip: withoutCompiler }, () => {
  const program = withoutCompiler === false ? compile("trace", []) : "";

  // Less than the ring holds, and more.
  for (const steps of [5, 2000, 25_000]) {
    test(`${steps} steps: every request ends once, or is known to be open or left`, () => {
      for (const seed of fc.sample(fc.nat(), 4)) {
        const { status, stderr } = runProgram(program, [String(seed), String(steps)]);
        assert.equal(status, 0, `seed ${seed}: ${stderr}`);
      }
    });
  }

  test("what nobody waits for any more is given up, and nothing else", () => {
    const { status, stderr } = runProgram(compile("abandoned", ["trace/abandoned"]));
    assert.equal(status, 0, stderr);
  });

  test("whether a task waits: it runs, sleeps otherwise, is gone, cannot be looked at", () => {
    const waiting = compile("waiting", ["trace/waiting"]);
    const here = runProgram(waiting);
    assert.equal(here.status, 0, here.stderr);
    assert.match(here.stdout.toString(), /^[01]$/m);
    const elsewhere = runProgram(waiting, ["/nonexistent"]);
    assert.deepEqual([elsewhere.status, elsewhere.stdout.toString()], [0, "0\n"], elsewhere.stderr);
  });
});
