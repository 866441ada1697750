import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { AodError } from "../system/error.ts";
import type { Chunk, ChunkKind, Header } from "./format.ts";
import { openCutOff, openRecording } from "./reader.ts";
import { type BlockFile, createRecording, RecordingWriter } from "./writer.ts";

const directory = mkdtempSync(join(tmpdir(), "aod-recording-"));
after(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const newPath = (): string => join(directory, `${++files}.aodrec`);

const start = { nowNs: 1e12, wallMs: Date.UTC(2026, 10, 22, 13, 5, 11) };
const header: Header = {
  created: "2026-11-22T13:05:11.000000Z",
  program: "aod 0.1.0",
  of: "record ops",
  kernel: "6.12.0-test",
  arch: "x64",
  start,
  probes: [{ name: "smb_wire", module: "cifs", args: [] }],
};

function chunk(text: string, kind: ChunkKind = "frames", afterNs = 0): Chunk {
  return { kind, probe: 0, at: { ...start, nowNs: start.nowNs + afterNs }, payload: Buffer.from(text) };
}

async function written(chunks: readonly Chunk[], path = newPath(), blockBytes = 64): Promise<string> {
  const writer = createRecording(path, header, { blockBytes });
  for (const one of chunks) writer.write(one);
  await writer.end({ nowNs: 2e12, wallMs: start.wallMs });
  assert.equal(writer.failure, undefined);
  return path;
}

function readAll(path: string): readonly Chunk[] {
  const recording = openRecording(path);
  try {
    const chunks = [...recording.chunks()];
    assert.equal(chunks.pop()?.kind, "end");
    return chunks;
  } finally {
    recording.close();
  }
}

function usageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof AodError && error.code === "usage", String(error));
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  return assert.fail("accepted");
}

describe("a recording", () => {
  it("gives back what was written, in its order", async () => {
    const chunks = [
      chunk("a"),
      chunk("self/mountinfo\0text", "file", 1),
      chunk("x".repeat(300), "frames", 2),
      chunk(""),
    ];
    const path = await written(chunks);
    assert.deepEqual(readAll(path), chunks);
    assert.deepEqual(openRecording(path).header, header);
  });

  it("is readable by its owner alone, and never replaces a file", async () => {
    const path = await written([chunk("a")]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.match(
      usageOf(() => createRecording(path, header)),
      /cannot record to .*: it is there already/,
    );
  });

  it("cut off anywhere is refused with one line, and can be salvaged up to there", async () => {
    const chunks = Array.from({ length: 6 }, (_, index) => chunk(`${index}`.repeat(60)));
    const whole = readFileSync(await written(chunks));
    const headerEnd = 16 + JSON.stringify(header).length;
    for (let size = 0; size < whole.length; size++) {
      const path = join(directory, "cut");
      writeFileSync(path, whole.subarray(0, size));
      const said = usageOf(() => openRecording(path));
      assert.match(said, size === 0 ? /is no recording of aod: it is empty/ : /is cut off: /);
      if (size < headerEnd) continue;
      const rest = openCutOff(path);
      const kept = [...rest.chunks()];
      assert.ok(rest.cutOff !== undefined);
      assert.deepEqual(kept, chunks.slice(0, kept.length));
      rest.close();
    }
  });

  it("says of what is none why it is none", async () => {
    assert.match(
      usageOf(() => openRecording(join(directory, "nothing"))),
      /there is no such file/,
    );
    assert.match(
      usageOf(() => openRecording(directory)),
      /is no recording: it is no file/,
    );
    assert.match(
      usageOf(() => openRecording("/dev/null")),
      /is no recording: it is no file/,
    );
    const other = newPath();
    writeFileSync(other, "ENDTIME TASK\n");
    assert.match(
      usageOf(() => openRecording(other)),
      /is no recording of aod: it begins otherwise/,
    );
    const newer = readFileSync(await written([]));
    newer.writeUInt32LE(2, 8);
    writeFileSync(other, newer);
    assert.match(
      usageOf(() => openRecording(other)),
      /of version 2: this program reads version 1/,
    );
  });

  it("says where it is damaged", async () => {
    const path = await written([chunk("a".repeat(60)), chunk("b".repeat(60))]);
    const bytes = readFileSync(path);
    const first = 16 + JSON.stringify(header).length;
    bytes.writeUInt8(bytes.readUInt8(first + 12) ^ 1, first + 12);
    writeFileSync(path, bytes);
    assert.match(
      usageOf(() => readAll(path)),
      new RegExp(`is damaged at byte ${first}$`),
    );
  });

  it("of any bytes, or with any byte changed, is read or refused as wrong usage", async () => {
    const good = readFileSync(await written([chunk("abc"), chunk("def", "file"), chunk("x".repeat(100))]));
    const path = newPath();
    const readable = (bytes: Uint8Array): void => {
      writeFileSync(path, bytes);
      try {
        readAll(path);
      } catch (error) {
        assert.ok(error instanceof AodError && error.code === "usage", String(error));
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), readable), { numRuns: 200 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (rest) => readable(Buffer.concat([good.subarray(0, -20), rest]))),
    );
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(good);
        bytes.writeUInt8(bytes.readUInt8(at) ^ change, at);
        readable(bytes);
      }),
    );
  });
});

