import { createHash } from "node:crypto";
import { messageOf } from "../system/error.ts";
import { OutOfTime, untilAborted } from "../system/until-aborted.ts";
import type { DiskFile } from "./disk.ts";
import { LineRedactor, type TextKind } from "./redact.ts";

export type Source = Buffer | string | AsyncIterable<Buffer | string>;

export interface CopyOptions {
  readonly limitBytes: number;
  /** Undefined: bytes, not text; nothing is taken out. */
  readonly redact: TextKind | undefined;
  readonly signal?: AbortSignal;
}

/** How a copy ended. `ok`: all of it. */
export interface CopyResult {
  readonly status: "ok" | "truncated" | "failed" | "timed_out";
  readonly reason?: string;
  readonly size: number;
  readonly sha256: string;
  readonly redacted: number;
}

/** The limit is reached; thrown inside only. */
class Full extends Error {}
/** The disk failed: this is the only thing that leaves copyInto(). */
class DiskFailure extends Error {}

/**
 * Copies a source into an open file: redacted, bounded, hashed, in writes of 64 KiB or what there is at a pause. What a failing or
 * stalled source gave is kept. Rejects only with what the file threw.
 */
export async function copyInto(file: DiskFile, source: Source, options: CopyOptions): Promise<CopyResult> {
  const hash = createHash("sha256");
  const redactor = options.redact === undefined ? undefined : new LineRedactor(options.redact);
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let size = 0;
  let written = Promise.resolve();

  const flush = (): Promise<void> => {
    if (waitingBytes > 0) {
      const block = waiting.length === 1 && waiting[0] !== undefined ? waiting[0] : Buffer.concat(waiting);
      waiting.length = 0;
      waitingBytes = 0;
      hash.update(block);
      written = written.then(() => file.write(block)).catch(asDiskFailure);
    }
    return written;
  };
  // What an open incident has seen is on the disk before the next pause, not when 64 KiB are full. A failure shows at the next flush.
  const flushInPause = (): void => void flush().catch(() => undefined);
  const put = async (piece: Buffer | string): Promise<void> => {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    const room = options.limitBytes - size;
    const kept =
      bytes.length > room ? bytes.subarray(0, cutAt(bytes, room, redactor !== undefined && size > 0)) : bytes;
    if (kept.length > 0) waiting.push(kept);
    waitingBytes += kept.length;
    size += kept.length;
    if (waitingBytes >= 64 * 1024) await flush();
    if (bytes.length > room) throw new Full();
  };

  let end: Pick<CopyResult, "status" | "reason"> = { status: "ok" };
  try {
    const iterator = pieces(source, options.signal);
    try {
      for (;;) {
        const pause = setImmediate(flushInPause);
        const next = await iterator.next().finally(() => clearImmediate(pause));
        if (next.done) break;
        await put(redactor ? redactor.push(next.value) : next.value);
      }
    } finally {
      await iterator.return(undefined);
    }
    if (redactor) await put(redactor.end());
  } catch (error) {
    if (error instanceof DiskFailure) throw error.cause;
    if (error instanceof Full) end = { status: "truncated", reason: `cut at ${options.limitBytes} bytes` };
    else if (error instanceof OutOfTime) end = { status: "timed_out", reason: "its time was over" };
    else end = { status: "failed", reason: messageOf(error) };
  }
  try {
    // What a source gave of its last line before it failed.
    if (redactor && (end.status === "failed" || end.status === "timed_out")) {
      const last = redactor.end();
      if (size + last.length <= options.limitBytes) await put(last);
    }
    await flush();
  } catch (error) {
    throw error instanceof DiskFailure ? error.cause : error;
  }
  return { ...end, size, sha256: hash.digest("hex"), redacted: redactor?.removed ?? 0 };
}

function asDiskFailure(error: unknown): never {
  throw error instanceof DiskFailure ? error : new DiskFailure("write", { cause: error });
}

/** Text is cut after a line, unless that would leave nothing. */
function cutAt(bytes: Buffer, room: number, text: boolean): number {
  if (room <= 0) return 0;
  const end = bytes.lastIndexOf("\n", room - 1) + 1;
  return end > 0 || text ? end : room;
}

/** The pieces of a source, until it ends or its time does. */
async function* pieces(source: Source, signal: AbortSignal | undefined): AsyncGenerator<Buffer | string> {
  if (typeof source === "string" || Buffer.isBuffer(source)) yield source;
  else yield* untilAborted(source, signal);
}
