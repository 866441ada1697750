// Trace events of the kernel into a file that trace-cmd reads.
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../system/error.ts";
import { traceDatHead } from "./trace-dat.ts";
import { type Directories, TraceInstance } from "./trace-instance.ts";
import { cleanPage, missedIn, pageSizeOf } from "./trace-page.ts";

export interface EventRecordingOptions {
  readonly tracefs: string;
  readonly sysRoot: string;
  readonly procRoot: string;
  readonly pid: number;
  /** `SYSTEM/EVENT` */
  readonly events: readonly string[];
  /** A new file. */
  readonly file: string;
  /** KiB of each processor's ring. */
  readonly bufferKib: number;
  readonly maxBytes: number;
  readonly directories?: Directories;
}

export interface EventLosses {
  /** Overwritten in the ring before they were taken. */
  readonly overwritten: number;
  /** How often the kernel did not tell how many. */
  readonly unknown: number;
  /** Did not get into the ring. */
  readonly dropped: number;
}

/** A ring is emptied when a quarter of it is full: seldom, and in time. */
const FULL = 0.25;

/** Records until `end`; `remove` gives everything back that was taken of the system, however it ended. */
export class EventRecording {
  readonly instance: TraceInstance;
  readonly #options: EventRecordingOptions;
  readonly #pageSize: number;
  readonly #pieces: string;
  readonly #out: number;
  /** One file for each processor, until the end: they stand one after the other in a trace.dat. */
  readonly #cpus: { readonly cpu: number; readonly path: string; readonly fd: number; pages: number }[] = [];
  #overwritten = 0;
  #unknown = 0;
  #removed = false;

  /** Throws what the file system says. */
  constructor(options: EventRecordingOptions) {
    this.#options = options;
    const { tracefs, file } = options;
    this.#out = openSync(file, "wx", 0o600);
    try {
      this.#pieces = mkdtempSync(join(dirname(file), ".aod-events-"));
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    }
    try {
      this.instance = new TraceInstance(tracefs, { ...options, all: false });
    } catch (error) {
      rmSync(this.#pieces, { recursive: true, force: true });
      rmSync(file, { force: true });
      throw error;
    }
    try {
      this.#pageSize = pageSizeOf(this.instance.headers().headerPage);
      for (const cpu of this.instance.cpus()) {
        const path = join(this.#pieces, `cpu${cpu}`);
        this.#cpus.push({ cpu, path, fd: openSync(path, "w", 0o600), pages: 0 });
      }
      this.instance.enable(options.events);
    } catch (error) {
      this.remove();
      rmSync(file, { force: true });
      throw error;
    }
  }

  get bytes(): number {
    return this.#cpus.reduce((sum, { pages }) => sum + pages, 0) * this.#pageSize;
  }

  get full(): boolean {
    return this.bytes >= this.#options.maxBytes;
  }

  /** Several times a second. */
  beat(): void {
    for (const one of this.#cpus) {
      if (this.instance.waitingBytes(one.cpu) > FULL * this.#options.bufferKib * 1024) this.#take(one);
    }
  }

  losses(): EventLosses {
    return { overwritten: this.#overwritten, unknown: this.#unknown, dropped: this.instance.lostEvents() };
  }

  /** Puts the file together; with what is in the rings still. */
  async end(): Promise<EventLosses> {
    this.instance.stop();
    for (const one of this.#cpus) this.#take(one);
    const losses = this.losses();
    const counts: number[] = Array.from({ length: Math.max(0, ...this.#cpus.map(({ cpu }) => cpu)) + 1 }, () => 0);
    for (const { cpu, pages } of this.#cpus) counts[cpu] = pages;
    const facts = { pageSize: this.#pageSize, events: this.instance.formats(), clock: this.instance.clock };
    writeSync(this.#out, traceDatHead({ ...facts, ...this.instance.headers() }, counts));
    for (const { path } of this.#cpus.toSorted((a, b) => a.cpu - b.cpu)) {
      for await (const piece of createReadStream(path)) writeWhole(this.#out, piece as Buffer);
      rmSync(path);
    }
    return losses;
  }

  /** What could not be removed, if anything. */
  remove(): string | undefined {
    if (this.#removed) return undefined;
    this.#removed = true;
    closeSync(this.#out);
    for (const { fd } of this.#cpus) closeSync(fd);
    rmSync(this.#pieces, { recursive: true, force: true });
    try {
      this.instance.remove();
      return undefined;
    } catch (error) {
      return `${this.instance.path}: ${messageOf(error)}`;
    }
  }

  #take(one: { readonly cpu: number; readonly fd: number; pages: number }): void {
    const { maxBytes } = this.#options;
    for (const page of this.instance.takePages(one.cpu, this.#pageSize)) {
      const missed = missedIn(page);
      if (missed === "unknown") this.#unknown++;
      else this.#overwritten += missed;
      cleanPage(page);
      writeWhole(one.fd, page);
      one.pages++;
      // What the rings hold comes on top of it at the end, once.
      if (this.bytes > maxBytes + this.#cpus.length * this.#options.bufferKib * 1024) return;
    }
  }
}

function writeWhole(fd: number, piece: Buffer): void {
  for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
}
