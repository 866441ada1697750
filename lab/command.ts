import { spawn } from "node:child_process";
import { AodError } from "../src/system/error.ts";

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** ms; the process is killed after it. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end and returns its standard output; a status other than 0 is an error with the end of its stderr. */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const [program, ...args] = argv;
  if (program === undefined) throw new AodError("usage", "no program given");
  return new Promise((resolve, reject) => {
    const timeoutMs = options.timeoutMs ?? 120_000;
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...(options.env ?? process.env), LC_ALL: "C" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new AodError("failed", `${program} could not be started: ${error.message}`, { cause: error }));
    });
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      if (status === 0) return resolve(stdout);
      const why = timedOut ? `did not end within ${timeoutMs} ms` : `ended with ${signal ?? `status ${status}`}`;
      reject(new AodError("failed", `${argv.join(" ")}: ${why}\n${stderr.slice(-2000).trim()}`));
    });
    // A program that does not read its input closes the pipe early; its status tells whether that was a failure.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}
