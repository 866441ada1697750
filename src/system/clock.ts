/** Both clocks of the machine. Tests pass their own. */
export interface Clock {
  /** CLOCK_MONOTONIC in ns, what the kernel's bpf_ktime_get_ns() counts. */
  nowNs(): number;
  /** Unix time in ms; follows every step of the clock. */
  wallMs(): number;
}

export const systemClock: Clock = {
  nowNs: () => Number(process.hrtime.bigint()),
  // Not performance.timeOrigin: that does not follow a step of the clock.
  wallMs: () => Date.now(),
};

/** The wall clock as it stood when this was called, gone on since: what happens later to the real one does not show. */
export function standingClock(clock: Clock): Clock {
  const fromNs = clock.nowNs();
  const fromMs = clock.wallMs();
  return { nowNs: () => clock.nowNs(), wallMs: () => fromMs + (clock.nowNs() - fromNs) / 1e6 };
}

/** RFC 3339 with µs, UTC, of a CLOCK_MONOTONIC moment as the wall clock stands now. */
export function wallTimeOf(monotonicNs: number, clock: Clock): string {
  return formatWall(clock.wallMs() - (clock.nowNs() - monotonicNs) / 1e6);
}

/** `2026-11-22T13:05:11.123456Z` */
export function formatWall(unixMs: number): string {
  const wholeMs = Math.floor(unixMs);
  const micros = Math.floor((unixMs - wholeMs) * 1000);
  return `${new Date(wholeMs).toISOString().slice(0, -1)}${String(micros).padStart(3, "0")}Z`;
}
