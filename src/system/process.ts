import { type ChildProcess, spawn } from "node:child_process";
import { constants as modes } from "node:fs";
import { access } from "node:fs/promises";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { messageOf } from "./error.ts";

/** Limits of one run of an external program. */
export interface RunOptions {
  /** ms until its whole process group is killed. */
  readonly timeoutMs: number;
  /** Bytes of stdout that are kept; a program that writes more is ended. stderr is kept up to 16 KiB. */
  readonly maxBytes: number;
  /** Replaces the environment; default: PATH and LC_ALL=C only. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** What it reads on stdin; nothing when absent. */
  readonly input?: string;
}

/**
 * `ok`: ended by itself with status 0, or was ended at maxBytes. `failed`: ended otherwise (`code`, or the signal in `reason`), or could not be started.
 * `timeout`: killed at the time limit or by the caller's signal. `missing`: there is no such program here.
 */
export type RunStatus = "ok" | "failed" | "timeout" | "missing";

export interface RunResult {
  readonly status: RunStatus;
  /** Exit status, null when a signal ended it or it never ran. */
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** stdout went over maxBytes: it is cut there and the program was ended. */
  readonly truncated: boolean;
  readonly tookMs: number;
  /** Why it is not `ok`. */
  readonly reason?: string;
}

export type Argv = readonly [string, ...string[]];

/** Starts external programs. Tests pass their own. Never rejects. */
export type Run = (argv: Argv, options: RunOptions) => Promise<RunResult>;

export const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const stderrLimit = 16 * 1024;
/** ms after SIGKILL until a program that does not die (uninterruptible sleep) is given up. */
const killGraceMs = 1000;

/**
 * The real runner: no shell, own process group, idle CPU and (with ionice(1) installed) I/O priority; the whole group is killed at a
 * limit. Look-ups of programs are remembered.
 */
export function createRunner(path = systemPath): Run {
  const found = new Map<string, Promise<string | undefined>>();
  const resolve = (program: string): Promise<string | undefined> => {
    const known = found.get(program);
    if (known) return known;
    const search = findProgram(program, path);
    found.set(program, search);
    return search;
  };
  return async (argv, options) => {
    const started = performance.now();
    const [program, ionice] = await Promise.all([resolve(argv[0]), resolve("ionice")]);
    if (program === undefined) {
      found.delete(argv[0]);
      return { ...nothing, status: "missing", reason: `${argv[0]} is not installed`, tookMs: 0 };
    }
    const command: Argv =
      ionice === undefined ? [program, ...argv.slice(1)] : [ionice, "-c3", program, ...argv.slice(1)];
    const outcome = await runGroup(command, { ...options, env: options.env ?? { PATH: path, LC_ALL: "C" } });
    return { ...outcome, tookMs: Math.round(performance.now() - started) };
  };
}

const nothing = { code: null, stdout: Buffer.alloc(0), stderr: "", truncated: false } as const;

export async function findProgram(program: string, path: string): Promise<string | undefined> {
  const candidates = program.includes("/") ? [program] : path.split(":").map((folder) => join(folder, program));
  for (const candidate of candidates) {
    try {
      await access(candidate, modes.X_OK);
      return candidate;
    } catch {
      // Not here: the next folder.
    }
  }
  return undefined;
}

function runGroup(argv: Argv, options: RunOptions): Promise<Omit<RunResult, "tookMs">> {
  if (options.signal?.aborted)
    return Promise.resolve({ ...nothing, status: "timeout", reason: "not started: out of time" });
  let child: ChildProcess;
  try {
    child = spawn(argv[0], argv.slice(1), {
      detached: true,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      env: { ...options.env },
      cwd: "/",
    });
  } catch (error) {
    return Promise.resolve({ ...nothing, status: "failed", reason: messageOf(error) });
  }
  lowerPriority(child);
  return new Promise((settle) => {
    const stdout = collect(options.maxBytes, () => end("limit"));
    const stderr = collect(stderrLimit, () => {});
    let ended: "limit" | "time" | undefined;
    let grace: NodeJS.Timeout | undefined;
    const end = (why: "limit" | "time"): void => {
      if (ended !== undefined) return;
      ended = why;
      killGroup(child);
      grace = setTimeout(() => finish(null, `process ${child.pid ?? "?"} does not end after SIGKILL`), killGraceMs);
    };
    const onAbort = (): void => end("time");
    const timer = setTimeout(onAbort, options.timeoutMs);
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const finish = (code: number | null, trouble: string | undefined): void => {
      clearTimeout(timer);
      clearTimeout(grace);
      options.signal?.removeEventListener("abort", onAbort);
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      const shared = { code, stdout: stdout.bytes(), stderr: stderr.bytes().toString(), truncated: stdout.cut() };
      if (ended === "time") {
        const reason = trouble ?? `killed after ${options.timeoutMs} ms or at the caller's end`;
        settle({ ...shared, status: "timeout", reason });
      } else if (ended === "limit" || (code === 0 && trouble === undefined)) {
        settle({ ...shared, status: "ok", ...(trouble === undefined ? {} : { reason: trouble }) });
      } else {
        settle({ ...shared, status: "failed", reason: trouble ?? `exit status ${code}` });
      }
    };
    // Whoever does not read to the end (EPIPE) tells why by its exit status.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input);
    child.stdout?.on("data", stdout.take);
    child.stderr?.on("data", stderr.take);
    child.on("error", (error) => finish(null, error.message));
    child.on("close", (code, signal) =>
      finish(code, signal === null || ended !== undefined ? undefined : `ended by ${signal}`),
    );
  });
}

/** The process may be gone already; everything else it starts inherits the priority. */
function lowerPriority(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_SYSTEM_ERROR")) throw error;
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    // ESRCH: the group ended between the limit and now.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function collect(limit: number, onLimit: () => void) {
  const pieces: Buffer[] = [];
  let size = 0;
  let over = false;
  return {
    take: (piece: Buffer): void => {
      const room = limit - size;
      const kept = piece.length > room ? piece.subarray(0, room) : piece;
      if (kept.length > 0) pieces.push(kept);
      size += kept.length;
      if (piece.length > room && !over) {
        over = true;
        onLimit();
      }
    },
    bytes: (): Buffer => Buffer.concat(pieces),
    cut: (): boolean => over,
  };
}
