/** Limits of one run of an external program. */
export interface RunOptions {
  /** ms until its whole process group is killed. */
  readonly timeoutMs: number;
  /** Bytes of stdout that are kept; a program that writes more is ended. stderr is kept up to 16 KiB. */
  readonly maxBytes: number;
  /** Replaces the environment; default: PATH and LC_ALL=C only. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * `ok`: ended by itself with status 0. `failed`: ended otherwise (`code`, or the signal in `reason`), or could not be started.
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
