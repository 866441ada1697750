import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { ProbeOptions } from "./helper.ts";

/** A started aod-probe, or a fake of one: two streams and an end. */
export interface ProbeProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Once; after it nothing more comes from stdout or stderr. */
  readonly ended: Promise<ProcessEnd>;
  /** SIGKILL, to this process alone. */
  kill(): void;
}

export interface ProcessEnd {
  /** Exit status; null when a signal ended it or it never started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started. */
  readonly error?: Error;
}

export type StartProcess = (argv: readonly [string, ...string[]]) => ProbeProcess;

/** With an empty environment and the file system's root as directory: the helper needs neither. */
export const startProcess: StartProcess = ([program, ...args]) => {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: {}, cwd: "/" });
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
    child.once("error", (error) => resolve({ code: null, signal: null, error }));
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    kill: () => void child.kill("SIGKILL"),
  };
};

/** The command line of aod-probe. */
export function argvOf(options: ProbeOptions): readonly [string, ...string[]] {
  const argv: [string, ...string[]] = [options.program, "--probe", options.probe, "--object", options.object];
  if (options.module !== undefined) argv.push("--module", options.module);
  if (options.tickMs !== undefined) argv.push("--tick-ms", String(options.tickMs));
  if (options.quietMs !== undefined) argv.push("--quiet-ms", String(options.quietMs));
  if (options.outliersKib !== undefined) argv.push("--outliers-kib", String(options.outliersKib));
  if (options.hide !== undefined && options.hide.length > 0) argv.push("--hide", options.hide.join(","));
  if (options.fentry === false) argv.push("--no-fentry");
  if (options.args !== undefined) argv.push(...options.args);
  return argv;
}

/**
 * For tests of the attach ladder on a real kernel: AOD_PROBE_HIDE, a comma-separated list as `aod-probe --hide` takes it (`send`,
 * `answer:fentry`); `fentry` in it leaves the first rung out for every hook.
 */
export function hiddenHooks(list = ""): Pick<ProbeOptions, "hide" | "fentry"> {
  const items = list.split(",").filter((item) => item !== "");
  const hide = items.filter((item) => item !== "fentry");
  return {
    ...(hide.length === 0 ? undefined : { hide }),
    ...(items.includes("fentry") ? { fentry: false } : undefined),
  };
}
