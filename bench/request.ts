import type { WorkloadName } from "./contenders.ts";

/** What the host asks of the program in the guest (/run/lab/request.json), and what comes back (out/result.json). */

/**
 * What is attached during a round. `off`: nothing. `ours`: aod-probe, its frames decoded as the daemon does. `aod`: the whole daemon.
 * `trace-cmd`: trace-cmd start -e cifs. The rest: the objects of bench/bpf/.
 */
export const sets = ["off", "empty", "bare", "hash", "ours", "aod", "trace-cmd"] as const;
export type SetName = (typeof sets)[number];

export interface GuestRequest {
  readonly kind: "rounds" | "syscalls" | "memory";
  readonly sets: readonly SetName[];
  /** The BPF object of `ours`, where it is not the built one. */
  readonly object?: string;
  readonly rounds: number;
  /** create, write, fsync, close: so many times a round. */
  readonly files: number;
  /** kernel.bpf_stats_enabled: all rounds once with each of these values. */
  readonly statistics: readonly boolean[];
  /** s; how long `syscalls` traces, and how long there is traffic before `memory` looks. */
  readonly seconds: number;
}

/** `bench tools`. */
export interface ToolsRequest {
  readonly kind: "tools";
  readonly workload: WorkloadName;
  /** Names of contenders.ts. */
  readonly contenders: readonly string[];
  readonly rounds: number;
  readonly files: number;
}

/** One run of the workload. */
export interface ToolRound {
  readonly elapsedNs: number;
  /** Of it, the processor idle; resolution 10 ms. */
  readonly idleNs: number;
}

/** A contender between the same work with nothing attached, before and after. */
export interface ToolTurn {
  readonly contender: string;
  readonly before: readonly ToolRound[];
  readonly attached: readonly ToolRound[];
  readonly after: readonly ToolRound[];
  /** From its start until it said that it is attached, in guest ns. */
  readonly startNs: number;
  /** It did not start, or did not come to its end; what it said. */
  readonly failed?: string;
}

export interface ProgramCost {
  readonly name: string;
  readonly runs: number;
  /** In guest ns: with -icount shift=0 one instruction each. The statistics' own cost is in it. */
  readonly ns: number;
  readonly recursionMisses: number;
}

/** One run of the workload under one set. */
export interface Round {
  readonly set: SetName;
  readonly statistics: boolean;
  readonly files: number;
  /** Requests that the client released meanwhile: the difference in the table per command of /proc/fs/cifs/Stats. */
  readonly requests: number;
  /** What `ours` counted meanwhile. */
  readonly counted?: number;
  readonly elapsedNs: number;
  /** Of it, the processor idle; resolution 10 ms. */
  readonly idleNs: number;
  readonly programs: readonly ProgramCost[];
}

export interface RoundsResult {
  /** Of the guest: what a reading of the clock costs depends on it. */
  readonly clocksource: string;
  /** Hooks of `ours` that are not on the first rung, and why. */
  readonly hooks: readonly string[];
  readonly rounds: readonly Round[];
}

export interface SyscallsResult {
  readonly seconds: number;
  /** While strace was attached. */
  readonly requests: number;
  /** strace -c, as it prints it. */
  readonly table: string;
  readonly calls: number;
  readonly ticks: number;
}

/** kB, of /proc/PID/status; `pss` of smaps_rollup: a page that several processes map counts for each of them as its part. */
export interface GuestMemory {
  readonly name: string;
  readonly rss: number;
  readonly rssAnon: number;
  readonly pss: number;
}

export interface MemoryResult {
  readonly seconds: number;
  readonly requests: number;
  /** Heap flags on the daemon's command line. */
  readonly flags: readonly string[];
  /** The daemon and all that it has started. */
  readonly processes: readonly GuestMemory[];
}

/** Processor time in ns: of everything, and of each process. With counted instructions one each. */
export interface Duty {
  readonly totalNs: number;
  readonly processes: readonly { readonly pid: number; readonly name: string; readonly ns: number }[];
}

/** `files`: create, write, fsync, close. `missing`: asks for names that are not there, so that nearly every request fails. */
export const loads = ["files", "missing"] as const;
export type Load = (typeof loads)[number];

/** `bench daemon`. */
export interface DaemonRequest {
  readonly kind: "daemon";
  readonly loads: readonly Load[];
  readonly rounds: number;
  readonly files: number;
}

/** `off`: no daemon. `start`: until the budget of the packet ring has been judged. `on`: from then on. */
export interface DaemonRound {
  readonly set: "off" | "start" | "on";
  readonly load: Load;
  readonly files: number;
  readonly requests: number;
  readonly elapsedNs: number;
  readonly idleNs: number;
  /** Of the daemon and all its helpers meanwhile. */
  readonly duty?: Duty;
  /** What `aod status` says of the packet ring, and of its cost as a share of one processor. */
  readonly packets?: string;
  readonly packetsCost?: number | null;
}

export interface DaemonResult {
  readonly rounds: readonly DaemonRound[];
  readonly losses: Readonly<Record<string, number>>;
}

/** `none`: no mount, the client's module not loaded. `mount`: one SMB mount that nobody uses. */
export type QuietPhase = "none" | "mount";

/** `bench quiet`. */
export interface QuietRequest {
  readonly kind: "quiet";
  readonly phases: readonly QuietPhase[];
  readonly seconds: number;
  /** Of the daemon, YAML. */
  readonly config: string;
}

export type QuietResult = readonly { readonly phase: QuietPhase; readonly elapsedNs: number; readonly duty: Duty }[];

/**
 * `bench ring`. `filter`: tcpdump with a filter that takes no packet of the workload. `ring`: as the flight recorder starts it. `twice`: the same, without
 * leaving out the second pass of the loopback. `snap-128`: half the snap length.
 */
export const ringSets = ["off", "filter", "ring", "twice", "snap-128"] as const;
export type RingSet = (typeof ringSets)[number];

export interface RingRequest {
  readonly kind: "ring";
  readonly sets: readonly RingSet[];
  readonly rounds: number;
  readonly files: number;
}

export interface RingRound {
  readonly set: RingSet;
  readonly requests: number;
  readonly elapsedNs: number;
  readonly idleNs: number;
  /** That the loopback received meanwhile: each passes a filter twice. */
  readonly packets: number;
  /** Of them, how many tcpdump wrote. */
  readonly taken: number;
  /** Of tcpdump. */
  readonly cpuNs: number;
}

export type AnyRequest = GuestRequest | ToolsRequest | DaemonRequest | QuietRequest | RingRequest;
