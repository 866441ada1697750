import { type Clock, formatWall } from "../system/clock.ts";

/** What interrupted the daemon's time: it says why something that should have been seen was not. */
export interface Continuity {
  /** Times in which nothing ran here: the daemon was stopped, or the machine had no time for it. */
  readonly pauses: number;
  readonly last_pause?: { readonly time: string; readonly for_s: number };
  /** The wall clock was set, or the machine slept. */
  readonly clock_steps: number;
  readonly last_clock_step?: { readonly time: string; readonly by_s: number };
}

/** Beats come once a second. */
const PAUSE_NS = 10e9;
/** What a time service slews is less. */
const STEP_MS = 2000;

/** Watches both clocks from beat to beat. CLOCK_MONOTONIC stands still while the machine sleeps, so a sleep is a step of the wall clock. */
export class ContinuityWatch {
  readonly #clock: Clock;
  #before: { readonly nowNs: number; readonly wallMs: number } | undefined;
  #state: Continuity = { pauses: 0, clock_steps: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get state(): Continuity {
    return this.#state;
  }

  /** Once a second. */
  beat(): void {
    const now = { nowNs: this.#clock.nowNs(), wallMs: this.#clock.wallMs() };
    const before = this.#before;
    this.#before = now;
    if (before === undefined) return;
    const passedNs = now.nowNs - before.nowNs;
    const time = formatWall(now.wallMs);
    if (passedNs >= PAUSE_NS) {
      const last_pause = { time, for_s: Math.round(passedNs / 1e9) };
      this.#state = { ...this.#state, pauses: this.#state.pauses + 1, last_pause };
    }
    const steppedMs = now.wallMs - before.wallMs - passedNs / 1e6;
    if (Math.abs(steppedMs) >= STEP_MS) {
      const last_clock_step = { time, by_s: Math.round(steppedMs / 1000) };
      this.#state = { ...this.#state, clock_steps: this.#state.clock_steps + 1, last_clock_step };
    }
  }
}
