import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { AodError } from "../../src/system/error.ts";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** ms, 60 000 when absent; after it the whole process group is killed and `timedOut` is set. */
  readonly timeoutMs?: number;
  /** A status other than 0 is an error unless this is set. */
  readonly anyStatus?: boolean;
}

export interface Ran {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
  readonly timedOut: boolean;
}

/**
 * Kills a process group that we started. A task that hangs in the kernel does not go; that is part of what a scenario
 * may be about, so nobody waits for it here.
 */
function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Runs a program to its end. Never throws for a time-out when `anyStatus` is set. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [program, ...args] = argv;
  if (program === undefined) throw new AodError("usage", "no program given");
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    let stdout = "";
    let stderr = "";
    let settled = false;
    const settle = (status: number | null, signal: NodeJS.Signals | null, timedOut: boolean): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      const ran = { status, signal, stdout, stderr, tookMs: performance.now() - started, timedOut };
      if (options.anyStatus === true || status === 0) {
        resolve(ran);
        return;
      }
      const how = timedOut
        ? `not done after ${Math.round(ran.tookMs)} ms`
        : `ended with ${signal ?? `status ${status}`}`;
      reject(new AodError("failed", `${argv.join(" ")}: ${how}: ${stderr.trim().slice(-2000)}`));
    };
    const timer = setTimeout(() => {
      killGroup(child, "SIGKILL");
      settle(null, "SIGKILL", true);
    }, options.timeoutMs ?? 60_000);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      settled = true;
      reject(new AodError("failed", `${program} could not be started: ${error.message}`, { cause: error }));
    });
    child.on("close", (status, signal) => settle(status, signal, false));
    // A program that does not read its input closes the pipe early; its status tells whether that was a failure.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Files for standard output and standard error; absent: thrown away. */
  readonly stdout?: string;
  readonly stderr?: string;
}

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program in the background. */
export class Background {
  readonly argv: readonly string[];
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #end: Ended | undefined;

  constructor(argv: readonly string[], options: StartOptions) {
    const [program, ...args] = argv;
    if (program === undefined) throw new AodError("usage", "no program given");
    this.argv = argv;
    const out = openSync(options.stdout ?? "/dev/null", "w");
    const err = openSync(options.stderr ?? "/dev/null", "w");
    this.#child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", out, err],
      detached: true,
    });
    closeSync(out);
    closeSync(err);
    this.ended = new Promise((resolve) => {
      const end = (status: number | null, signal: NodeJS.Signals | null): void => {
        this.#end = { status, signal };
        resolve(this.#end);
      };
      this.#child.on("exit", end);
      this.#child.on("error", () => end(127, null));
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new AodError("failed", `${this.argv.join(" ")} did not start`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#end === undefined;
  }

  /** Sends a signal to the program itself. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to end, waits, and kills its whole group when it does not. */
  async stop(signal: NodeJS.Signals = "SIGTERM", waitMs = 60_000): Promise<Ended> {
    if (this.#end !== undefined) return this.#end;
    this.#child.kill(signal);
    const timer = setTimeout(() => killGroup(this.#child, "SIGKILL"), waitMs);
    const giveUp = new Promise<Ended>((resolve) => {
      setTimeout(() => resolve({ status: null, signal: null }), waitMs + 2_000).unref();
    });
    const end = await Promise.race([this.ended, giveUp]);
    clearTimeout(timer);
    return end;
  }
}
