import type { Status } from "../../src/daemon/status.ts";
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

/** Starts the daemon with `config` (YAML) and waits until its API answers; with `attached`, until the probe runs. */
export async function startDaemon(lab: Lab, config = "", attached = true): Promise<RunningDaemon> {
  lab.write("aod.yaml", config);
  const configFile = `${lab.out}/aod.yaml`;
  const daemon: RunningDaemon = {
    process: lab.startAod(["run", "--config", configFile], { name: "daemon" }),
    status: async () => JSON.parse((await lab.aod(["status", "--json"])).stdout) as Status,
    incidents: async () => linesOf(await lab.aod(["incidents", "--json"])).map((line) => JSON.parse(line) as Incident),
  };
  await lab.until("the daemon answers", 60, async () => {
    const ran = await lab.aod(["status", "--json"], { anyStatus: true });
    if (ran.status !== 0) return false;
    const status = JSON.parse(ran.stdout) as Status;
    return !attached || status.probes[0]?.state === "running";
  });
  return daemon;
}

function linesOf({ stdout }: { readonly stdout: string }): string[] {
  return stdout.split("\n").filter((line) => line !== "");
}
