import { type ChildProcess, spawn } from "node:child_process";
import type { Logger } from "./log.ts";

/** What a service manager gives its services: sd_notify(3), sd_watchdog_enabled(3). */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

/** Where messages to the service manager go. */
export interface ServiceManager {
  send(message: string): void;
  /** Resolves when all that was sent is there. */
  end(): Promise<void>;
}

const END_MS = 1000;
/** Messages that a helper which does not read leaves in memory are dropped above this. */
const BACKLOG_BYTES = 16 * 1024;

/** `aod-probe --notify` sends what it is given; undefined when nobody wants to be told. */
export function connectServiceManager(
  program: string,
  env: ServiceEnvironment,
  log: Pick<Logger, "warn">,
): ServiceManager | undefined {
  const socket = env.NOTIFY_SOCKET;
  if (socket === undefined || socket === "") return undefined;
  const child = spawn(program, ["--notify"], {
    stdio: ["pipe", "ignore", "pipe"],
    env: { NOTIFY_SOCKET: socket },
    cwd: "/",
  });
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      log.warn({ error: error.message }, "the service manager cannot be told anything");
      resolve();
    });
    child.once("close", () => resolve());
  });
  child.stderr.on("data", (text: Buffer) => log.warn({ said: text.toString().trim() }, "telling the service manager"));
  // Its end shows in `close`; a write into the broken pipe says nothing more.
  child.stdin.on("error", () => {});
  return {
    send: (message) => {
      if (child.stdin.writable && child.stdin.writableLength < BACKLOG_BYTES)
        child.stdin.write(`${message.replaceAll("\n", " ")}\n`);
    },
    end: () => endOf(child, ended),
  };
}

async function endOf(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.stdin?.end();
  const limit = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await ended;
  clearTimeout(limit);
}

/** ms between two signs of life that the service manager wants; undefined when it wants none of this process. */
export function watchdogPeriodMs(env: ServiceEnvironment, pid: number): number | undefined {
  const us = Number(env.WATCHDOG_USEC ?? "");
  if (!Number.isFinite(us) || us <= 0) return undefined;
  if (env.WATCHDOG_PID !== undefined && env.WATCHDOG_PID !== "" && Number(env.WATCHDOG_PID) !== pid) return undefined;
  return us / 1000;
}
