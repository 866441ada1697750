/** A part of the daemon that has to show again and again that it works. */
export interface Pulse {
  readonly name: string;
  /** Silent for longer than this, it is stuck. */
  readonly limitNs: number;
  /** CLOCK_MONOTONIC ns of its last sign of life; undefined: it has nothing to do now. */
  readonly lastNs: () => number | undefined;
}

/** What is stuck, as sentences; none: healthy. */
export function stuckParts(pulses: readonly Pulse[], nowNs: number): string[] {
  return pulses.flatMap(({ name, limitNs, lastNs }) => {
    const last = lastNs();
    if (last === undefined || nowNs - last <= limitNs) return [];
    return [`${name} gave no sign of life for ${Math.floor((nowNs - last) / 1e9)} s`];
  });
}
