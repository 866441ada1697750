import type { SmbOp, Waiter } from "../probe/op.ts";
import { Blindness } from "./blind.ts";
import type { Anomaly, AnomalyTarget, Detector, Hang, Needs } from "./detector.ts";
import { describeCluster, describeSingle, type Seen, type Sight, type Slow, worstOf } from "./latency-summary.ts";
import type { Observation } from "./observation.ts";
import { type SlowEntry, SlowWindow, type SlowWindowRules } from "./slow-window.ts";
import { Verdicts } from "./verdicts.ts";

const LOCK = 10;

/** Durations in ns; `POSITIVE_INFINITY` switches a rule off. */
export interface CommandThresholds {
  /** At least this long counts for the count rule. */
  readonly thresholdNs: number;
  /** At least this long is an anomaly by itself. */
  readonly singleNs: number;
}

export interface LatencyRules {
  readonly windowNs: number;
  /** This many slow operations of one connection within the window. */
  readonly count: number;
  /** By command code; a code that is not in it is not watched. */
  readonly commands: ReadonlyMap<number, CommandThresholds>;
  /** For tasks that wait and have no request, so no command, yet. */
  readonly waiters: CommandThresholds;
  /** Locks that the server makes wait for another holder count too. */
  readonly blockingLocks: boolean;
  /** The age of what is in flight, and of what waits, counts as latency. */
  readonly inFlight: boolean;
  /** Connections that are remembered; the longest silent one is forgotten first. */
  readonly maxTargets: number;
}

interface TargetState {
  readonly window: SlowWindow<Slow>;
  /** Of the waits without a request, by task: the key in the window. */
  readonly waits: Map<number, { readonly key: string; readonly sinceNs: number }>;
}

const MAX_REJECTED = 4096;
const MAX_WAITS = 1024;
/** Slow operations of one connection that are remembered, and can be told in a summary; more when the count rule needs more. */
const MIN_ENTRIES = 128;

/** Slow operations of one connection: `count` of them within a window, or one that is slow enough by itself. */
export class LatencyDetector implements Detector {
  readonly name = "latency";
  #needs: Needs;
  #rules: LatencyRules;
  readonly #targets = new Map<string, TargetState>();
  readonly #rejected = new Set<number>();
  readonly #verdicts = new Verdicts("latency");
  readonly #blindness = new Blindness([{ source: "smb_wire", without: "no single SMB request is seen" }]);
  #slow = 0;
  #forgotten = 0;
  #ghosts = 0;

  constructor(rules: LatencyRules) {
    this.#rules = rules;
    this.#needs = needsOf(rules);
  }

  get needs(): Needs {
    return this.#needs;
  }

