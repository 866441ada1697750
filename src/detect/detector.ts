import type { InFlight, SmbOp } from "../probe/op.ts";

/** What detectors see, each with the CLOCK_MONOTONIC moment (ns) up to which it tells. */
export type Observation =
  /** Completed operations over a threshold that some detector asked for; a detector checks them against its own. */
  | { readonly type: "ops"; readonly nowNs: number; readonly ops: readonly SmbOp[] }
  /** What hangs: requests and tasks at least as old as asked. Repeated, about once a second, while it does. */
  | { readonly type: "inflight"; readonly nowNs: number; readonly inflight: Pick<InFlight, "ops" | "waiters"> };

/** What an anomaly is about. Parts that differ between its operations, or are not known, are absent. */
export interface AnomalyTarget {
  readonly connectionId?: bigint;
  readonly sessionId?: bigint;
  readonly treeId?: number;
}

/**
 * What an anomaly rests on as long as it has not completed. The kernel may lose the end of a request (recursion_misses), so that it
 * seems to hang for ever: whoever acts on a hang first asks another source whether it does.
 */
export interface Hang {
  /** The anomaly stands when this many of them are confirmed. */
  readonly needed: number;
  readonly ops: readonly { readonly seq: number; readonly connectionId: bigint; readonly mid: bigint }[];
  readonly waiters: readonly {
    readonly kind: "credits" | "reconnect";
    readonly tid: number;
    readonly connectionId?: bigint;
  }[];
}

/** The operation that an anomaly names as its worst. */
export interface WorstOp {
  readonly command: string;
  readonly latencyUs: number;
  readonly phase?: { readonly name: "queue" | "send" | "wire" | "wake"; readonly us: number };
  readonly state: "completed" | "in flight" | "waiting";
  readonly pid?: number;
  readonly comm?: string;
}

/** One detector's verdict about one target. */
export interface Anomaly {
  readonly detector: string;
  /** The rule of the detector that it fell under, e.g. `count`, `single`. */
  readonly rule: string;
  /** `ongoing`: the same verdict goes on; it keeps an incident open and is counted, not listed. */
  readonly stage: "onset" | "ongoing";
  /** CLOCK_MONOTONIC ns: when the rule's condition was met. */
  readonly timeNs: number;
  /** One line for people. */
  readonly summary: string;
  readonly target: AnomalyTarget;
  readonly worst?: WorstOp;
  /** Present when it would not stand without what is still in flight. */
  readonly hang?: Hang;
}

/** What a detector needs from the probe. A command code that is not in `slowNs` is not needed. */
export interface Needs {
  readonly slowNs: ReadonlyMap<number, number>;
  /** Age in ns from which what is in flight must be reported; absent: not needed. */
  readonly inflightNs?: number;
}

/** A pure state machine: no clock, no I/O; all time comes with the observations. */
export interface Detector {
  readonly name: string;
  readonly needs: Needs;
  observe(observation: Observation): Anomaly[];
  /** These requests (by seq) do not hang, whatever the probe says: they count again only when they complete. */
  reject(seqs: readonly number[]): void;
  /** Numbers for `aod status`; what was dropped to keep a bound is among them. */
  state(): Readonly<Record<string, number | string>>;
}

/** The least that satisfies all. */
export function mergeNeeds(all: readonly Needs[]): Needs {
  const slowNs = new Map<number, number>();
  let inflightNs = Number.POSITIVE_INFINITY;
  for (const needs of all) {
    for (const [command, ns] of needs.slowNs) slowNs.set(command, Math.min(ns, slowNs.get(command) ?? ns));
    inflightNs = Math.min(inflightNs, needs.inflightNs ?? inflightNs);
  }
  return { slowNs, ...(Number.isFinite(inflightNs) ? { inflightNs } : {}) };
}
