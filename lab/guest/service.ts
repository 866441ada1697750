import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askDaemon } from "../../src/daemon/api-client.ts";
import type { Status } from "../../src/daemon/status.ts";
import { AodError } from "../../src/system/error.ts";
import type { Incident } from "./daemon.ts";
import type { Lab } from "./lab.ts";
import { pidsByComm } from "./proc.ts";

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

/** The checkout. */
export const repo = join(import.meta.dirname, "../..");
const instances = "/sys/kernel/tracing/instances";
/** Of the unit. */
export const shown = [
  ...["ActiveState", "SubState", "Type", "MainPID", "StatusText", "WatchdogUSec", "NRestarts", "Result"],
  ...["ExecMainStatus", "ExecMainCode", "TimeoutStopUSec"],
];

/** What a service that is gone could have left running or switched on. */
export const traces = () => ({
  processes: pidsByComm((comm) => ["aod-probe", "tcpdump", "journalctl"].includes(comm)).length,
  instances: readdirSync(instances).filter((name) => name.startsWith("aod-")),
  inUnit: unitProcesses(),
});

/** What the unit logged. */
export const journal = async (lab: Lab): Promise<string> =>
  (await lab.run(["journalctl", "--unit=aod.service", "--no-pager", "-o", "short"])).stdout;

/** Everything in the places that an installation touches. */
export async function placesTouched(lab: Lab): Promise<string[]> {
  const roots = ["/etc/aod", "/etc/systemd/system", "/usr/local", "/usr/lib/aod", "/var/lib/aod", "/run/aod"];
  const { stdout } = await lab.run(["find", ...roots.filter((path) => existsSync(path)), "-printf", "%p %y\\n"]);
  const group = /^aod:.*$/m.exec(readFileSync("/etc/group", "utf8"))?.[0];
  return [...stdout.split("\n").filter(Boolean).sort(), ...(group === undefined ? [] : [group])];
}

/** Probes, recorder and the rehearsal of the captures. */
export const working = ({ probes, recorder, captures, targets }: Status): boolean =>
  probes.every(({ state }) => state === "running" || state === "off") &&
  captures !== undefined &&
  targets.length > 0 &&
  recorder?.packets.pid !== undefined;

/** Before `aod install`: what an emulated processor needs, and a configuration; lines of YAML. */
export function configureService(lines: readonly string[]): void {
  // Start and watchdog would take a fifth of it for minutes.
  mkdirSync("/etc/systemd/system/aod.service.d", { recursive: true });
  writeFileSync("/etc/systemd/system/aod.service.d/lab.conf", "[Service]\nCPUQuota=\n");
  mkdirSync("/etc/aod/conf.d", { recursive: true });
  writeFileSync("/etc/aod/conf.d/lab.yaml", `${lines.join("\n")}\n`);
}

/** `aod install` of the checkout; what it printed. On a busy machine it reads its tree for minutes. */
export async function installService(lab: Lab): Promise<string> {
  return (await lab.run([join(repo, "bin/aod"), "install"], { timeoutMs: 900_000 })).stdout;
}