  configure(rules: LatencyRules): void {
    this.#rules = rules;
    this.#needs = needsOf(rules);
    for (const { window } of this.#targets.values()) window.configure(windowRules(rules));
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    const byTarget = new Map<string, Slow[]>();
    const take = (key: string, slow: Slow) => {
      const list = byTarget.get(key);
      if (list === undefined) byTarget.set(key, [slow]);
      else list.push(slow);
    };
    if (observation.type === "ops") {
      for (const op of observation.ops) {
        const slow = this.#completed(op);
        if (slow !== undefined) take(String(op.connectionId), slow);
      }
    } else if (observation.type === "inflight" && this.#rules.inFlight) {
      for (const op of observation.inflight.ops) {
        const slow = this.#inFlight(op, observation.nowNs);
        if (slow !== undefined) take(String(op.connectionId), slow);
      }
      for (const waiter of observation.inflight.waiters) {
        const slow = this.#waiting(waiter, observation.nowNs);
        if (slow !== undefined) take(String(waiter.connectionId ?? ""), slow);
      }
    }
    return [...byTarget].flatMap(([key, batch]) => this.#judge(key, this.#target(key), batch));
  }

  reject(seqs: readonly number[]): void {
    for (const seq of seqs) {
      this.#rejected.add(seq);
      for (const target of this.#targets.values()) target.window.delete(opKey(seq));
    }
    this.#ghosts += seqs.length;
    for (const oldest of this.#rejected) {
      if (this.#rejected.size <= MAX_REJECTED) break;
      this.#rejected.delete(oldest);
    }
  }

  state(): Readonly<Record<string, number | string>> {
    return {
      slow_operations: this.#slow,
      targets: this.#targets.size,
      targets_forgotten: this.#forgotten,
      not_hanging: this.#ghosts,
    };
  }

  #completed(op: SmbOp): Slow | undefined {
    if (op.commandCode === LOCK && op.async !== false && !this.#rules.blockingLocks) return undefined;
    const timeNs = op.endedNs;
    const thresholds = this.#rules.commands.get(op.commandCode);
    if (thresholds === undefined || timeNs === undefined) return undefined;
    this.#rejected.delete(op.seq);
    return slowOf(
      { kind: "op", op, state: "completed", key: opKey(op.seq), timeNs, latencyUs: op.latencyUs },
      thresholds,
    );
  }

  #inFlight(op: SmbOp, nowNs: number): Slow | undefined {
    // Whether a lock blocks because it was asked to cannot be told while it is in flight.
    if (op.commandCode === LOCK && !this.#rules.blockingLocks) return undefined;
    // With an end it does not hang: it comes again among the completed when its memory is released.
    if (op.state === "ghost" || op.endedNs !== undefined || this.#rejected.has(op.seq)) return undefined;
    const thresholds = this.#rules.commands.get(op.commandCode);
    if (thresholds === undefined) return undefined;
    const latencyUs = (nowNs - op.startedNs) / 1000;
    return slowOf({ kind: "op", op, state: "in flight", key: opKey(op.seq), timeNs: nowNs, latencyUs }, thresholds);
  }

  #waiting(waiter: Waiter, nowNs: number): Slow | undefined {
    const key = `w${waiter.tid}:${waiter.sinceNs}`;
    const latencyUs = (nowNs - waiter.sinceNs) / 1000;
    return slowOf({ kind: "waiter", waiter, state: "waiting", key, timeNs: nowNs, latencyUs }, this.#rules.waiters);
  }

  #target(key: string): TargetState {
    const known = this.#targets.get(key);
    this.#targets.delete(key);
    const target = known ?? {
      window: new SlowWindow<Slow>(windowRules(this.#rules)),
      waits: new Map(),
    };
    this.#targets.set(key, target);
    for (const oldest of this.#targets.keys()) {
      if (this.#targets.size <= this.#rules.maxTargets) break;
      this.#targets.delete(oldest);
      this.#forgotten++;
    }
    return target;
  }

  #judge(key: string, target: TargetState, batch: readonly Slow[]): Anomaly[] {
    const counted = batch.filter((slow) => slow.counts);
    for (const slow of counted) {
      this.#joinWait(target, slow);
      if (!target.window.has(slow.key)) this.#slow++;
    }
    const anomalies: Anomaly[] = [];
    const single = batch.filter((slow) => slow.single);
    const last = single.reduce((latest, slow) => Math.max(latest, slow.timeNs), Number.NEGATIVE_INFINITY);
    if (single.length > 0)
      anomalies.push(this.#anomaly(key, "single", last, single, describeSingle(worstOf(single)), 1));
    const cluster = target.window.add(
      counted.map((slow): SlowEntry<Slow> => ({ key: slow.key, timeNs: slow.timeNs, detail: slow })),
    );
    if (cluster !== undefined) {
      const slows = cluster.entries.map((entry) => entry.detail);
      anomalies.push(
        this.#anomaly(
          key,
          "count",
          cluster.timeNs,
          slows,
          describeCluster(slows, this.#rules.windowNs),
          this.#rules.count,
        ),
      );
    }
    return anomalies;
  }

  /** A task's wait for credits becomes its request: one slow thing, not two. */
  #joinWait(target: TargetState, slow: Slow): void {
    if (slow.kind === "waiter") {
      target.waits.delete(slow.waiter.tid);
      target.waits.set(slow.waiter.tid, { key: slow.key, sinceNs: slow.waiter.sinceNs });
      for (const oldest of target.waits.keys()) {
        if (target.waits.size <= MAX_WAITS) break;
        target.waits.delete(oldest);
      }
      return;
    }
    const wait = target.waits.get(slow.op.tid);
    if (wait === undefined || wait.sinceNs > slow.op.startedNs + 1000) return;
    target.waits.delete(slow.op.tid);
    target.window.delete(wait.key);
  }

  #anomaly(
    key: string,
    rule: string,
    timeNs: number,
    slows: readonly Slow[],
    summary: string,
    needed: number,
  ): Anomaly {
    const hang = hangOf(slows, needed);
    return this.#verdicts.tell({
      rule,
      key,
      severity: "warning",
      timeNs,
      quietNs: this.#rules.windowNs,
      count: slows.length,
      summary,
      target: commonTarget(slows),
      worst: worstOf(slows).worst,
      ...(hang === undefined ? {} : { hang }),
    });
  }
}

function opKey(seq: number): string {
  return `o${seq}`;
}

function slowOf(
  seen: Pick<Seen, "key" | "timeNs" | "latencyUs"> & Sight,
  thresholds: CommandThresholds,
): Slow | undefined {
  const counts = seen.latencyUs * 1000 >= thresholds.thresholdNs;
  const single = seen.latencyUs * 1000 >= thresholds.singleNs;
  return counts || single ? { ...seen, counts, single, thresholdNs: thresholds.thresholdNs } : undefined;
}

/** What all of them went to. */
function commonTarget(slows: readonly Slow[]): AnomalyTarget {
  const same = <T>(values: readonly (T | undefined)[]): T | undefined => {
    const known = values.filter((value) => value !== undefined);
    return known.every((value) => value === known[0]) ? known[0] : undefined;
  };
  const ops = slows.flatMap((slow) => (slow.kind === "op" ? [slow.op] : []));
  const connectionId = same(
    slows.map((slow) => (slow.kind === "op" ? slow.op.connectionId : slow.waiter.connectionId)),
  );
  const sessionId = same(ops.map((op) => (op.sessionId === 0n ? undefined : op.sessionId)));
  const treeId = same(ops.map((op) => (op.treeId === 0 ? undefined : op.treeId)));
  return {
    ...(connectionId === undefined ? {} : { connectionId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(treeId === undefined ? {} : { treeId }),
  };
}

/** `needed`: how many of them all the rule takes. */
function hangOf(slows: readonly Slow[], needed: number): Hang | undefined {
  const left = needed - slows.filter((slow) => slow.state === "completed").length;
  if (left <= 0) return undefined;
  const pending = slows.filter((slow) => slow.state !== "completed");
  return {
    needed: left,
    ops: pending.flatMap((slow) =>
      slow.kind === "op" ? [{ seq: slow.op.seq, connectionId: slow.op.connectionId, mid: slow.op.mid }] : [],
    ),
    waiters: pending.flatMap((slow) => (slow.kind === "waiter" ? [waiting(slow.waiter)] : [])),
  };
}

function waiting({ kind, tid, connectionId }: Waiter): Hang["waiters"][number] {
  return { kind, tid, ...(connectionId === undefined ? {} : { connectionId }) };
}

function needsOf(rules: LatencyRules): Needs {
  const least = (thresholds: CommandThresholds) => Math.min(thresholds.thresholdNs, thresholds.singleNs);
  const slowNs = new Map([...rules.commands].map(([command, thresholds]) => [command, least(thresholds)] as const));
  const inflightNs = Math.min(least(rules.waiters), ...slowNs.values());
  return { slowNs, ...(rules.inFlight && Number.isFinite(inflightNs) ? { inflightNs } : {}) };
}

function windowRules({ windowNs, count }: LatencyRules): SlowWindowRules {
  return { windowNs, count, limit: Math.max(MIN_ENTRIES, count) };
}
