// A page of a ring buffer as trace_pipe_raw gives it (kernel/trace/ring_buffer.c): time, what is committed with flags, data.

/** Data follow that the ring has overwritten. */
const MISSED_EVENTS = 0x8000_0000;
/** How many they were stands behind what is committed. */
const MISSED_STORED = 0x4000_0000;
const DATA = 16;

/** Where the data of a page ends: the kernel's page size, unless it was built or told otherwise. */
export function pageSizeOf(headerPage: string): number {
  const [, offset, size] = /field: char data;\s*offset:(\d+);\s*size:(\d+);/.exec(headerPage) ?? [];
  return offset === undefined || size === undefined ? 4096 : Number(offset) + Number(size);
}

const committedIn = (page: Buffer): number => Number(page.readBigUInt64LE(8) & 0xf_ffffn);

/** Events that were overwritten before this page: `unknown` where the kernel had no room to say how many. */
export function missedIn(page: Buffer): number | "unknown" {
  const flags = page.readUInt32LE(8);
  if ((flags & MISSED_EVENTS) === 0) return 0;
  const at = DATA + committedIn(page);
  return (flags & MISSED_STORED) === 0 || at + 8 > page.length ? "unknown" : Number(page.readBigUInt64LE(at));
}

/** Behind what is committed there may be anything: events that were read before. */
export function cleanPage(page: Buffer): void {
  const stored = (page.readUInt32LE(8) & MISSED_STORED) !== 0 ? 8 : 0;
  page.fill(0, Math.min(page.length, DATA + committedIn(page) + stored));
}
