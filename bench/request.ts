/** What the host asks of the program in the guest (/run/lab/request.json), and what comes back (out/result.json). */

/** `off`: nothing is attached. `ours`: aod-probe as in production. `trace-cmd`: trace-cmd start -e cifs. The rest: bench/bpf/. */
export const sets = ["off", "empty", "bare", "hash", "ours", "trace-cmd"] as const;
export type SetName = (typeof sets)[number];

export interface GuestRequest {
  readonly kind: "rounds" | "syscalls" | "memory";
  readonly sets: readonly SetName[];
  readonly rounds: number;
  /** create, write, fsync, close: so many times a round. */
  readonly files: number;
  /** kernel.bpf_stats_enabled */
  readonly statistics: boolean;
  /** s; how long `syscalls` traces and `memory` waits. */
  readonly seconds: number;
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
  readonly files: number;
  /** Requests that the client released meanwhile: the difference in the table per command of /proc/fs/cifs/Stats. */
  readonly requests: number;
  readonly elapsedNs: number;
  /** Resolution 10 ms. */
  readonly idleNs: number;
  readonly programs: readonly ProgramCost[];
}

export interface RoundsResult {
  readonly clocksource: string;
  readonly rounds: readonly Round[];
}

export interface SyscallsResult {
  readonly seconds: number;
  readonly requests: number;
  /** strace -c, as it prints it. */
  readonly table: string;
  readonly calls: number;
  readonly ticks: number;
}
