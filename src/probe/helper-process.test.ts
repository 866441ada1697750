import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { argvOf, hiddenHooks } from "./helper-process.ts";

const options = {
  program: "/lib/aod-probe",
  object: "/lib/smb_wire.bpf.o",
  probe: "smb_wire",
  module: "cifs",
} as const;
const usual = ["/lib/aod-probe", "--probe", "smb_wire", "--object", "/lib/smb_wire.bpf.o", "--module", "cifs"];

describe("AOD_PROBE_HIDE", () => {
  it("that is not set changes nothing", () => {
    assert.deepEqual(argvOf({ ...options, ...hiddenHooks(undefined) }), usual);
    assert.deepEqual(argvOf({ ...options, ...hiddenHooks("") }), usual);
  });

  it("hides hooks, on all rungs or on one", () => {
    assert.deepEqual(argvOf({ ...options, ...hiddenHooks("send,answer:fentry") }), [
      ...usual,
      "--hide",
      "send,answer:fentry",
    ]);
  });

  it("leaves the first rung out for all hooks", () => {
    assert.deepEqual(argvOf({ ...options, ...hiddenHooks("fentry,send") }), [
      ...usual,
      "--hide",
      "send",
      "--no-fentry",
    ]);
  });
});
