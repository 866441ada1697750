import type { Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";

const LIMIT_BYTES = 8 * 1024 ** 2;
const STALL_MS = 1000;

/**
 * Lines to a stream that may be slower than they come. They go out once per turn of the event loop; what the reader does not take waits,
 * up to a limit; beyond it lines are dropped and counted, so that the probe never waits for whoever reads.
 */
export class LineOutput {
  /** Lines that nobody got. */
  dropped = 0;
  /** The reader had stopped at the end: what is left in the stream keeps the process from ending by itself. */
  stuck = false;
  private readonly stream: Writable;
  private readonly limitBytes: number;
  private batch = "";
  private batchLines = 0;
  private scheduled = false;
  private waitingLines = 0;

  constructor(stream: Writable, limitBytes = LIMIT_BYTES) {
    this.stream = stream;
    this.limitBytes = limitBytes;
  }

  line(text: string): void {
    if (this.batch.length + this.stream.writableLength + text.length >= this.limitBytes) {
      this.dropped++;
      return;
    }
    this.batch += `${text}\n`;
    this.batchLines++;
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.send());
  }

  /** For who can wait: until the reader has taken most of what there is. */
  async ready(): Promise<void> {
    while (this.batch.length + this.stream.writableLength >= this.limitBytes / 8 && !this.stream.destroyed) {
      await setTimeout(5);
    }
  }

  /** Waits until all is written, as long as the reader goes on taking; what it does not take is dropped and counted. */
  async end(stallMs = STALL_MS): Promise<void> {
    this.send();
    while (this.waitingLines > 0) {
      const before = this.stream.writableLength;
      const until = performance.now() + stallMs;
      while (this.waitingLines > 0 && this.stream.writableLength === before && performance.now() < until) {
        await setTimeout(5);
      }
      if (this.waitingLines === 0 || this.stream.writableLength !== before) continue;
      this.dropped += this.waitingLines;
      this.stuck = true;
      return;
    }
  }

  private send(): void {
    this.scheduled = false;
    if (this.batchLines === 0) return;
    const lines = this.batchLines;
    const text = this.batch;
    this.batch = "";
    this.batchLines = 0;
    this.waitingLines += lines;
    this.stream.write(text, () => {
      this.waitingLines -= lines;
    });
  }
}
