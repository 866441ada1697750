import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { missingWithout } from "./hook-effects.ts";
import type { Hook } from "./op.ts";

const hook = (name: string, rung: Hook["rung"], why?: string): Hook => ({
  name,
  function: "f",
  rung,
  needed: false,
  ...(why === undefined ? {} : { why }),
});

test("what is attached on any rung lacks nothing, nor does what this kernel does not need", () => {
  const hooks = [hook("send", "kprobe", "no BTF"), hook("credits", "fentry"), hook("write", "none", "not needed: x")];
  assert.deepEqual(missingWithout(hooks), []);
});

test("a missing hook is told with what the operations lack", () => {
  assert.deepEqual(missingWithout([hook("send", "none", "hidden")]), ["operations have no send and wire phase"]);
});

for (const [probe, least] of [
  ["wire/smb_wire", 10],
  ["trace/smb_trace", 7],
  ["rpc/rpc_trace", 15],
] as const) {
  test(`every hook of ${probe} that it can do without has its sentence`, () => {
    const ladder = readFileSync(new URL(`../../probe/${probe}.c`, import.meta.url), "utf8");
    const lines = ladder.split("\n").filter((line) => /^\t\{ "[a-z_]+", "/.test(line));
    assert.ok(lines.length >= least);
    for (const line of lines.filter((one) => !one.includes(".needed = true"))) {
      const name = /"([a-z_]+)"/.exec(line)?.[1] ?? "";
      assert.doesNotMatch(missingWithout([hook(name, "none")]).join(), /nothing comes from/, name);
    }
  });
}
