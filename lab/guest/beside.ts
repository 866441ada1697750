import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askDaemon, NotRunning } from "../../src/daemon/api-client.ts";
import type { ProbeStatus, Status } from "../../src/daemon/status.ts";
import type { Incident } from "./daemon.ts";
import type { Lab } from "./lab.ts";
import type { Background } from "./process.ts";

/** A daemon with directories of its own, so that several run beside each other. */
export interface DaemonBeside {
  readonly process: Background;
  readonly stateDir: string;
  status(): Promise<Status>;
  incidents(): Promise<readonly Incident[]>;
}

export interface BesideRequest {
  readonly name: string;
  /** YAML. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Put before the command line, e.g. `unshare -m ...`. */
  readonly under?: readonly string[];
}

/** Starts `aod run`; it is not waited for. Its output is in `NAME.out` and `NAME.err`. */
export function startBeside(lab: Lab, { name, config = "", env = {}, under = [] }: BesideRequest): DaemonBeside {
  const directories = { AOD_STATE_DIR: join(lab.work, name, "state"), AOD_RUN_DIR: join(lab.work, name, "run") };
  mkdirSync(join(lab.work, name), { recursive: true });
  const file = join(lab.work, name, "aod.yaml");
  writeFileSync(file, config);
  const ask = (path: string) => askDaemon(directories.AOD_RUN_DIR, path);
  return {
    process: lab.start([...under, ...lab.aodArgv(["run", "--config", file])], {
      stdout: `${name}.out`,
      stderr: `${name}.err`,
      env: { ...directories, ...env },
    }),
    stateDir: directories.AOD_STATE_DIR,
    status: async () => (await ask("/status")) as Status,
    incidents: async () => (await ask("/incidents")) as readonly Incident[],
  };
}

/** Waits until the daemon answers and its probe is as wanted; keeps that status as `status-NAME.json`. */
export async function untilProbe(
  lab: Lab,
  daemon: Pick<DaemonBeside, "status">,
  name: string,
  wanted: (probe: ProbeStatus) => boolean,
): Promise<void> {
  await lab.until(`${name}: the probe is as wanted`, 60, async () => {
    try {
      const status = await daemon.status();
      lab.writeJson(`status-${name}.json`, status);
      return status.probes.some(wanted);
    } catch (error) {
      if (error instanceof NotRunning) return false;
      throw error;
    }
  });
}

/** How a program ended, for the results. */
export interface EndOf {
  readonly status: number | null;
  readonly stderr: string;
}

/** Runs the tool where it must refuse; by name -> how it ended. */
export async function refusals(
  lab: Lab,
  wanted: Readonly<
    Record<string, { readonly argv: readonly string[]; readonly env?: Readonly<Record<string, string>> }>
  >,
): Promise<Record<string, EndOf>> {
  const ends = await Promise.all(
    Object.entries(wanted).map(async ([name, { argv, env = {} }]) => {
      const { status, stderr } = await lab.run(argv, { anyStatus: true, env: { ...lab.aodEnvironment, ...env } });
      return [name, { status, stderr }] as const;
    }),
  );
  return Object.fromEntries(ends);
}

/** As user and group nobody, without any group more. */
export const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] as const;

/** In a mount name space where the kernel shows no BTF. */
export const withoutBtf = [
  ...["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh"],
] as const;
