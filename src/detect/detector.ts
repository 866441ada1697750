import type { Observation, ObservedTarget } from "./observation.ts";

/** `info`: told and counted, and evidence of an incident that is open, but it opens none. */
export type Severity = (typeof severities)[number];
export const severities = ["info", "warning", "critical"] as const;

/** What an anomaly is about. Parts that differ between its operations, or are not known, are absent. */
export interface AnomalyTarget extends Partial<ObservedTarget> {
  readonly sessionId?: bigint;
  readonly treeId?: number;
}

/** What a verdict rests on, by name: numbers with their unit in the name, short texts. No file contents, no secrets. */
export type Evidence = Readonly<Record<string, number | string>>;

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
  readonly severity: Severity;
  /** CLOCK_MONOTONIC ns: when the rule's condition was met the first time, as long as it has gone on, ... */
  readonly firstNs: number;
  /** ... and when it was met now. */
  readonly timeNs: number;
  /** How often from `firstNs` on: of what, the summary says. */
  readonly count: number;
  /** One line for people. */
  readonly summary: string;
  readonly target: AnomalyTarget;
  readonly evidence: Evidence;
  readonly worst?: WorstOp;
  /** Present when it would not stand without what is still in flight. */
  readonly hang?: Hang;
}

/** What a detector needs from the probes; what is absent is not needed. Sources that are no probe tell all that they see. */
export interface Needs {
  /** SMB command code -> ns from which a request counts as slow. A code that is not in it is not needed. */
  readonly slowNs: ReadonlyMap<number, number>;
  /** SMB command codes of which failed requests are needed ... */
  readonly errorCommands?: ReadonlySet<number>;
  /** ... one by one, with one of these statuses; absent: with any. Of all others there is a count in each window. */
  readonly errorStatuses?: ReadonlySet<number>;
  /** Age in ns from which what is in flight must be reported. */
  readonly inflightNs?: number;
  /** Of RPCs of the NFS client. */
  readonly rpc?: RpcNeeds;
  /** Failed calls of the SMB client's VFS callbacks. */
  readonly vfsErrors?: boolean;
}

export interface RpcNeeds {
  /** ns from which an RPC counts as slow; absent: no threshold. */
  readonly slowNs?: number;
  /** By name of the procedure, in the place of `slowNs`. */
  readonly slowNsOf?: ReadonlyMap<string, number>;
  /** Failed RPCs ... */
  readonly errors?: boolean;
  /** ... with one of these statuses, or that were sent again; absent: with any. Of all others there is a count in each window. */
  readonly errorStatuses?: ReadonlySet<number>;
  readonly inflightNs?: number;
}

/** A pure state machine: no clock, no I/O; all time comes with the observations. */
export interface Detector {
  readonly name: string;
  readonly needs: Needs;
  observe(observation: Observation): Anomaly[];
  /** Other rules from now on, of the detector's own kind; what it has seen and learnt stays. */
  configure(rules: unknown): void;
  /** These requests (by seq) do not hang, whatever the probe says: they count again only when they complete. */
  reject(seqs: readonly number[]): void;
  /** Numbers for `aod status`; what was dropped to keep a bound is among them. */
  state(): Readonly<Record<string, number | string>>;
  /** What it cannot see now, and why: one sentence each. */
  blind(): readonly string[];
}

/** The least that satisfies all. */
export function mergeNeeds(all: readonly Needs[]): Needs {
  const slowNs = leastOf(all.map((needs) => needs.slowNs));
  const errorCommands = new Set(all.flatMap((needs) => [...(needs.errorCommands ?? [])]));
  const failing = all.filter((needs) => needs.errorCommands !== undefined);
  const any = failing.some((needs) => needs.errorStatuses === undefined);
  const errorStatuses = new Set(failing.flatMap((needs) => [...(needs.errorStatuses ?? [])]));
  const rpc = mergeRpcNeeds(all.flatMap((needs) => needs.rpc ?? []));
  return {
    slowNs,
    ...(errorCommands.size === 0 ? {} : { errorCommands }),
    ...(any || errorCommands.size === 0 ? {} : { errorStatuses }),
    ...finite(
      "inflightNs",
      all.map((needs) => needs.inflightNs),
    ),
    ...(rpc === undefined ? {} : { rpc }),
    ...(all.some((needs) => needs.vfsErrors) ? { vfsErrors: true } : {}),
  };
}

function mergeRpcNeeds(all: readonly RpcNeeds[]): RpcNeeds | undefined {
  if (all.length === 0) return undefined;
  // One that names a procedure must not be told less of it than one that takes them all.
  const general = Math.min(...all.map((needs) => needs.slowNs ?? Number.POSITIVE_INFINITY));
  const named = leastOf(all.flatMap((needs) => needs.slowNsOf ?? []));
  const failing = all.filter((needs) => needs.errors);
  const any = failing.some((needs) => needs.errorStatuses === undefined);
  const errorStatuses = new Set(failing.flatMap((needs) => [...(needs.errorStatuses ?? [])]));
  const slowNsOf = new Map([...named].map(([name, ns]) => [name, Math.min(ns, general)] as const));
  return {
    ...finite(
      "slowNs",
      all.map((needs) => needs.slowNs),
    ),
    ...(slowNsOf.size === 0 ? {} : { slowNsOf }),
    ...(failing.length === 0 ? {} : { errors: true }),
    ...(any || failing.length === 0 ? {} : { errorStatuses }),
    ...finite(
      "inflightNs",
      all.map((needs) => needs.inflightNs),
    ),
  };
}

function leastOf<Key>(all: readonly ReadonlyMap<Key, number>[]): Map<Key, number> {
  const least = new Map<Key, number>();
  for (const map of all) for (const [key, ns] of map) least.set(key, Math.min(ns, least.get(key) ?? ns));
  return least;
}

function finite<Name extends string>(
  name: Name,
  values: readonly (number | undefined)[],
): Partial<Record<Name, number>> {
  const least = Math.min(...values.map((value) => value ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(least) ? ({ [name]: least } as Record<Name, number>) : {};
}
