import { join } from "node:path";
import { askDaemon, NotRunning } from "../../src/daemon/api-client.ts";
import type { Status } from "../../src/daemon/status.ts";
import { messageOf } from "../../src/system/error.ts";
import type { Lab } from "./lab.ts";
import type { Background } from "./process.ts";

/** `aod run` in the guest, and what `aod status` and `aod incidents` say of it. */
export interface RunningDaemon {
  readonly process: Background;
  status(): Promise<Status>;
  incidents(): Promise<readonly Incident[]>;
}

/** A line of `aod incidents --json`. */
export interface Incident {
  readonly id: string;
  readonly state: "open" | "closed";
  readonly opened: string;
  readonly closed?: string | null;
  readonly target: Readonly<Record<string, unknown>>;
  readonly anomalies: readonly { readonly detector: string; readonly time: string; readonly summary: string }[];
  readonly bundle: string | null;
}

/** The daemon's answer, also when the machine has no time for it at once. */
async function patiently<T>(lab: Lab, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === 5 || error instanceof NotRunning) throw error;
      lab.tell(`asked again: ${messageOf(error)}`);
    }
  }
}

/**
 * Starts the daemon with `config` (YAML) and waits until its API answers; with `attached`, until the probe runs. It is asked over its
 * socket: a program started for each question would take the emulated processor from the daemon.
 */
export async function startDaemon(
  lab: Lab,
  config = "",
  attached = true,
  options: readonly string[] = [],
): Promise<RunningDaemon> {
  lab.write("aod.yaml", config);
  const runDir = lab.aodEnvironment["AOD_RUN_DIR"] ?? "";
  const daemon: RunningDaemon = {
    process: lab.startAod(["run", "--config", join(lab.out, "aod.yaml"), ...options], { name: "daemon" }),
    status: async () => (await patiently(lab, () => askDaemon(runDir, "/status"))) as Status,
    incidents: async () => (await patiently(lab, () => askDaemon(runDir, "/incidents"))) as readonly Incident[],
  };
  await lab.until("the daemon answers", 60, async () => {
    try {
      const status = await daemon.status();
      return !attached || status.probes[0]?.state === "running";
    } catch (error) {
      if (error instanceof NotRunning) return false;
      throw error;
    }
  });
  return daemon;
}
