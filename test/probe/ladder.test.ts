// The attach ladder on kernels that no package has: cifs built in, other arguments, another module with functions of the same names.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { compile, runProgram, withoutCompiler } from "./compile.ts";

const skip = withoutCompiler || (existsSync("/usr/include/bpf/btf.h") ? false : "libbpf-dev is not installed");

describe("ladder", { skip }, () => {
  const program = skip === false ? compile("ladder", [], ["-lbpf"]) : "";
  const folder = mkdtempSync(join(tmpdir(), "aod-ladder-"));
  after(() => rmSync(folder, { recursive: true }));

  const found = (lines: readonly string[]): string[] => {
    const file = join(folder, "symbols");
    writeFileSync(file, `${lines.join("\n")}\n`);
    const { status, stdout, stderr } = runProgram(program, ["look-up", file]);
    assert.equal(status, 0, stderr);
    return stdout.toString().trim().split("\n");
  };

  test("takes the form of a function that has the arguments of BTF, on either rung", () => {
    const { status, stderr } = runProgram(program, ["choose"]);
    assert.equal(status, 0, stderr);
  });

  test("of a module only what the module has counts, whatever another one calls the same", () => {
    const lines = ["smb2_setup_request [cifs]", "dequeue_mid [ksmbd]", "__smb_send_rqst"];
    assert.equal(found(lines)[0], "module: smb2_setup_request");
  });

  test("built in, its functions have no module's name behind them", () => {
    const lines = ["ffffffff81000000 t dequeue_mid", "ffffffff81000010 T smb2_setup_request", "ffffffff8 T smb2_setup"];
    assert.equal(found(lines)[1], "built in: smb2_setup_request dequeue_mid");
  });

  test("built in, a function of another module is not taken for it", () => {
    assert.equal(found(["dequeue_mid [ksmbd]", "smb2_setup_request"])[1], "built in: smb2_setup_request");
  });
});
