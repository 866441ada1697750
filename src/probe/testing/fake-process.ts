import { PassThrough } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { ProbeProcess, ProcessEnd, StartProcess } from "../helper-process.ts";

/** aod-probe as data: what a test writes to it comes out as its stdout; it ends with status 0 when its stdin ends. */
export class FakeProcess implements ProbeProcess {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly ended: Promise<ProcessEnd>;
  readonly argv: readonly string[];
  /** Everything that was sent to its stdin. */
  readonly received: Buffer[] = [];
  killed = false;
  private resolve: (end: ProcessEnd) => void = () => {};

  /** `deaf`: the end of stdin does not end it, only SIGKILL does. */
  constructor(argv: readonly string[], deaf = false) {
    this.argv = argv;
    this.ended = new Promise((resolve) => {
      this.resolve = resolve;
    });
    this.stdin.on("data", (chunk: Buffer) => this.received.push(chunk));
    if (!deaf) this.stdin.on("end", () => void this.exit({ code: 0, signal: null }));
  }

  /** Writes frames and waits until they have been read. */
  async say(...frames: readonly Buffer[]): Promise<void> {
    for (const frame of frames) this.stdout.write(frame);
    await setImmediate();
  }

  /** Ends its streams, then itself. */
  async exit(end: Partial<ProcessEnd>): Promise<void> {
    this.stdout.end();
    this.stderr.end();
    await setImmediate();
    this.resolve({ code: null, signal: null, ...end });
  }

  kill(): void {
    this.killed = true;
    void this.exit({ signal: "SIGKILL" });
  }
}

/** A process starter that starts fakes, and the fakes that it has started. */
export function fakeStarter(deaf = false): { readonly start: StartProcess; readonly started: FakeProcess[] } {
  const started: FakeProcess[] = [];
  const start: StartProcess = (argv) => {
    const fake = new FakeProcess(argv, deaf);
    started.push(fake);
    return fake;
  };
  return { start, started };
}
