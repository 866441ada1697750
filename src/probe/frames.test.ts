import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AOD_FRAME_SIZE, AodFrameType, AodLimit } from "./decoders.gen.ts";
import { type Frame, FrameReader, frameOf } from "./frames.ts";
import { fitsWire } from "./smb-wire.ts";
import { helloFrame, lostFrame, opsFrame, rawOp, tickFrame } from "./testing/make-frames.ts";

const types = Object.values(AodFrameType);
const anyFrame = fc
  .record({ type: fc.constantFrom(...types), payload: fc.uint8Array({ maxLength: 300 }) })
  .map(({ type, payload }) => ({ type, payload: Buffer.from(payload) }));

/** Cuts bytes at the given places. */
function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index] ?? 0, end));
}

function readAll(reader: FrameReader, chunks: readonly Buffer[]): Frame[] {
  return chunks.flatMap((chunk) => reader.push(chunk));
}

function bytesOf(frames: readonly Frame[]): number {
  return frames.reduce((sum, frame) => sum + AOD_FRAME_SIZE + frame.payload.length, 0);
}

function discardedBytes(reader: FrameReader): number {
  return [...reader.discarded.values()].reduce((sum, { bytes }) => sum + bytes, 0);
}

describe("FrameReader", () => {
  it("gives the same frames however a valid stream is cut", () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), fc.array(fc.nat()), (frames, cuts) => {
        const bytes = Buffer.concat(frames.map((frame) => frameOf(frame.type, frame.payload)));
        const reader = new FrameReader();
        assert.deepEqual(readAll(reader, split(bytes, cuts)), frames);
        reader.end();
        assert.equal(reader.discarded.size, 0);
      }),
    );
  });

  it("never throws and accounts for every byte, whatever was changed in the stream", () => {
    const change = fc.record({ at: fc.nat(), to: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.array(anyFrame),
        fc.array(change),
        fc.array(fc.nat()),
        fc.nat(20),
        (frames, changes, cuts, cut) => {
          const bytes = Buffer.concat(frames.map((frame) => frameOf(frame.type, frame.payload)));
          for (const { at, to } of changes) if (bytes.length > 0) bytes[at % bytes.length] = to;
          const stream = bytes.subarray(0, Math.max(0, bytes.length - cut));
          const reader = new FrameReader(fitsWire);
          const got = readAll(reader, split(stream, cuts));
          assert.equal(bytesOf(got) + discardedBytes(reader) + reader.buffered, stream.length);
          reader.end();
          assert.equal(bytesOf(got) + discardedBytes(reader), stream.length);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("accounts for every byte of noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4_096 }), fc.array(fc.nat()), (noise, cuts) => {
        const reader = new FrameReader(fitsWire);
        const got = readAll(reader, split(Buffer.from(noise), cuts));
        reader.end();
        assert.equal(bytesOf(got) + discardedBytes(reader), noise.length);
      }),
      { numRuns: 500 },
    );
  });

  it("finds its way back to the next frame after a length above the limit", () => {
    const broken = opsFrame([rawOp()]);
    broken.writeUInt32LE(AodLimit.FRAME_MAX + 1, 0);
    const reader = new FrameReader(fitsWire);
    const after = [lostFrame([{ kind: 1, detail: 0, count: 2 }]), tickFrame()];
    const got = readAll(reader, [Buffer.concat([helloFrame(), broken, ...after])]);
    assert.deepEqual(
      got.map((frame) => frame.type),
      [AodFrameType.FRAME_HELLO, AodFrameType.FRAME_LOST, AodFrameType.FRAME_TICK],
    );
    assert.equal(reader.discarded.get("oversized")?.count, 1);
    assert.equal(discardedBytes(reader), broken.length);
    assert.equal(reader.synchronised, true);
  });

  it("says so while it has not found its way back", () => {
    const reader = new FrameReader(fitsWire);
    reader.push(Buffer.alloc(64, 0xff));
    assert.equal(reader.synchronised, false);
    assert.ok(reader.buffered < AOD_FRAME_SIZE);
  });

  it("skips whole frames of an unknown type or version, also when they come in pieces", () => {
    const newer = frameOf(40, Buffer.alloc(500));
    const later = opsFrame([rawOp()]);
    later.writeUInt16LE(AodLimit.FRAME_VERSION + 1, 6);
    const bytes = Buffer.concat([newer, later, tickFrame()]);
    for (const size of [1, 7, 100, bytes.length]) {
      const reader = new FrameReader(fitsWire);
      const got = readAll(
        reader,
        split(
          bytes,
          Array.from({ length: Math.floor(bytes.length / size) }, (_, index) => index * size),
        ),
      );
      assert.deepEqual(
        got.map((frame) => frame.type),
        [AodFrameType.FRAME_TICK],
      );
      assert.deepEqual(reader.discarded.get("type"), { count: 1, bytes: newer.length });
      assert.deepEqual(reader.discarded.get("version"), { count: 1, bytes: later.length });
    }
  });

  it("keeps no more than what has come, whatever a length says", () => {
    const head = frameOf(AodFrameType.FRAME_OPS, Buffer.alloc(0));
    head.writeUInt32LE(AodLimit.FRAME_MAX, 0);
    const reader = new FrameReader(fitsWire);
    assert.deepEqual(reader.push(head), []);
    assert.equal(reader.buffered, AOD_FRAME_SIZE);
    reader.end();
    assert.deepEqual(reader.discarded.get("truncated"), { count: 1, bytes: AOD_FRAME_SIZE });
  });
});
