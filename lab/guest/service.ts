import { readFileSync } from "node:fs";
import { askDaemon } from "../../src/daemon/api-client.ts";
import type { Status } from "../../src/daemon/status.ts";
import { AodError } from "../../src/system/error.ts";
import type { Incident } from "./daemon.ts";
import type { Lab } from "./lab.ts";

const unit = "aod.service";
const runDirectory = "/run/aod";

/** Properties of the installed unit, as `systemctl show` tells them. */
export async function unitProperties(lab: Lab, names: readonly string[]): Promise<Record<string, string>> {
  const { stdout } = await lab.run(["systemctl", "show", unit, ...names.map((name) => `--property=${name}`)]);
  const lines = stdout.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

/** Undefined while nobody answers, also from a daemon that is stopped. */
export async function serviceStatus(): Promise<Status | undefined> {
  try {
    return (await askDaemon(runDirectory, "/status")) as Status;
  } catch (error) {
    if (error instanceof AodError && error.code === "failed") return undefined;
    throw error;
  }
}

export async function serviceIncidents(): Promise<readonly Incident[]> {
  return (await askDaemon(runDirectory, "/incidents")) as readonly Incident[];
}

/** Waits until what the service says of itself is as wanted, and keeps that as `status-NAME.json`. */
export async function untilService(
  lab: Lab,
  name: string,
  wanted: (status: Status) => boolean,
  seconds = 120,
): Promise<Status> {
  let last: Status | undefined;
  try {
    await lab.until(`${name}: the service is as wanted`, seconds, async () => {
      await lab.sleep(1);
      last = (await serviceStatus()) ?? last;
      return last !== undefined && wanted(last);
    });
  } finally {
    lab.writeJson(`status-${name}.json`, last ?? null);
  }
  if (last === undefined) throw new Error("the service never answered");
  return last;
}

/** What the kernel lets a process do: lines of /proc/PID/status by their names. */
export function rightsOf(pid: number): Record<string, string> {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const wanted = ["CapEff", "CapBnd", "NoNewPrivs", "Seccomp", "Uid"];
  return Object.fromEntries(
    wanted.map((name) => [name, new RegExp(`^${name}:\\s+(.*)$`, "m").exec(text)?.[1]?.trim() ?? ""]),
  );
}

/** Processes of the unit's control group. */
export function unitProcesses(): string[] {
  try {
    return readFileSync(`/sys/fs/cgroup/system.slice/${unit}/cgroup.procs`, "utf8").split("\n").filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
