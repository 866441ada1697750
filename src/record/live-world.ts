import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProbeProcess, StartProcess } from "../probe/helper-process.ts";
import { type Clock, systemClock } from "../system/clock.ts";
import { HeldClock } from "../system/held-clock.ts";
import type { Moment } from "./format.ts";
import type { Recorder } from "./recorder.ts";

/** This machine, with a clock that goes on with each input. */
export class LiveWorld {
  readonly clock: HeldClock;
  readonly start: Moment;
  /** How far the clock has gone. */
  at: Moment;
  recorder: Recorder | undefined;
  private readonly procRoot: string;
  private readonly source: Clock;
  /** What was read before it was clear whether it is to be kept. */
  private readonly early = new Map<string, string | undefined>();
  private started = false;

  constructor(procRoot = "/proc", source = systemClock) {
    this.procRoot = procRoot;
    this.source = source;
    this.start = momentOf(source);
    this.at = this.start;
    this.clock = new HeldClock(this.start.nowNs, this.start.wallMs);
  }

  /** Keeps what is read here, from the beginning on. */
  recordWith(recorder: Recorder): void {
    this.recorder = recorder;
    for (const [path, text] of this.early) recorder.file(path, text);
  }

  advance(): void {
    this.started = true;
    this.at = momentOf(this.source);
    this.clock.advance(this.at.nowNs, this.at.wallMs);
  }

  readonly readProc = (path: string): string | undefined => {
    const text = this.readUnrecorded(path);
    if (this.recorder !== undefined) this.recorder.file(path, text);
    else if (!this.started) this.early.set(path, text);
    return text;
  };

  /** For what leads to an input that is recorded itself. */
  readonly readUnrecorded = (path: string): string | undefined => {
    try {
      return readFileSync(join(this.procRoot, path), "utf8");
    } catch {
      // Not there (the module is not loaded, the task has ended) or not readable: both mean that nothing is known.
      return undefined;
    }
  };

  /**
   * A starter of helpers whose frames move the clock. Call `record` when the helper's reader listens: what is read while a piece is dealt with is kept
   * before it. `probe`: its number in the recording.
   */
  follow(probe: number, start: StartProcess): { readonly start: StartProcess; readonly record: () => void } {
    let helper: ProbeProcess | undefined;
    return {
      start: (argv) => {
        helper = start(argv);
        helper.stdout.on("data", () => this.advance());
        return helper;
      },
      record: () => {
        if (helper !== undefined) this.recorder?.follow(probe, helper);
      },
    };
  }
}

function momentOf(clock: Clock): Moment {
  return { nowNs: clock.nowNs(), wallMs: clock.wallMs() };
}
