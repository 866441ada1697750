// What the helper makes of the records in the ring buffer.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FrameReader } from "../../src/probe/frames.ts";
import type { SmbParams } from "../../src/probe/op.ts";
import { fitsWire, SmbWireDecoder } from "../../src/probe/smb-wire.ts";
import { compile, runProgram, withoutCompiler } from "./compile.ts";

describe("outliers", { skip: withoutCompiler }, () => {
  test("an op's parameters come before it, whole; no kernel address leaves", () => {
    const program = compile("outliers", ["wire/outliers", "out"]);
    for (const [seed, count] of fc.sample(fc.tuple(fc.nat(1e6), fc.constantFrom(1, 700, 20_000)), 6)) {
      const { status, stdout, stderr } = runProgram(program, [String(seed), String(count)]);
      assert.equal(status, 0, stderr);
      const reader = new FrameReader(fitsWire);
      const decoder = new SmbWireDecoder();
      const params = new Map<number, SmbParams>();
      let seen = 0;
      for (const frame of reader.push(stdout)) {
        const event = decoder.decode(frame, 0);
        if (event?.type === "params") for (const one of event.params) params.set(one.seq, one);
        if (event?.type !== "ops") continue;
        for (const { seq } of event.ops) {
          const own = params.get(seq) ?? assert.fail(`op ${seq} came before its parameters`);
          assert.deepEqual([...own.fixed], [seq & 255, seq & 255]);
          assert.equal(own.text.toString(), seq % 2 ? "xxxx" : "");
          assert.equal(seq, ++seen);
        }
      }
      reader.end();
      assert.deepEqual([seen, params.size], [count, count]);
      assert.deepEqual([...reader.discarded, ...decoder.discarded], []);
      assert.ok(!stdout.includes(Buffer.from("8877665544332211", "hex")), "the key of a request");
    }
  });
});
