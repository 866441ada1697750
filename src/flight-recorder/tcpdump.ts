import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isIP } from "node:net";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { messageOf } from "../system/error.ts";
import { type Argv, findProgram, systemPath } from "../system/process.ts";
import type { Endpoint } from "../system/sockets.ts";

const RING_NAME = "packets.pcap";
const MAX_ENDPOINTS = 64;

export interface TcpdumpSettings {
  readonly directory: string;
  readonly servers: readonly Endpoint[];
  readonly snapLength: number;
  /** MB (1,000,000 bytes) of a file, and files. */
  readonly fileMb: number;
  readonly files: number;
  /** Every packet is written at once: for a tcpdump that cannot be told to write what it holds (before 4.99). */
  readonly unbuffered: boolean;
}

/**
 * A ring of files with the packets from and to the servers, all interfaces. It keeps root: the ring lies where only root can write. The name ends in
 * .pcap for the AppArmor profile of some distributions.
 */
export function tcpdumpArgv(settings: TcpdumpSettings): Argv {
  const { directory, servers, snapLength, fileMb, files, unbuffered } = settings;
  return [
    ...(["tcpdump", "-i", "any", "-n", "-p", "-Z", "root", "-s", String(snapLength), "-B", "2048"] as const),
    ...["-C", String(fileMb), "-W", String(files), "-w", join(directory, RING_NAME)],
    ...(unbuffered ? ["-U"] : []),
    filterOf(servers),
  ];
}

/**
 * What is no address (it may come from a mount option) does not get into the filter. A packet of the loopback passes twice, out and in: tcpdump drops the
 * first, but only after the kernel has copied it.
 */
export function filterOf(servers: readonly Endpoint[]): string {
  const terms = servers.flatMap(({ address, port }) => {
    const bare = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
    if (isIP(bare) === 0 || !Number.isInteger(port)) return [];
    return [`(host ${bare} and port ${port}${isLoopback(bare) ? " and inbound" : ""})`];
  });
  const ports = [...new Set(servers.map(({ port }) => port))].filter(Number.isInteger).map((port) => `port ${port}`);
  const chosen = terms.length === 0 || terms.length > MAX_ENDPOINTS ? ports : terms;
  return `tcp and (${chosen.join(" or ")})`;
}

const isLoopback = (address: string): boolean => address.startsWith("127.") || address === "::1";

/** The totals that tcpdump prints after SIGUSR1 and at its end. */
export interface TcpdumpCounts {
  readonly captured: number;
  readonly dropped: number;
}

/** Of the last such line in a text. */
export function parseCounts(text: string): TcpdumpCounts | undefined {
  const captured = [...text.matchAll(/(\d+) packets? captured/g)].at(-1)?.[1];
  const dropped = [...text.matchAll(/(\d+) packets? dropped by kernel/g)].at(-1)?.[1];
  return captured === undefined ? undefined : { captured: Number(captured), dropped: Number(dropped ?? 0) };
}

/** A program that runs on. */
export interface LongProgram {
  readonly pid: number | undefined;
  signal(name: "SIGUSR1" | "SIGUSR2" | "SIGTERM" | "SIGKILL"): void;
}

/** `onText`: what it writes to stderr. `onEnd`: once; `missing`: there is no such program. Tests pass their own. */
export type StartLong = (
  argv: Argv,
  onText: (text: string) => void,
  onEnd: (reason: string, missing: boolean) => void,
) => Promise<LongProgram | undefined>;

/**
 * The real one: a process group of its own, low priority; with setpriv(1) it is killed when this process dies, whatever kills it.
 * Undefined when it could not be started: then onEnd has said why.
 */
export const startLong: StartLong = async (argv, onText, onEnd) => {
  const [program, setpriv] = await Promise.all([findProgram(argv[0], systemPath), findProgram("setpriv", systemPath)]);
  if (program === undefined) {
    onEnd(`${argv[0]} is not installed`, true);
    return undefined;
  }
  const command: Argv = [program, ...argv.slice(1)];
  const [first, ...rest] = setpriv === undefined ? command : [setpriv, "--pdeathsig", "KILL", ...command];
  try {
    const child = spawn(first, rest, {
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: systemPath, LC_ALL: "C" },
      cwd: "/",
    });
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    child.stderr.on("data", (piece: Buffer) => onText(piece.toString()));
    child.on("error", (error) => onEnd(error.message, false));
    child.on("close", (code, signal) => onEnd(signal === null ? `exit status ${code}` : `ended by ${signal}`, false));
    return { pid: child.pid, signal: (name) => void child.kill(name) };
  } catch (error) {
    onEnd(messageOf(error), false);
    return undefined;
  }
};

const SIGUSR2 = 12;

/** Whether a process handles SIGUSR2; one that does not would end by it. */
export function handlesFlush(procRoot: string, pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(textIn(join(procRoot, String(pid), "status")) ?? "")?.[1];
  return caught !== undefined && ((BigInt(`0x${caught}`) >> BigInt(SIGUSR2 - 1)) & 1n) === 1n;
}

/**
 * ns of CPU time of a process of one thread, as the scheduler counts it (Documentation/scheduler/sched-stats.rst); where the kernel was built without
 * that, in hundredths of a second: USER_HZ is 100 on all that is supported.
 */
export function cpuNsOf(procRoot: string, pid: number): number | undefined {
  const schedstat = /^\d+/.exec(textIn(join(procRoot, String(pid), "schedstat")) ?? "")?.[0];
  if (schedstat !== undefined) return Number(schedstat);
  const stat = textIn(join(procRoot, String(pid), "stat"));
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields?.[11]) + Number(fields?.[12]);
  return Number.isNaN(ticks) ? undefined : ticks * 1e7;
}

/** Packets of all interfaces but the loopback's second count, received and sent. */
export function hostPackets(procRoot: string): number {
  let sum = 0;
  for (const line of (textIn(join(procRoot, "net/dev")) ?? "").split("\n").slice(2)) {
    const fields = line
      .slice(line.indexOf(":") + 1)
      .trim()
      .split(/\s+/);
    sum += (Number(fields[1]) || 0) + (Number(fields[9]) || 0);
  }
  return sum;
}

/** Recorders of a daemon that was killed: processes named tcpdump that have a file of the ring open. No file is followed. */
export function leftoverRecorders(procRoot: string, directory: string): number[] {
  return namesIn(procRoot).flatMap((pid) => {
    if (!/^\d+$/.test(pid) || textIn(join(procRoot, pid, "comm"))?.trim() !== "tcpdump") return [];
    const fds = join(procRoot, pid, "fd");
    return namesIn(fds).some((fd) => linkIn(join(fds, fd))?.startsWith(`${directory}/`) === true) ? [Number(pid)] : [];
  });
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has ended.
    return undefined;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkIn(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
