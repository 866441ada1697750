import type { RpcOp } from "../probe/rpc-op.ts";
import type { KernelMessage } from "../system/kernel-message.ts";
import { Blindness } from "./blind.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { Anomaly, AnomalyTarget, Detector, Needs } from "./detector.ts";
import { seconds } from "./latency-summary.ts";
import type { NfsMountDelta, NfsOperationDelta, Observation, ObservedTarget } from "./observation.ts";
import { serverKey, targetText } from "./target.ts";
import { Verdicts } from "./verdicts.ts";
import { WindowCount } from "./window-count.ts";

export interface NfsRpcRules {
  readonly windowNs: number;
  /** RPCs sent again of one server within the window. */
  readonly retransmissions: number;
  /** Major timeouts of one server within the window. */
  readonly timeouts: number;
  /** Operations that move no data waited so long on average, ... */
  readonly backlogNs: number;
  /** ... and they were so many. */
  readonly backlogCount: number;
  /** Ids of kernel messages that say that the state manager could not do its work. */
  readonly stateMessages: ReadonlySet<string>;
  readonly maxTargets: number;
}

interface Known {
  readonly again: WindowCount;
  readonly timeouts: WindowCount;
}

/** How long data waits to be sent is a matter of how much was written at once. */
const dataOperations: ReadonlySet<string> = new Set(["READ", "WRITE", "COMMIT", "READ_PLUS"]);

