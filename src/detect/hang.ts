import { Blindness } from "./blind.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { Anomaly, Detector, Needs } from "./detector.ts";
import { FirstSeen } from "./first-seen.ts";
import {
  type Hanging,
  type HangRules,
  hangingMids,
  hangingOps,
  hangingRpcs,
  hangingTasks,
  hangingWaiters,
  tasksWaitingByDesign,
} from "./hanging.ts";
import { seconds } from "./latency-summary.ts";
import type { NfsMountDelta, Observation, ObservedTarget, StuckTask } from "./observation.ts";
import { serverKey, targetText } from "./target.ts";
import { Verdicts } from "./verdicts.ts";

export type { HangRules } from "./hanging.ts";

const ECHO = 13;
const MAX_REJECTED = 4096;
/** Verdicts are repeated while it hangs, about once a second: a gap of so long is another hang. */
const QUIET_NS = 15e9;

/**
 * What does not end: requests in flight, tasks that wait for credits or a reconnect, RPCs, tasks stuck in the client; seen while it hangs, by its age.
 * Without the probes the requests that DebugData lists and the answers that mountstats misses take their place.
 */
export class HangDetector implements Detector {
  readonly name = "hang";
  needs: Needs;
  #rules: HangRules;
  readonly #verdicts = new Verdicts("hang");
  readonly #rejected = new Set<number>();
  readonly #mids: FirstSeen<string>;
  /** Per NFS server: since when it has owed an answer without giving one. */
  readonly #owing: BoundedMap<string, number>;
  /** Per NFS server, and of each protocol as a whole: when an answer came last. */
  readonly #answeredNs: BoundedMap<string, number>;
  #stuck: readonly StuckTask[] = [];
  #byDesign: ReadonlySet<number> = new Set();
  #hanging = 0;
  readonly #blindness = new Blindness([
    {
      source: "smb_wire",
      without: "SMB: the age of a request is counted from the first look at it, and no wait for credits is seen",
    },
    { source: "nfs_rpc", without: "NFS: a single RPC is not seen, only that a server owes answers" },
    { source: "debug-data", without: "SMB: a hang cannot be confirmed" },
    { source: "stuck-tasks", without: "no stack of a task that hangs" },
  ]);

  constructor(rules: HangRules) {
    this.#rules = rules;
    this.#mids = new FirstSeen(rules.maxTracked);
    this.#owing = new BoundedMap(rules.maxTracked);
    this.#answeredNs = new BoundedMap(rules.maxTracked);
    this.needs = needsOf(rules);
  }

  configure(rules: HangRules): void {
    this.#rules = rules;
    this.needs = needsOf(rules);
    for (const map of [this.#mids, this.#owing, this.#answeredNs]) map.resize(rules.maxTracked);
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    const { nowNs } = observation;
    const answeredNs = (key: string) => this.#answeredNs.peek(key);
    switch (observation.type) {
      case "inflight": {
        const { ops, waiters } = observation.inflight;
        const open = ops.filter(({ seq }) => !this.#rejected.has(seq));
        return this.#tell(
          [...hangingOps(open, nowNs, this.#rules), ...hangingWaiters(waiters, nowNs, this.#rules)],
          nowNs,
        );
      }
      case "ops":
        for (const { seq } of observation.ops) this.#rejected.delete(seq);
        return [];
      case "smb-window":
        if (observation.windows.some(({ commandCode, count }) => count > 0 && commandCode !== ECHO))
          this.#answered("smb", nowNs);
        return [];
      case "smb-stats":
        if (observation.delta.shares.some(({ bytesRead, bytesWritten }) => bytesRead + bytesWritten > 0))
          this.#answered("smb", nowNs);
        return [];
      case "rpc-window":
        for (const { target, count } of observation.windows) if (count > 0) this.#nfsAnswered(target, nowNs);
        return [];
      case "rpc-inflight":
        return this.#tell(hangingRpcs(observation.ops, nowNs, this.#rules, answeredNs), nowNs);
      case "stuck-tasks":
        this.#stuck = observation.tasks.slice(0, this.#rules.maxTracked);
        return this.#tell(hangingTasks(this.#stuck, nowNs, this.#rules, answeredNs, this.#byDesign), nowNs);
      case "smb-state": {
        this.#byDesign = tasksWaitingByDesign(observation.data.mids, this.#rules);
        if (!this.#blindness.lacks("smb_wire")) return [];
        const { mids } = observation.data;
        const keys = mids.map(({ connectionId, mid, command }) => `${connectionId ?? ""}|${mid}|${command}`);
        return this.#tell(hangingMids(mids, this.#mids.see(keys, nowNs), nowNs, this.#rules), nowNs);
      }
      case "mountstats":
        for (const { target, transports } of observation.mounts)
          if (transports.some(({ receives }) => receives > 0)) this.#nfsAnswered(target, nowNs);
        return this.#blindness.lacks("nfs_rpc") ? this.#mountstats(observation.mounts, nowNs) : [];
      default:
        return [];
    }
  }

  /** DebugData knows nothing of them: the kernel has lost their end. */
  reject(seqs: readonly number[]): void {
    for (const seq of seqs) this.#rejected.add(seq);
    for (const oldest of this.#rejected) {
      if (this.#rejected.size <= MAX_REJECTED) break;
      this.#rejected.delete(oldest);
    }
  }

  state(): Readonly<Record<string, number>> {
    return { hanging_seen: this.#hanging, tracked: this.#mids.size + this.#owing.size + this.#answeredNs.size };
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  /**
   * One server's transports, once, whatever number of mounts shares them. A difference between all that was sent and all that was received proves nothing:
   * what was sent again is answered once.
   */
  #mountstats(mounts: readonly NfsMountDelta[], nowNs: number): Anomaly[] {
    const servers = new Map(mounts.map((mount) => [serverKey(mount.target), mount] as const));
    this.#owing.retain((_, key) => servers.has(key));
    const found: Hanging[] = [];
    for (const [key, { target, transports }] of servers) {
      const sum = (name: "sends" | "receives" | "pending") =>
        transports.reduce((total, transport) => total + transport[name], 0);
      if (sum("receives") > 0) this.#owing.delete(key);
      if (sum("sends") > sum("receives")) this.#owing.set(key, this.#owing.peek(key) ?? nowNs);
      const sinceNs = this.#owing.peek(key);
      if (sinceNs === undefined || nowNs - sinceNs < this.#rules.afterNs) continue;
      const evidence = { pending: sum("pending"), known_from: "mountstats" };
      found.push({ rule: "rpc", key, target, sinceNs, what: `an RPC to ${targetText(target)}`, evidence });
    }
    return this.#tell(found, nowNs);
  }

  /** One anomaly per rule and target: the oldest is named, the others are counted. */
  #tell(all: readonly Hanging[], nowNs: number): Anomaly[] {
    this.#hanging += all.length;
    const groups = new Map<string, Hanging[]>();
    for (const one of all) {
      const group = groups.get(`${one.rule} ${one.key}`);
      if (group === undefined) groups.set(`${one.rule} ${one.key}`, [one]);
      else group.push(one);
    }
    return [...groups.values()].flatMap((group) => {
      const [oldest, ...others] = [...group].sort((a, b) => a.sinceNs - b.sinceNs);
      if (oldest === undefined) return [];
      const ageUs = (nowNs - oldest.sinceNs) / 1000;
      const stack = this.#stackOf(oldest.tid);
      const who =
        oldest.comm === undefined ? "" : ` (${oldest.comm}${oldest.pid === undefined ? "" : `, pid ${oldest.pid}`})`;
      const more = others.length === 0 ? "" : `, and ${others.length} more of the same`;
      const hang = group.flatMap((one) => one.hang ?? []);
      return this.#verdicts.tell({
        rule: oldest.rule,
        key: oldest.key,
        severity: "critical",
        timeNs: nowNs,
        sinceNs: oldest.sinceNs,
        quietNs: QUIET_NS,
        count: group.length,
        target: oldest.target,
        summary: `${oldest.what} has not ended for ${seconds(ageUs)}${who}${more}`,
        evidence: {
          age_s: Math.round(ageUs / 1e5) / 10,
          hanging: group.length,
          ...(oldest.comm === undefined ? {} : { comm: oldest.comm }),
          ...(oldest.pid === undefined ? {} : { pid: oldest.pid }),
          ...(oldest.tid === undefined ? {} : { tid: oldest.tid }),
          ...(stack === undefined ? {} : { stack }),
          ...oldest.evidence,
        },
        ...(oldest.worst === undefined ? {} : { worst: { ...oldest.worst, latencyUs: ageUs } }),
        ...(hang.length === 0
          ? {}
          : {
              hang: { needed: 1, ops: hang.flatMap(({ ops }) => ops), waiters: hang.flatMap(({ waiters }) => waiters) },
            }),
      });
    });
  }

  #stackOf(tid: number | undefined): string | undefined {
    const stack = this.#stuck.find((task) => task.tid === tid)?.stack;
    return stack === undefined ? undefined : stack.slice(0, 12).join(" < ");
  }

  #nfsAnswered(target: ObservedTarget, nowNs: number): void {
    this.#answered("nfs", nowNs);
    this.#answered(serverKey(target), nowNs);
  }

  #answered(key: string, nowNs: number): void {
    this.#answeredNs.set(key, nowNs);
  }
}

function needsOf({ afterNs }: HangRules): Needs {
  return { slowNs: new Map(), inflightNs: afterNs, rpc: { inflightNs: afterNs } };
}
