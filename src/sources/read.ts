import { closeSync, constants, openSync, readSync } from "node:fs";
import { hasCode } from "../system/proc.ts";

export interface ReadText {
  readonly text: string;
  /** There was more than the limit. */
  readonly cut: boolean;
}

const PIECE = 64 * 1024;
const buffer = Buffer.alloc(PIECE);

/**
 * A file below /proc that the kernel writes from memory, under spin locks at most: reading it waits for nobody, and costs a tenth of what it costs in
 * libuv's pool. Undefined when there is none.
 */
export function readText(path: string, limitBytes: number): ReadText | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
  try {
    const pieces: Buffer[] = [];
    let size = 0;
    for (;;) {
      // The kernel gives a page at a time, or as much as one record needs.
      const count = readSync(fd, buffer, 0, Math.min(PIECE, limitBytes + 1 - size), null);
      if (count === 0) return { text: Buffer.concat(pieces, size).toString("utf8"), cut: false };
      size += count;
      pieces.push(Buffer.from(buffer.subarray(0, count)));
      if (size > limitBytes) return { text: Buffer.concat(pieces, limitBytes).toString("utf8"), cut: true };
    }
  } finally {
    closeSync(fd);
  }
}
