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
});
