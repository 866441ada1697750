import { redact } from "../bundle/redact.ts";
import type { ProbeProcess } from "../probe/helper-process.ts";
import type { Waiter } from "../probe/op.ts";
import { taggedJson } from "../system/tagged-json.ts";
import type { ChunkKind, Moment } from "./format.ts";
import { encodeExit, encodeFile, encodeWaiters } from "./payloads.ts";
import { WholeFrames } from "./whole-frames.ts";
import type { RecordingWriter } from "./writer.ts";

const FLUSH_MS = 1000;
const COMPLAINT_MAX = 8192;
const SHORT = 256;
const MAX_REMEMBERED = 32;

/**
 * Keeps what a program takes from the machine, each piece behind what was read while it was dealt with: a reader that has all before a piece has
 * what was known at that moment.
 */
export class Recorder {
  readonly writer: RecordingWriter;
  /** The moment up to which the program's clock has gone. */
  private readonly at: () => Moment;
  private readonly before = new Map<string, string>();
  private readonly timer: NodeJS.Timeout;
  private closing = false;
  private ended = false;

  constructor(writer: RecordingWriter, at: () => Moment) {
    this.writer = writer;
    this.at = at;
    this.timer = setInterval(() => writer.flush(), FLUSH_MS);
    this.timer.unref();
  }

  /** What the helper of that number in the header writes. Call it after the helper's reader listens: its pieces come first. */
  follow(probe: number, helper: ProbeProcess): void {
    const frames = new WholeFrames();
    let complaint = "";
    helper.stdout.on("data", (piece: Buffer) => this.write("frames", frames.push(piece), probe));
    helper.stderr.on("data", (piece: Buffer) => {
      complaint = (complaint + piece.toString("utf8")).slice(-COMPLAINT_MAX);
    });
    void helper.ended.then(({ code, signal, error }) => {
      const rest = frames.end();
      if (rest.length > 0) this.write("frames", rest, probe);
      if (this.closing) return;
      const why = error === undefined ? {} : { error: error.message, missing: isMissing(error) };
      this.write("exit", encodeExit({ code, signal, complaint, ...why }), probe);
    });
  }

  /** The text of a file below /proc as it was read now; undefined: there is none. Without secrets, and only once when it does not change. */
  file(path: string, text: string | undefined): void {
    const same = this.before.get(path) === text;
    if (text === undefined) this.write("file", encodeFile({ path, kind: "none" }));
    else if (same) this.write("file", encodeFile({ path, kind: "same" }));
    else this.write("file", encodeFile({ path, kind: "text", text: redact(text).text }));
    if (same) return;
    if (this.before.size >= MAX_REMEMBERED) this.before.clear();
    // Shorter texts are not worth the comparison.
    if (text !== undefined && text.length >= SHORT) this.before.set(path, text);
    else this.before.delete(path);
  }

  /** Tasks that were found waiting. */
  waiters(waiters: readonly Waiter[]): void {
    this.write("waiters", encodeWaiters(waiters));
  }

  /** What a source of the daemon saw; without secrets. */
  observation(observation: unknown): void {
    this.write("observation", Buffer.from(taggedJson(observation, (text) => redact(text).text)));
  }

  beat(): void {
    this.write("beat", Buffer.alloc(0));
  }

  /** The helpers are about to be told to end: that is no news. */
  close(): void {
    this.closing = true;
  }

  /** Nothing is kept after it. */
  async end(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.timer);
    await this.writer.end(this.at());
  }

  private write(kind: ChunkKind, payload: Buffer, probe = 0): void {
    if (!this.ended) this.writer.write({ kind, probe, at: this.at(), payload });
  }
}

function isMissing(error: Error): boolean {
  return "code" in error && error.code === "ENOENT";
}
