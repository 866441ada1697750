import { type KernelRecord, parseKernelRecord, type RecordReader, readRecord } from "./kernel-log.ts";

/** What came since the look before. */
export interface KernelLogNews {
  readonly records: readonly KernelRecord[];
  /** It stopped at its limit: there is more. */
  readonly more: boolean;
}

const recordBytes = 16 * 1024;
/** Records between two turns of the event loop. */
const batch = 256;

/** Reads on where it stopped. Never waits: the reader is O_NONBLOCK. */
export class KernelLogFollower {
  /** Records that the kernel overwrote before they were read; those that did not look like one. */
  lost = 0;
  unparsed = 0;
  readonly #reader: RecordReader;
  readonly #buffer = Buffer.alloc(recordBytes);
  #next: number | undefined;

  constructor(reader: RecordReader) {
    this.#reader = reader;
  }

  async read(maxRecords: number, signal?: AbortSignal): Promise<KernelLogNews> {
    const records: KernelRecord[] = [];
    for (let count = 1; count <= maxRecords; count++) {
      signal?.throwIfAborted();
      const size = readRecord(this.#reader, this.#buffer);
      if (size === 0) return { records, more: false };
      if (size === "overtaken") {
        // How many is seen from the number of the next record; at least one.
        if (this.#next === undefined) this.lost++;
        continue;
      }
      const record = parseKernelRecord(this.#buffer.toString("utf8", 0, size));
      if (record === undefined) this.unparsed++;
      else {
        if (this.#next !== undefined && record.seq > this.#next) this.lost += record.seq - this.#next;
        this.#next = record.seq + 1;
        records.push(record);
      }
      if (count % batch === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return { records, more: true };
  }

  close(): void {
    this.#reader.close();
  }
}
