import { closeSync, openSync, write, writeSync } from "node:fs";
import { constants, zstdCompressSync } from "node:zlib";
import { AodError, messageOf } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import {
  BLOCK_HEAD_SIZE,
  type Chunk,
  encodeChunk,
  encodeHeader,
  type Header,
  type Moment,
  PAYLOAD_MAX,
} from "./format.ts";

/** What is not in the file. */
export interface Lost {
  readonly chunks: number;
  readonly bytes: number;
}

/** Takes packed blocks in order; calls back when one is written. */
export interface BlockFile {
  write(block: Buffer, done: (error: Error | null) => void): void;
  close(): void;
}

export interface WriterLimits {
  /** A block is packed when it holds this much. */
  readonly blockBytes?: number;
  /** Packed blocks that may wait for the disk. */
  readonly queueBytes?: number;
  /** Of the file; then nothing more goes in. */
  readonly fileBytes?: number;
}

/** Only a few µs for each 10 kB, and a recording is a third larger than with the default level. */
const zstd = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };

/**
 * Writes a recording. Never waits for the disk: what it does not take in time waits in memory, up to a limit; beyond it chunks are dropped, counted
 * here and in the file.
 */
export class RecordingWriter {
  /** Bytes of the blocks so far. */
  bytes = 0;
  /** Since its beginning. */
  lost: Lost = { chunks: 0, bytes: 0 };
  /** Why nothing can be written any more. */
  failure: string | undefined;
  private readonly file: BlockFile;
  private readonly blockBytes: number;
  private readonly queueBytes: number;
  private readonly fileBytes: number;
  private block: Buffer[] = [];
  private blockSize = 0;
  private queue: Buffer[] = [];
  private queued = 0;
  private writing = false;
  /** Not yet told in the file. */
  private untold: { chunks: number; bytes: number; at: Moment } | undefined;
  private idle: () => void = () => {};

  constructor(file: BlockFile, limits: WriterLimits = {}) {
    this.file = file;
    this.blockBytes = limits.blockBytes ?? 256 * 1024;
    this.queueBytes = limits.queueBytes ?? 16 * 1024 * 1024;
    this.fileBytes = limits.fileBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Bytes that wait for the disk. */
  get backlog(): number {
    return this.queued;
  }

  /** The file has reached its limit. */
  get full(): boolean {
    return this.bytes >= this.fileBytes;
  }

  write(chunk: Chunk): void {
    if (
      this.failure !== undefined ||
      this.full ||
      chunk.payload.length > PAYLOAD_MAX ||
      this.queued + this.blockSize > this.queueBytes
    ) {
      this.drop(chunk);
      return;
    }
    this.tell();
    this.add(chunk);
  }

  /** Lets the disk have what is there. Call it about once a second. */
  flush(): void {
    if (this.blockSize === 0) return;
    const plain = Buffer.concat(this.block, this.blockSize);
    this.block = [];
    this.blockSize = 0;
    if (this.failure !== undefined) return;
    const packed = zstdCompressSync(plain, { params: zstd });
    const head = Buffer.alloc(BLOCK_HEAD_SIZE);
    head.writeUInt32LE(packed.length, 0);
    head.writeUInt32LE(plain.length, 4);
    const block = Buffer.concat([head, packed]);
    this.queue.push(block);
    this.queued += block.length;
    this.bytes += block.length;
    this.next();
  }

  /** The last chunk, whatever the queue holds. Waits for the disk until `limitMs` have passed; then the file is cut off. */
  async end(at: Moment, limitMs = END_LIMIT_MS): Promise<void> {
    this.tell();
    // After a failure it is not written: a file that lacks its middle must not look whole.
    this.add({ kind: "end", probe: 0, at, payload: Buffer.from(JSON.stringify({ lost: this.lost })) });
    this.flush();
    if (this.writing) {
      const written = new Promise<void>((resolve) => {
        this.idle = resolve;
      });
      const limit = Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        this.failure ??= `the disk did not take it within ${limitMs / 1000} s`;
        limit.resolve();
      }, limitMs);
      await Promise.race([written, limit.promise]);
      clearTimeout(timer);
    }
    if (!this.writing) this.file.close();
  }

  private add(chunk: Chunk): void {
    const bytes = encodeChunk(chunk);
    // A block holds whole chunks, and no more than its reader is ready for.
    if (this.blockSize + bytes.length > this.blockBytes) this.flush();
    this.block.push(bytes);
    this.blockSize += bytes.length;
  }

  private drop({ payload, at }: Chunk): void {
    this.lost = { chunks: this.lost.chunks + 1, bytes: this.lost.bytes + payload.length };
    this.untold ??= { chunks: 0, bytes: 0, at };
    this.untold.chunks++;
    this.untold.bytes += payload.length;
  }

  private tell(): void {
    if (this.untold === undefined) return;
    const { at, chunks, bytes } = this.untold;
    this.untold = undefined;
    this.add({ kind: "lost", probe: 0, at, payload: Buffer.from(JSON.stringify({ chunks, bytes })) });
  }

  private next(): void {
    if (this.writing) return;
    const block = this.queue.shift();
    if (block === undefined) {
      this.idle();
      return;
    }
    this.writing = true;
    this.file.write(block, (error) => {
      this.writing = false;
      this.queued -= block.length;
      if (error !== null) {
        this.failure ??= messageOf(error);
        this.queue = [];
        this.queued = 0;
      }
      this.next();
    });
  }
}

const END_LIMIT_MS = 10_000;

/** Makes the file, readable by its owner alone, with the header in it. What is there already is not touched. */
export function createRecording(path: string, header: Header, limits: WriterLimits = {}): RecordingWriter {
  let fd: number;
  try {
    fd = openSync(path, "wx", 0o600);
  } catch (error) {
    const why = hasCode(error, "EEXIST") ? "it is there already" : messageOf(error);
    throw new AodError("usage", `cannot record to ${path}: ${why}`, { cause: error });
  }
  try {
    writeSync(fd, encodeHeader(header));
  } catch (error) {
    closeSync(fd);
    throw new AodError("failed", `cannot record to ${path}: ${messageOf(error)}`, { cause: error });
  }
  return new RecordingWriter(blockFile(fd), limits);
}

function blockFile(fd: number): BlockFile {
  const write_ = (bytes: Buffer, done: (error: Error | null) => void): void => {
    write(fd, bytes, (error, written) => {
      if (error !== null || written === bytes.length) done(error);
      else if (written === 0) done(new Error("the disk takes nothing"));
      else write_(bytes.subarray(written), done);
    });
  };
  return { write: write_, close: () => closeSync(fd) };
}
