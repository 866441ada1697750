import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { frameOf } from "../probe/frames.ts";
import { WholeFrames } from "./whole-frames.ts";

describe("whole frames", () => {
  it("come out as they went in, each in one piece, however the stream was cut", () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 50 }), (payloads, size) => {
        const bytes = Buffer.concat(payloads.map((payload) => frameOf(2, Buffer.from(payload))));
        const cutter = new WholeFrames();
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) pieces.push(cutter.push(bytes.subarray(at, at + size)));
        assert.deepEqual(Buffer.concat(pieces), bytes);
        for (const piece of pieces) {
          let at = 0;
          while (at < piece.length) at += 8 + piece.readUInt32LE(at);
          assert.equal(at, piece.length);
        }
        assert.equal(cutter.end().length, 0);
      }),
    );
  });

  it("lose nothing of what are no frames", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (parts) => {
        const cutter = new WholeFrames();
        const out = parts.map((part) => cutter.push(Buffer.from(part)));
        assert.deepEqual(Buffer.concat([...out, cutter.end()]), Buffer.concat(parts));
      }),
    );
  });
});
