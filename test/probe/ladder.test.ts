// The attach ladder on kernels that no package has: by BTF that the test makes.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import { compile, runProgram, withoutCompiler } from "./compile.ts";

const skip = withoutCompiler || (existsSync("/usr/include/bpf/btf.h") ? false : "libbpf-dev is not installed");

describe("ladder", { skip }, () => {
  const program = skip === false ? compile("ladder", [], ["-lbpf"]) : "";

  test("takes the form of a function that has the arguments of BTF, on either rung", () => {
    const { status, stderr } = runProgram(program, []);
    assert.equal(status, 0, stderr);
  });
});
