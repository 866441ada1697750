import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { repoRoot } from "../lab/paths.ts";
import { askDaemon, NotRunning } from "../src/daemon/api-client.ts";
import type { Status } from "../src/daemon/status.ts";
import { AodError } from "../src/system/error.ts";

/** `bin/aod run` on this machine, in directories of its own. */
export interface NativeDaemon {
  readonly pid: number;
  status(): Promise<Status>;
  stop(): Promise<void>;
}

export interface NativeOptions {
  /** YAML */
  readonly config: string;
  /** Put before `bin/aod run`, to which it hands over. */
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const STATUS_TRIES = 6;

/** Starts it and waits until it has tried its captures. */
export async function startNative({ config, before = [], env = {} }: NativeOptions): Promise<NativeDaemon> {
  const directory = mkdtempSync(join(tmpdir(), "aod-bench-"));
  const runDir = join(directory, "run");
  for (const name of ["run", "state"]) mkdirSync(join(directory, name));
  writeFileSync(join(directory, "aod.yaml"), config);
  const [program, ...args] = [...before, join(repoRoot, "bin", "aod"), "run"];
  if (program === undefined) throw new AodError("usage", "no program given");
  const child = spawn(program, args, {
    env: {
      ...process.env,
      AOD_CONFIG: join(directory, "aod.yaml"),
      AOD_RUN_DIR: runDir,
      AOD_STATE_DIR: join(directory, "state"),
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
    cwd: "/",
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => {
    said = (said + text.toString()).slice(-4000);
  });
  const status = async (): Promise<Status> => {
    for (let tries = 1; ; tries++) {
      try {
        return (await askDaemon(runDir, "/status")) as Status;
      } catch (error) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new AodError("failed", `the daemon ended (${child.signalCode ?? child.exitCode}): ${said}`);
        // A machine with much other work.
        if (error instanceof NotRunning || tries === STATUS_TRIES) throw error;
      }
    }
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    rmSync(directory, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 600; tries++) {
    if (await hasTried(status)) return { pid: child.pid ?? Number.NaN, status, stop };
    await sleep(100);
  }
  await stop();
  throw new AodError("failed", `the daemon has not tried its captures within a minute: ${said}`);
}

async function hasTried(status: () => Promise<Status>): Promise<boolean> {
  try {
    return (await status()).captures !== undefined;
  } catch (error) {
    if (error instanceof NotRunning) return false;
    throw error;
  }
}

/** Processor time in ns of a process and all that it has started: what lives by schedstat, what has ended by its parent's stat. */
export function processorNs(root: number): number {
  return treeOf(root).reduce((sum, pid) => sum + ownNs(pid) + endedNs(pid), 0);
}

/** A process and its descendants. */
export function treeOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one)))
    parents.set(Number(name), Number(statOf(name)[1]));
  const found = [root];
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found;
}

/** The fields of /proc/PID/stat behind the name: state, parent, ... */
function statOf(pid: number | string): string[] {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function ownNs(pid: number): number {
  let names: readonly string[] = [];
  try {
    names = readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has ended.
  }
  return names.reduce((sum, tid) => sum + Number(textOf(`/proc/${pid}/task/${tid}/schedstat`).split(" ")[0]), 0);
}

/** Of children that were waited for, in hundredths of a second. */
function endedNs(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * 1e7;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has ended.
    return "";
  }
}
