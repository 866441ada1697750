import { Readable, Writable } from "node:stream";
import type { ProbeProcess, ProcessEnd } from "../probe/helper-process.ts";
import type { RecordedExit } from "./payloads.ts";

/** A helper of the time of the recording: what it said comes again, in the same pieces; what it is asked falls on deaf ears. */
export class ReplayedProcess implements ProbeProcess {
  readonly stdin: Writable;
  readonly stdout = new Readable({ read: () => {} });
  readonly stderr = new Readable({ read: () => {} });
  readonly ended: Promise<ProcessEnd>;
  private readonly resolve: (end: ProcessEnd) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
    this.ended = promise;
    this.resolve = resolve;
    this.stdin = new Writable({
      write: (_bytes, _encoding, done) => done(),
      final: (done) => {
        this.finish({ code: 0, signal: null });
        done();
      },
    });
  }

  /** Whoever listens has dealt with it when this returns. */
  say(frames: Buffer): void {
    this.stdout.emit("data", frames);
  }

  exit({ code, signal, complaint, error, missing }: RecordedExit): void {
    if (complaint !== "") this.stderr.emit("data", Buffer.from(complaint));
    const why = error === undefined ? undefined : Object.assign(new Error(error), missing ? { code: "ENOENT" } : {});
    // A name that this machine's signals lack is as good as any: it is only shown.
    this.finish({ code, signal: signal as NodeJS.Signals | null, ...(why === undefined ? {} : { error: why }) });
  }

  kill(): void {
    this.finish({ code: null, signal: "SIGKILL" });
  }

  private finish(end: ProcessEnd): void {
    this.stdout.emit("end");
    this.resolve(end);
  }
}
