// What the probes' TypeScript half hands to everything above it. Field by field: docs/op.md.

/** Where an op's time went, in µs. A phase that an op does not have, or that was not seen, is absent. */
export interface Phases {
  readonly queue?: number;
  readonly send?: number;
  readonly wire?: number;
  readonly wake?: number;
}

/** `open`: no response yet; `answered`: response taken off the wire, not yet released; `closed`: final; `ghost`: its release was missed. */
export type OpState = "open" | "answered" | "closed" | "ghost";

/** How a request ended without a response. */
export type OpEnd = "cancelled" | "reconnect" | "shutdown" | "send-failed" | "not-made";

/** What every op has, of whatever probe. Times are CLOCK_MONOTONIC in ns, durations µs; an absent fact is absent. */
export interface OpBase {
  readonly seq: number;
  readonly startedNs: number;
  /** Absent while in flight. */
  readonly endedNs?: number;
  /** From startedNs to endedNs, or to the moment of observation while in flight. */
  readonly latencyUs: number;
  readonly pid?: number;
  readonly tid: number;
  readonly comm: string;
  readonly uid?: number;
  readonly cgroupId: bigint;
}

/** One SMB2/3 request. */
export interface SmbOp extends OpBase {
  readonly seq: number;
  readonly state: OpState;
  readonly command: string;
  readonly commandCode: number;
  /** CLOCK_MONOTONIC ns: when it asked for credits where that is known, else when the request was created. */
  readonly startedNs: number;
  /** CLOCK_MONOTONIC ns of its end (what `latency` ends at); absent while in flight. */
  readonly endedNs?: number;
  /** µs from startedNs to endedNs, or to the moment of observation while in flight. */
  readonly latencyUs: number;
  readonly phasesUs: Phases;
  readonly status?: number;
  readonly end?: OpEnd;
  /** Why it was not sent (`send-failed`) or not made (`not-made`): the kernel's errno, positive. */
  readonly errno?: number;
  /** tgid; for writeback and deferred close that of the opener where known. */
  readonly pid?: number;
  readonly tid: number;
  readonly comm: string;
  readonly opener?: number;
  /** Real user id of the task. */
  readonly uid: number;
  readonly cgroupId: bigint;
  readonly connectionId: bigint;
  readonly sessionId: bigint;
  readonly treeId: number;
  readonly asyncId?: bigint;
  readonly mid: bigint;
  readonly compound: boolean;
  /** SMB2_FLAGS_ASYNC_COMMAND was set on the wire. Absent where the response's header cannot be seen. */
  readonly async?: boolean;
  /** The answer was seen only at its release (offloaded decryption). */
  readonly lateAnswer: boolean;
  /** seq of the first member of its compound. */
  readonly lead?: number;
}

/** A task that waits and has no request yet. */
export interface Waiter {
  readonly kind: "credits" | "reconnect";
  readonly tid: number;
  readonly pid?: number;
  readonly comm?: string;
  readonly connectionId?: bigint;
  /** CLOCK_MONOTONIC ns since when it is known to wait. */
  readonly sinceNs: number;
}

/** What an op went to, in words. Filled from DebugData; absent parts are not known. */
export interface SmbTarget {
  readonly server?: string;
  readonly share?: string;
}

export type HistogramName = "latency" | "queue" | "send" | "wire" | "wake";

/** Deltas of one (connection, session, tree, command) since the tick before. */
export interface TickEntry {
  readonly connectionId: bigint;
  readonly sessionId: bigint;
  readonly treeId: number;
  readonly commandCode: number;
  readonly count: number;
  readonly errors: number;
  /** bucket index -> count; see bucketBounds() in histogram.ts. */
  readonly histograms: Partial<Record<HistogramName, ReadonlyMap<number, number>>>;
}

/** Answers to one command with one status that is not 0, within a tick; also those that are no errors. */
export interface Failure {
  readonly connectionId: bigint;
  readonly sessionId: bigint;
  readonly treeId: number;
  readonly commandCode: number;
  readonly status: number;
  readonly count: number;
}

/** What every probe says once a second. */
export interface TickBase {
  readonly nowNs: number;
  readonly recursionMisses: number;
}

export interface Tick extends TickBase {
  /** seq of the newest op, and of the oldest that the history still has. */
  readonly head: number;
  readonly oldest: number;
  readonly reconnects: number;
  readonly entries: readonly TickEntry[];
  readonly failures: readonly Failure[];
}

export interface InFlight<Op extends OpBase = SmbOp> {
  readonly nowNs: number;
  /** All open requests of every age. */
  readonly open: number;
  readonly ops: readonly Op[];
  readonly waiters: readonly Waiter[];
}

export interface History<Op extends OpBase = SmbOp> {
  readonly head: number;
  readonly oldest: number;
  readonly torn: number;
  readonly token: number;
  readonly ops: readonly Op[];
  /** seqs that turned out to be no op; absent when there is none. */
  readonly none?: readonly number[];
  readonly done: boolean;
}

/** One kind of loss, total since the probe's start. */
export interface Loss {
  readonly kind: string;
  /** For `unseen`: the command's name. */
  readonly detail?: string;
  readonly count: number;
}

export interface Hook {
  readonly name: string;
  readonly function: string;
  readonly rung: "none" | "fentry" | "kprobe" | "trace";
  readonly needed: boolean;
  readonly why?: string;
}

export interface Hello {
  readonly pid: number;
  /** The probe's name, e.g. `smb_wire`. */
  readonly probe: string;
  readonly module: string;
  readonly release: string;
  readonly ring: number;
  readonly hooks: readonly Hook[];
}

/** What a request asks for, as bytes from the wire; of an op that comes later. Decoded by smb/params.ts. */
export interface SmbParams {
  /** seq of the op. */
  readonly seq: number;
  readonly commandCode: number;
  /** The request behind its 64-byte header, at most its first 64 bytes. */
  readonly fixed: Buffer;
  /** UTF-16LE: the name that follows it. */
  readonly text: Buffer;
}

/** What every probe says. */
export type CommonEvent<H extends Hello = Hello> =
  | { readonly type: "hello"; readonly hello: H }
  | { readonly type: "lost"; readonly losses: readonly Loss[] }
  /** The helper cannot go on. `unsupported`: not on this kernel or machine, with the reason. */
  | { readonly type: "error"; readonly unsupported: boolean; readonly message: string };

/** What a probe says; smb_wire, unless told otherwise. A probe may say more in its HELLO and its ticks than all have to. */
export type ProbeEvent<Op extends OpBase = SmbOp, T extends TickBase = Tick, H extends Hello = Hello> =
  | CommonEvent<H>
  | { readonly type: "ops"; readonly ops: readonly Op[] }
  | { readonly type: "params"; readonly params: readonly SmbParams[] }
  | { readonly type: "tick"; readonly tick: T }
  | { readonly type: "inflight"; readonly inflight: InFlight<Op> }
  | { readonly type: "history"; readonly history: History<Op> };