/** The RPC layer of the NFS client: what is sent again, times out, waits for its turn, and state that could not be recovered. */
export class NfsRpcDetector implements Detector {
  readonly name = "nfs-rpc";
  readonly needs: Needs = { slowNs: new Map() };
  #rules: NfsRpcRules;
  readonly #known: BoundedMap<string, Known>;
  readonly #verdicts = new Verdicts("nfs-rpc");
  readonly #blindness = new Blindness([
    { source: "mountstats", without: "NFS: retransmissions, timeouts and backlog are not seen" },
    { source: "kernel-log", without: "NFSv4: failures of the state manager are not seen" },
  ]);

  constructor(rules: NfsRpcRules) {
    this.#rules = rules;
    this.#known = new BoundedMap(rules.maxTargets);
  }

  configure(rules: NfsRpcRules): void {
    for (const { again, timeouts } of this.#known.values())
      for (const window of [again, timeouts]) window.resize(rules.windowNs);
    this.#known.resize(rules.maxTargets);
    this.#rules = rules;
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    const { nowNs } = observation;
    if (observation.type === "mountstats") return this.#mounts(observation.mounts, nowNs);
    if (observation.type === "rpc-ops" && this.#blindness.lacks("mountstats")) {
      return observation.ops.flatMap((op) => this.#ended(op));
    }
    if (observation.type !== "kernel-messages") return [];
    return observation.messages.flatMap((message) => this.#message(message));
  }

  reject(): void {}

  state(): Readonly<Record<string, number>> {
    return { servers: this.#known.size, servers_forgotten: this.#known.forgotten };
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  #mounts(mounts: readonly NfsMountDelta[], nowNs: number): Anomaly[] {
    return mounts.flatMap(({ target, operations, leaseExpired }) => {
      const sum = (of: (operation: NfsOperationDelta) => number): number =>
        operations.reduce((total, operation) => total + Math.max(0, of(operation)), 0);
      const again = sum(({ transmissions, count }) => transmissions - count);
      const timeouts = sum(({ majorTimeouts }) => majorTimeouts);
      return [
        ...this.#sentAgain(target, again, timeouts, nowNs),
        ...this.#backlog(target, operations, nowNs),
        ...(leaseExpired === true ? [this.#lease(target, nowNs)] : []),
      ];
    });
  }

  #ended(op: RpcOp): Anomaly[] {
    const { server, address } = op.target;
    const target: ObservedTarget = {
      protocol: "nfs",
      ...(server === undefined ? {} : { server }),
      ...(address === undefined ? {} : { address }),
    };
    const nowNs = op.endedNs ?? op.startedNs;
    return this.#sentAgain(target, op.retransmissions, op.timeouts, nowNs);
  }

  #sentAgain(target: ObservedTarget, again: number, timeouts: number, nowNs: number): Anomaly[] {
    if (again <= 0 && timeouts <= 0) return [];
    const key = serverKey(target);
    const { windowNs } = this.#rules;
    const known = this.#known.of(key, () => ({
      again: new WindowCount(windowNs),
      timeouts: new WindowCount(windowNs),
    }));
    known.again.add(nowNs, again);
    known.timeouts.add(nowNs, timeouts);
    const all = { again: known.again.total(nowNs), timeouts: known.timeouts.total(nowNs) };
    const base = { key, timeNs: nowNs, quietNs: windowNs, target: serverOf(target), severity: "warning" } as const;
    const within = `within ${seconds(windowNs / 1000)}`;
    const evidence = { retransmissions: all.again, major_timeouts: all.timeouts };
    const anomalies: Anomaly[] = [];
    if (timeouts > 0 && all.timeouts >= this.#rules.timeouts) {
      const summary = `${all.timeouts} RPCs to ${targetText(serverOf(target))} timed out ${within}`;
      anomalies.push(this.#verdicts.tell({ ...base, rule: "timeouts", count: timeouts, summary, evidence }));
    }
    if (again > 0 && all.again >= this.#rules.retransmissions) {
      const summary = `${all.again} RPCs to ${targetText(serverOf(target))} were sent again ${within}`;
      anomalies.push(this.#verdicts.tell({ ...base, rule: "retransmissions", count: again, summary, evidence }));
    }
    return anomalies;
  }

  #backlog(target: ObservedTarget, operations: readonly NfsOperationDelta[], nowNs: number): Anomaly[] {
    const waited = operations.filter(({ operation, count }) => !dataOperations.has(operation) && count > 0);
    const count = waited.reduce((sum, operation) => sum + operation.count, 0);
    const queueMs = waited.reduce((sum, operation) => sum + operation.queueMs, 0);
    const meanMs = count === 0 ? 0 : queueMs / count;
    if (count < this.#rules.backlogCount || meanMs * 1e6 < this.#rules.backlogNs) return [];
    return [
      this.#verdicts.tell({
        rule: "backlog",
        key: serverKey(target),
        severity: "warning",
        timeNs: nowNs,
        quietNs: this.#rules.windowNs,
        count,
        target: serverOf(target),
        summary: `${count} RPCs to ${targetText(serverOf(target))} waited ${seconds(meanMs * 1000)} on average before they were sent`,
        evidence: { operations: count, mean_queue_ms: Math.round(meanMs) },
      }),
    ];
  }

  #lease(target: ObservedTarget, nowNs: number): Anomaly {
    return this.#verdicts.tell({
      rule: "lease",
      key: serverKey(target),
      severity: "critical",
      timeNs: nowNs,
      quietNs: this.#rules.windowNs,
      target: serverOf(target),
      summary: `the NFSv4 lease with ${targetText(serverOf(target))} has expired: locks and open files may be lost`,
    });
  }

  #message({ id, protocol, timeNs, server, errno, text }: KernelMessage): Anomaly[] {
    if (protocol !== "nfs" || !this.#rules.stateMessages.has(id)) return [];
    const target: AnomalyTarget = { protocol, ...(server === undefined ? {} : { server }) };
    return [
      this.#verdicts.tell({
        rule: "state-manager",
        key: serverKey(target),
        severity: "critical",
        timeNs,
        quietNs: this.#rules.windowNs,
        target,
        summary: `NFSv4 state could not be recovered: ${text.slice(0, 300)}`,
        evidence: { id, ...(errno === undefined ? {} : { errno }) },
      }),
    ];
  }
}

/** Mounts of one server share what is counted. */
function serverOf({ server, address }: ObservedTarget): AnomalyTarget {
  return {
    protocol: "nfs",
    ...(server === undefined ? {} : { server }),
    ...(address === undefined ? {} : { address }),
  };
}