/** A disk that takes a block when it is told to. */
class SlowDisk implements BlockFile {
  readonly blocks: Buffer[] = [];
  closed = false;
  private readonly waiting: ((error: Error | null) => void)[] = [];

  write(block: Buffer, done: (error: Error | null) => void): void {
    this.blocks.push(block);
    this.waiting.push(done);
  }

  take(error: Error | null = null): void {
    this.waiting.shift()?.(error);
  }

  close(): void {
    this.closed = true;
  }
}

describe("a disk that does not keep up", () => {
  /** Nothing that zstd makes smaller. */
  const noise = (index: number): Chunk => {
    const pieces = Array.from({ length: 13 }, (_, piece) => createHash("sha256").update(`${index} ${piece}`).digest());
    return { ...chunk(""), payload: Buffer.concat(pieces).subarray(0, 400) };
  };

  it("never holds up who writes: what it does not take is dropped, counted, and told in the file", async () => {
    const disk = new SlowDisk();
    const writer = new RecordingWriter(disk, { blockBytes: 500, queueBytes: 2000 });
    for (let index = 0; index < 20; index++) writer.write(noise(index));
    assert.ok(writer.lost.chunks > 10 && writer.lost.bytes === writer.lost.chunks * 400, JSON.stringify(writer.lost));
    const lost = writer.lost;
    for (let blocks = 0; blocks < 6; blocks++) disk.take();
    writer.write(chunk("after"));
    const ended = writer.end(start);
    while (!disk.closed) {
      disk.take();
      await Promise.resolve();
    }
    await ended;
    const path = newPath();
    const empty = readFileSync(await written([])).subarray(0, 16 + JSON.stringify(header).length);
    writeFileSync(path, Buffer.concat([empty, ...disk.blocks]));
    const chunks = readAll(path);
    assert.equal(chunks.filter(({ kind }) => kind === "frames").length, 20 - lost.chunks + 1);
    const told = chunks.filter(({ kind }) => kind === "lost").map(({ payload }) => JSON.parse(payload.toString()));
    assert.deepEqual(told, [lost]);
  });

  it("that fails leaves a file that does not look whole", async () => {
    const disk = new SlowDisk();
    const writer = new RecordingWriter(disk, { blockBytes: 100 });
    writer.write(noise(1));
    writer.flush();
    disk.take(new Error("ENOSPC: no space left on device, write"));
    writer.write(noise(2));
    await writer.end(start);
    assert.equal(writer.failure, "ENOSPC: no space left on device, write");
    assert.deepEqual([disk.blocks.length, disk.closed, writer.lost.chunks], [1, true, 1]);
  });

  it("that hangs is not waited for", async () => {
    const disk = new SlowDisk();
    const writer = new RecordingWriter(disk);
    writer.write(noise(1));
    await writer.end(start, 1);
    assert.match(writer.failure ?? "", /the disk did not take it/);
    assert.equal(disk.closed, false);
  });
});
