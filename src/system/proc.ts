import { constants } from "node:fs";
import { open } from "node:fs/promises";

export interface LocalFile {
  readonly content: Buffer;
  /** There was more than the limit. */
  readonly truncated: boolean;
}

export interface ReadOptions {
  readonly limitBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * At most this many reads below /proc and /sys are in libuv's pool of four threads at any time: should the kernel hold one of them
 * for long, the pool still serves everybody else.
 */
const permits = 2;
let free = permits;
const queue: (() => void)[] = [];

async function gated<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  await new Promise<void>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    if (free > 0) {
      free -= 1;
      return resolve();
    }
    const granted = (): void => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    };
    const onAbort = (): void => {
      queue.splice(queue.indexOf(granted), 1);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    queue.push(granted);
  });
  try {
    return await work();
  } finally {
    const next = queue.shift();
    if (next) next();
    else free += 1;
  }
}

/**
 * Reads a file of /proc or /sys: their sizes are not known before, and each read may give less than asked for. `undefined` when
 * there is no such file. Only for files that no hung task can block (docs/architecture.md, invariant 1). The signal ends the waiting
 * for a turn and between two reads, not a read that the kernel holds.
 */
export function readLocal(path: string, options: ReadOptions): Promise<LocalFile | undefined> {
  return gated(async () => {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY).catch(
      (error: unknown) => {
        if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
        throw error;
      },
    );
    if (handle === undefined) return undefined;
    try {
      const pieces: Buffer[] = [];
      let size = 0;
      for (;;) {
        options.signal?.throwIfAborted();
        const piece = Buffer.allocUnsafe(Math.min(64 * 1024, options.limitBytes + 1 - size));
        const { bytesRead } = await handle.read(piece, 0, piece.length, null);
        if (bytesRead === 0) return { content: Buffer.concat(pieces), truncated: false };
        size += bytesRead;
        pieces.push(piece.subarray(0, bytesRead));
        if (size > options.limitBytes) return { content: Buffer.concat(pieces, options.limitBytes), truncated: true };
      }
    } finally {
      await handle.close();
    }
  }, options.signal);
}

/** Whether something thrown is a system error with one of these codes (`ENOENT`, ...). */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
