import type { ObservedTarget } from "./target.ts";

/** Requests of one (target, command) that ended within a tick of the smb_wire probe. */
export interface SmbWindow {
  readonly connectionId: bigint;
  readonly sessionId: bigint;
  readonly treeId: number;
  readonly commandCode: number;
  readonly count: number;
  readonly errors: number;
  /** Bucket index -> count, of the whole latency; bucketBounds() in probe/histogram.ts. */
  readonly latency: ReadonlyMap<number, number>;
}

/** /proc/fs/cifs/Stats against the time before. Counters that went back (a reset, a module loaded anew) make a new beginning: no delta. */
export interface SmbStatsDelta {
  readonly intervalNs: number;
  readonly sessionReconnects: number;
  readonly shareReconnects: number;
  readonly shares: readonly SmbShareDelta[];
  /** Empty where the kernel has no CIFS_STATS2. Of all connections together: the file does not name them. */
  readonly commands: readonly SmbCommandDelta[];
}

export interface SmbShareDelta {
  readonly target: ObservedTarget;
  readonly disconnected: boolean;
  readonly requests: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** By the file's own names: `Creates`, `Reads`, `QueryInfos`, ... Those that did not change are left out. */
  readonly counts: ReadonlyMap<string, { readonly total: number; readonly failed: number }>;
}

export interface SmbCommandDelta {
  /** Index of the connection in the file: the newest is 0. The same connection from one delta to the next only while none came or went. */
  readonly connection: number;
  readonly commandCode: number;
  readonly count: number;
  /** From creation to release, of all of them; the kernel counts in jiffies. */
  readonly totalMs: number;
  /** Slow responses, as the kernel counts them (slow_rsp_threshold). */
  readonly slow: number;
}

/** Open handles: of a share as Stats counts them, or of a tree as open_files lists them. */
export interface OpenFilesSample {
  /** Of a share. */
  readonly target?: ObservedTarget;
  /** Of a tree; the session is absent on 5.10. */
  readonly sessionId?: bigint;
  readonly treeId?: number;
  readonly count: number;
  /** Of a tree: the processes with most of them, most first. */
  readonly processes: readonly { readonly pid: number; readonly count: number }[];
}
