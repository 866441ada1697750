import { type ChildProcess, spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { messageOf } from "./error.ts";
import { type Argv, findProgram, systemPath } from "./process.ts";

/** How a program that runs on came to its end. */
export interface StreamEnd {
  /** There is no such program here. */
  readonly missing: boolean;
  /** One sentence; the last that it wrote to stderr is in it. */
  readonly reason: string;
}

export interface StreamOptions {
  /** Characters of one line; of a longer one the rest is left out and counted. */
  readonly maxLine: number;
  readonly onLine: (line: string, cut: boolean) => void;
  /** Others wait for it: it runs at the ordinary priority. */
  readonly awaited?: true;
  /** Once, after the last line. */
  readonly onEnd: (end: StreamEnd) => void;
}

export interface RunningStream {
  /** Kills its process group; with SIGINT it is the program alone, which ends by itself. onEnd still comes. */
  stop(signal?: "SIGINT"): void;
}

/** Starts a program that runs on and writes lines. Tests pass their own. Never throws. */
export type Stream = (argv: Argv, options: StreamOptions) => RunningStream;

const STDERR_MAX = 4096;

/** The real one: no shell, a process group of its own, lowest priority. */
export const startStream: Stream = (argv, options) => {
  let child: ChildProcess | undefined;
  let stopped = false;
  let ended = false;
  const end = (reason: string, missing = false): void => {
    if (ended) return;
    ended = true;
    options.onEnd({ missing, reason });
  };
  void findProgram(argv[0], systemPath).then((program) => {
    if (stopped) return end("stopped");
    if (program === undefined) return end(`${argv[0]} is not installed`, true);
    try {
      child = follow([program, ...argv.slice(1)], options, end);
    } catch (error) {
      end(messageOf(error));
    }
  });
  return {
    stop(signal) {
      stopped = true;
      if (signal === undefined) killGroup(child);
      else child?.kill(signal);
    },
  };
};

function follow(argv: Argv, options: StreamOptions, end: (reason: string) => void): ChildProcess {
  const child = spawn(argv[0], argv.slice(1), {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: systemPath, LC_ALL: "C" },
    cwd: "/",
  });
  if (options.awaited !== true) lowerPriority(child);
  const lines = new Lines(options);
  let complaint = "";
  child.stdout.on("data", (piece: Buffer) => lines.push(piece.toString("utf8")));
  child.stderr.on("data", (piece: Buffer) => {
    complaint = (complaint + piece.toString("utf8")).slice(-STDERR_MAX);
  });
  child.on("error", (error) => end(error.message));
  child.on("close", (code, signal) => {
    const how = signal === null ? `exit status ${code}` : `ended by ${signal}`;
    const said = complaint.trim().replace(/\s*\n\s*/g, "; ");
    end(said === "" ? how : `${how}: ${said}`);
  });
  return child;
}

/** Cuts a stream into lines, none longer than allowed. A multi-byte character on the border of two pieces may come out as U+FFFD. */
export class Lines {
  readonly #options: Pick<StreamOptions, "maxLine" | "onLine">;
  #rest = "";
  #cut = false;

  constructor(options: Pick<StreamOptions, "maxLine" | "onLine">) {
    this.#options = options;
  }

  push(text: string): void {
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      this.#keep(text.slice(from, at));
      this.#options.onLine(this.#rest, this.#cut);
      this.#rest = "";
      this.#cut = false;
      from = at + 1;
    }
    this.#keep(text.slice(from));
  }

  #keep(text: string): void {
    const room = this.#options.maxLine - this.#rest.length;
    if (text.length > room) this.#cut = true;
    this.#rest += text.slice(0, room);
  }
}

function lowerPriority({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch (error) {
    // It has ended already.
    if (!(error instanceof Error && "code" in error && error.code === "ERR_SYSTEM_ERROR")) throw error;
  }
}

function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    // ESRCH: it has ended just now.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
