// Parts of aod-probe that need no kernel, compiled with a small driver each, under the address and undefined behaviour sanitizers.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { bucketBounds, bucketOf } from "../../src/probe/histogram.ts";
import { compile, runProgram, withoutCompiler } from "./compile.ts";

/** The drivers say on stderr what was not as it should be. */
function passes(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = runProgram(program, args);
  assert.equal(status, 0, `${program} ${args.join(" ")}\n${stderr}`);
  return stdout.toString();
}

describe("parts of aod-probe", { skip: withoutCompiler }, () => {
  test("kernel, helper and TypeScript put every duration into the same bucket", () => {
    const program = compile("bucket", ["wire/phases", "wire/record"]);
    const edges = Array.from({ length: 128 }, (_, bucket) => {
      const low = BigInt(Math.round((bucketBounds(bucket).low * 1000) / 1024)) * 1024n;
      return [low - 1n, low, low + 1n].filter((ns) => ns >= 0n);
    }).flat();
    const anyNs = fc.sample(fc.bigInt({ min: 0n, max: (1n << 53n) - 1n }), 2000);
    const short = fc.sample(fc.bigInt({ min: 0n, max: 10_000_000_000n }), 4000);
    const values = [...edges, ...anyNs, ...short];
    const { status, stdout, stderr } = runProgram(program, [], `${values.join("\n")}\n`);
    assert.equal(status, 0, stderr);
    const lines = stdout.toString().trim().split("\n");
    assert.equal(lines.length, values.length);
    for (const [at, line] of lines.entries()) {
      const [kernel, helper] = line.split(" ").map(Number);
      const expected = bucketOf(Number(values[at]));
      assert.deepEqual([kernel, helper], [expected, expected], `${values[at]} ns`);
    }
  });

  test("a record that is being written is never taken for a whole one", () => {
    assert.match(passes(compile("record", ["wire/record"])), /^whole [1-9]/);
  });

  test("every op is in the phases' histograms once, or counted as overtaken", () => {
    const program = compile("phases", ["wire/phases", "wire/record"]);
    for (const seed of fc.sample(fc.nat(), 5)) passes(program, String(seed));
  });

  test("whether the kernel preempts tasks within itself is read from what it says", () => {
    passes(compile("understudy", ["wire/understudy"]));
  });

  test("an operation of NFS is one, whatever tasks and attempts it takes", () => {
    passes(compile("rpc-life", ["rpc/held", "failures"]));
  });

  test("failures are told once, late where a tick has no room, and counted as lost where the table has none", () => {
    passes(compile("failures", ["failures"]));
  });

  test("targets that nobody uses give their places back before there is no room for new ones", () => {
    passes(compile("targets", ["wire/targets", "failures"]));
  });

  test("what the buffer of stdout accepts arrives whole, what it cannot hold is refused", () => {
    const program = compile("out", ["out"]);
    for (const seed of fc.sample(fc.nat(), 3)) assert.match(passes(program, String(seed)), /refused [1-9]/);
  });
});
