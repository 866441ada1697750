import { closeSync, constants, openSync, readSync } from "node:fs";
import { hasCode } from "./proc.ts";

/** One record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg). */
export interface KernelRecord {
  /** syslog severity 0-7 */
  readonly level: number;
  readonly facility: number;
  readonly seq: number;
  /** µs since boot, by the kernel's local clock: within ms of CLOCK_MONOTONIC. */
  readonly timeUs: number;
  readonly message: string;
  /** The dictionary: SUBSYSTEM, DEVICE, ... */
  readonly details?: Readonly<Record<string, string>>;
}

export interface KernelLogSlice {
  readonly records: readonly KernelRecord[];
  /** Records that the kernel overwrote while they were being read. */
  readonly lost: number;
  /** Records that did not look like one. */
  readonly unparsed: number;
  /** Records in the time asked for that were dropped for `maxRecords`, the oldest. */
  readonly dropped: number;
}

export interface KernelLogQuery {
  /** µs since boot, inclusive. */
  readonly fromUs: number;
  readonly maxRecords: number;
  readonly signal?: AbortSignal;
}

/** How /dev/kmsg is opened and read; tests pass their own. `read` throws EAGAIN at the end, EPIPE when it was overtaken. */
export interface RecordReader {
  /** Bytes put into `into`; 0 at an end that is final. */
  read(into: Buffer): number;
  close(): void;
}

/** O_NONBLOCK, so that the end is EAGAIN and no read ever waits. */
export function openKernelLog(path: string): RecordReader {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { read: (into) => readSync(fd, into, 0, into.length, null), close: () => closeSync(fd) };
}

/** Larger than any record: the kernel refuses smaller ones with EINVAL. */
const recordBytes = 16 * 1024;
/** Records between two turns of the event loop. */
const batch = 256;

/** The last `maxRecords` records from a moment on. Closes the reader. */
export async function readKernelLog(reader: RecordReader, query: KernelLogQuery): Promise<KernelLogSlice> {
  const kept: KernelRecord[] = [];
  const buffer = Buffer.alloc(recordBytes);
  let lost = 0;
  let unparsed = 0;
  let dropped = 0;
  let next: number | undefined;
  try {
    for (let count = 1; ; count++) {
      query.signal?.throwIfAborted();
      const size = readRecord(reader, buffer);
      if (size === "overtaken") {
        // How many is seen from the number of the next record; at least one.
        if (next === undefined) lost += 1;
        continue;
      }
      if (size === 0) break;
      const record = parseKernelRecord(buffer.toString("utf8", 0, size));
      if (record === undefined) {
        unparsed += 1;
      } else {
        if (next !== undefined && record.seq > next) lost += record.seq - next;
        next = record.seq + 1;
        if (record.timeUs >= query.fromUs) kept.push(record);
        if (kept.length > 2 * query.maxRecords) dropped += trim(kept, query.maxRecords);
      }
      if (count % batch === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    reader.close();
  }
  dropped += trim(kept, query.maxRecords);
  return { records: kept, lost, unparsed, dropped };
}

/** One record into `buffer`: its size, 0 at the end of what there is now. */
export function readRecord(reader: RecordReader, buffer: Buffer): number | "overtaken" {
  try {
    return reader.read(buffer);
  } catch (error) {
    if (hasCode(error, "EAGAIN")) return 0;
    if (hasCode(error, "EPIPE")) return "overtaken";
    throw error;
  }
}

function trim(records: KernelRecord[], limit: number): number {
  return records.splice(0, Math.max(0, records.length - limit)).length;
}

/** `PRIORITY,SEQ,TIME_US,FLAGS[,...];MESSAGE\n KEY=VALUE\n...`, unprintable bytes as \xNN. Undefined when it is something else. */
export function parseKernelRecord(text: string): KernelRecord | undefined {
  const semicolon = text.indexOf(";");
  const [priority, seq, timeUs] = text.slice(0, semicolon).split(",").map(Number);
  if (semicolon < 0 || !isCount(priority) || !isCount(seq) || !isCount(timeUs)) return undefined;
  const [message = "", ...rest] = text.slice(semicolon + 1).split("\n");
  const details: Record<string, string> = {};
  for (const line of rest) {
    const equals = line.indexOf("=");
    if (line.startsWith(" ") && equals > 1) details[line.slice(1, equals)] = unescapeBytes(line.slice(equals + 1));
  }
  const record = { level: priority & 7, facility: priority >> 3, seq, timeUs, message: unescapeBytes(message) };
  return Object.keys(details).length > 0 ? { ...record, details } : record;
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0;
}

function unescapeBytes(text: string): string {
  if (!text.includes("\\x")) return text;
  const bytes = text.replace(/(?:\\x[0-9a-f]{2})+/g, (run) =>
    Buffer.from(run.replaceAll("\\x", ""), "hex").toString("utf8"),
  );
  return bytes;
}
