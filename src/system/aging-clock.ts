import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "./clock.ts";

/**
 * The wall clock as it stood when this was called, gone on by the time that the machine has been up since, sleep included: what only grew old because the
 * clock was set is not old.
 */
export function agingClock(procRoot: string, clock: Clock): Clock {
  const fromMs = clock.wallMs();
  const fromNs = clock.nowNs();
  const fromUpMs = uptimeMs(procRoot);
  return {
    nowNs: () => clock.nowNs(),
    wallMs: () => {
      const upMs = uptimeMs(procRoot);
      const passed = fromUpMs === undefined || upMs === undefined ? (clock.nowNs() - fromNs) / 1e6 : upMs - fromUpMs;
      return fromMs + passed;
    },
  };
}

/** CLOCK_BOOTTIME, which Node has no function for. */
function uptimeMs(procRoot: string): number | undefined {
  try {
    const seconds = Number(readFileSync(join(procRoot, "uptime"), "utf8").split(" ", 1)[0]);
    return Number.isFinite(seconds) ? seconds * 1000 : undefined;
  } catch {
    // Without it the time of sleep does not count.
    return undefined;
  }
}
