import type { RpcOp } from "../probe/rpc-op.ts";
import { Blindness } from "./blind.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { Anomaly, AnomalyTarget, Detector, Needs, WorstOp } from "./detector.ts";
import type { CommandThresholds } from "./latency.ts";
import { seconds } from "./latency-summary.ts";
import type { Observation } from "./observation.ts";
import { type SlowEntry, SlowWindow } from "./slow-window.ts";
import { serverKey } from "./target.ts";
import { Verdicts } from "./verdicts.ts";

export interface NfsLatencyRules {
  readonly windowNs: number;
  readonly count: number;
  readonly general: CommandThresholds;
  /** By name of the procedure, in the place of `general`. */
  readonly commands: ReadonlyMap<string, CommandThresholds>;
  readonly exclude: ReadonlySet<string>;
  readonly inFlight: boolean;
  readonly maxTargets: number;
}

/** What moves data: how long it waits to be sent is a matter of how much the program wrote at once. */
const dataProcedures: ReadonlySet<string> = new Set(["READ", "WRITE", "COMMIT", "READ_PLUS"]);

interface Slow {
  readonly op: RpcOp;
  readonly latencyUs: number;
}

/** Slow RPCs of one server: `count` of them within a window, or one that is slow enough by itself. Retries are part of an operation. */
export class NfsLatencyDetector implements Detector {
  readonly name = "nfs-latency";
  needs: Needs;
  #rules: NfsLatencyRules;
  readonly #windows: BoundedMap<string, SlowWindow<Slow>>;
  readonly #verdicts = new Verdicts("nfs-latency");
  readonly #blindness = new Blindness([{ source: "nfs_rpc", without: "no single RPC is seen" }]);
  #slow = 0;

  constructor(rules: NfsLatencyRules) {
    this.#rules = rules;
    this.#windows = new BoundedMap(rules.maxTargets);
    this.needs = needsOf(rules);
  }

  configure(rules: NfsLatencyRules): void {
    const { windowNs, count } = rules;
    for (const window of this.#windows.values()) window.configure({ windowNs, count, limit: Math.max(128, count) });
    this.#windows.resize(rules.maxTargets);
    this.#rules = rules;
    this.needs = needsOf(rules);
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    if (observation.type !== "rpc-ops" && !(observation.type === "rpc-inflight" && this.#rules.inFlight)) return [];
    const batches = new Map<string, SlowEntry<Slow>[]>();
    for (const op of observation.ops) {
      const latencyUs = judgedUs(op, observation.nowNs);
      const thresholds = this.#thresholds(op);
      if (thresholds === undefined || latencyUs === undefined) continue;
      if (latencyUs * 1000 < Math.min(thresholds.thresholdNs, thresholds.singleNs)) continue;
      const entry = { key: `o${op.seq}`, timeNs: op.endedNs ?? observation.nowNs, detail: { op, latencyUs } };
      const key = serverKey({ protocol: "nfs", ...op.target });
      const batch = batches.get(key);
      if (batch === undefined) batches.set(key, [entry]);
      else batch.push(entry);
    }
    return [...batches].flatMap(([key, batch]) => this.#judge(key, batch));
  }

  reject(): void {}

  state(): Readonly<Record<string, number>> {
    return { slow_operations: this.#slow, targets: this.#windows.size, targets_forgotten: this.#windows.forgotten };
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  #thresholds({ procedure }: RpcOp): CommandThresholds | undefined {
    if (this.#rules.exclude.has(procedure)) return undefined;
    return this.#rules.commands.get(procedure) ?? this.#rules.general;
  }

  #judge(key: string, batch: readonly SlowEntry<Slow>[]): Anomaly[] {
    const { windowNs, count } = this.#rules;
    const window = this.#windows.of(key, () => new SlowWindow<Slow>({ windowNs, count, limit: Math.max(128, count) }));
    this.#slow += batch.filter((entry) => !window.has(entry.key)).length;
    const anomalies: Anomaly[] = [];
    const over = (name: keyof CommandThresholds) =>
      batch.filter(({ detail }) => detail.latencyUs * 1000 >= (this.#thresholds(detail.op)?.[name] ?? Infinity));
    const single = over("singleNs");
    if (single.length > 0) anomalies.push(this.#tell(key, "single", single, describe(worstOf(single))));
    const cluster = window.add(over("thresholdNs"));
    if (cluster !== undefined) {
      const worst = worstOf(cluster.entries);
      const summary = `${cluster.entries.length} slow RPCs within ${seconds(windowNs / 1000)}, the slowest: ${describe(worst)}`;
      anomalies.push(this.#tell(key, "count", cluster.entries, summary));
    }
    return anomalies;
  }

  #tell(key: string, rule: string, entries: readonly SlowEntry<Slow>[], summary: string): Anomaly {
    const { op, latencyUs } = worstOf(entries);
    const worst: WorstOp = {
      command: op.procedure,
      latencyUs,
      state: op.endedNs === undefined ? "in flight" : "completed",
      comm: op.comm,
      ...(op.pid === undefined ? {} : { pid: op.pid }),
    };
    return this.#verdicts.tell({
      rule,
      key,
      severity: "warning",
      timeNs: Math.max(...entries.map(({ timeNs }) => timeNs)),
      quietNs: this.#rules.windowNs,
      count: entries.length,
      summary,
      target: rpcTarget(op),
      worst,
      evidence: {
        retransmissions: op.retransmissions,
        attempts: op.attempts,
        ...(op.xid === undefined ? {} : { xid: op.xid }),
      },
    });
  }
}

function needsOf(rules: NfsLatencyRules): Needs {
  const least = ({ thresholdNs, singleNs }: CommandThresholds) => Math.min(thresholdNs, singleNs);
  const slowNsOf = new Map([...rules.commands].map(([name, thresholds]) => [name, least(thresholds)] as const));
  for (const name of rules.exclude) slowNsOf.set(name, Number.POSITIVE_INFINITY);
  const inflightNs = Math.min(least(rules.general), ...slowNsOf.values());
  return {
    slowNs: new Map(),
    rpc: { slowNs: least(rules.general), slowNsOf, ...(rules.inFlight ? { inflightNs } : {}) },
  };
}

/** What an RPC went to, as anomalies name it. */
export function rpcTarget({ target: { server, address } }: Pick<RpcOp, "target">): AnomalyTarget {
  return {
    protocol: "nfs",
    ...(server === undefined ? {} : { server }),
    ...(address === undefined ? {} : { address }),
  };
}

/** Undefined where it cannot be told: data in flight may not have been sent yet. */
function judgedUs(op: RpcOp, nowNs: number): number | undefined {
  const data = dataProcedures.has(op.procedure);
  if (op.endedNs === undefined) return data || op.state === "ghost" ? undefined : (nowNs - op.startedNs) / 1000;
  return data ? Math.max(0, op.latencyUs - (op.phasesUs.queue ?? 0)) : op.latencyUs;
}

function worstOf(entries: readonly SlowEntry<Slow>[]): Slow {
  const [first, ...rest] = entries.map(({ detail }) => detail);
  if (first === undefined) throw new RangeError("an anomaly of no operations");
  return rest.reduce((worst, next) => (next.latencyUs > worst.latencyUs ? next : worst), first);
}

/** `NFS READ took 1.52 s (dd, pid 1234)` */
function describe({ op, latencyUs }: Slow): string {
  const verb = op.endedNs === undefined ? "has been in flight for" : "took";
  const who = op.pid === undefined ? op.comm : `${op.comm}, pid ${op.pid}`;
  return `NFS ${op.procedure} ${verb} ${seconds(latencyUs)} (${who})`;
}
