// What comes on aod-probe's stdin, friendly and hostile, against probe/requests.c under the sanitizers.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import type { Frame } from "../../src/probe/frames.ts";
import { FrameReader, frameOf } from "../../src/probe/frames.ts";
import { historyFrame, settingsFrame } from "../../src/probe/settings.ts";
import { SmbWireDecoder } from "../../src/probe/smb-wire.ts";
import { compile, type Ran, runProgram, withoutCompiler } from "./compile.ts";

function framesOf(stdout: Buffer): readonly Frame[] {
  const reader = new FrameReader();
  const frames = reader.push(stdout);
  reader.end();
  assert.deepEqual([...reader.discarded], []);
  return frames;
}

/** The message of the one frame that a helper writes which cannot go on. */
function errorOf({ status, stdout, stderr }: Ran): string {
  const events = framesOf(stdout).map((frame) => new SmbWireDecoder().decode(frame, 0));
  assert.equal(events.length, 1, stderr);
  const [event] = events;
  assert.equal(event?.type, "error");
  assert.equal(status, event.unsupported ? 3 : 1, stderr);
  return event.message;
}

const settings = settingsFrame({ slowUs: 10_000, inflightUs: 250 });
const unknown = /a request on stdin that aod-probe does not know/;

describe("requests", { skip: withoutCompiler }, () => {
  let program = "";
  before(() => {
    program = compile("requests", ["requests", "wire/request", "fail", "out"]);
  });

  test("in one piece, and in many, are understood; the end of stdin ends it", () => {
    const input = Buffer.concat([settings, ...Array.from({ length: 500 }, (_, i) => historyFrame(i, i + 1))]);
    const { status, stdout, stderr } = runProgram(program, [], input);
    assert.deepEqual([status, stdout.length], [0, 0], stderr);
    const lines = stderr.trim().split("\n");
    assert.equal(lines.length, 501);
    assert.equal(lines[0], `set 250000 ${(10_000_000).toString(16)}`);
    assert.equal(lines[500], "history 499 500");
  });

  const header = (length: number, type: number, version: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(length, 0);
    bytes.writeUInt16LE(type, 4);
    bytes.writeUInt16LE(version, 6);
    return bytes;
  };
  for (const [what, input] of [
    ["another version", header(16, 65, 2)],
    ["a length that no request has", header(0xffff_ffff, 64, 1)],
    ["a length one above the longest", header(2048 + 1, 64, 1)],
    ["settings that are too short", frameOf(64, Buffer.alloc(4))],
    ["a history request that is too long", frameOf(65, Buffer.alloc(24))],
    ["an unknown type", frameOf(9, Buffer.alloc(16))],
    ["rubbish behind a request", Buffer.concat([settings, Buffer.from("GET / HTTP/1.1\r\n\r\n")])],
  ] as const) {
    test(`${what}: an error frame, status 1`, () => {
      assert.match(errorOf(runProgram(program, [], input)), unknown);
    });
  }

  test("a request that was cut off: an error frame, status 1", () => {
    assert.match(errorOf(runProgram(program, [], settings.subarray(0, 20))), /stdin ended within a request/);
    assert.match(errorOf(runProgram(program, [], settings.subarray(0, 3))), /stdin ended within a request/);
  });

  test("any bytes end it in order: status 0 or an error frame", () => {
    const bytes = fc.uint8Array({ maxLength: 6000 });
    const almost = fc.tuple(fc.nat(300), fc.constantFrom(64, 65, 66), fc.constantFrom(1, 1, 1, 2), bytes);
    const input = fc.oneof(
      bytes.map((all) => Buffer.from(all)),
      almost.map(([length, type, version, rest]) => Buffer.concat([header(length, type, version), rest])),
    );
    fc.assert(
      fc.property(input, (all) => {
        const ran = runProgram(program, [], all);
        if (ran.status !== 0) errorOf(ran);
      }),
      { numRuns: 60 },
    );
  });
});
