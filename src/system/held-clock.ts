import type { Clock } from "./clock.ts";

/** The wall clock is read anew when it has gone this far from where it was. */
const STEP_MS = 2;

/**
 * A clock that stands between two inputs and goes on with each: what is printed depends on the inputs alone, so a replay prints the same. The wall
 * clock is kept at one distance from CLOCK_MONOTONIC until it has been set, so that the times of ops do not jitter with its resolution of 1 ms.
 */
export class HeldClock implements Clock {
  private atNs: number;
  private offsetMs: number;

  constructor(nowNs: number, wallMs: number) {
    this.atNs = nowNs;
    this.offsetMs = wallMs - nowNs / 1e6;
  }

  advance(nowNs: number, wallMs: number): void {
    this.atNs = Math.max(this.atNs, nowNs);
    const offsetMs = wallMs - nowNs / 1e6;
    if (Math.abs(offsetMs - this.offsetMs) > STEP_MS) this.offsetMs = offsetMs;
  }

  nowNs(): number {
    return this.atNs;
  }

  wallMs(): number {
    return this.atNs / 1e6 + this.offsetMs;
  }
}
