import type { SmbOp, Waiter } from "../probe/op.ts";
import { Blindness } from "./blind.ts";
import { BoundedMap } from "./bounded-map.ts";
import { type ConnectionLook, type ConnectionRules, isWanted, lookAt, nameOfStatus } from "./connection-look.ts";
import type { Anomaly, AnomalyTarget, Detector, Needs, Severity } from "./detector.ts";
import { seconds } from "./latency-summary.ts";
import type { Observation, SmbStatsDelta } from "./observation.ts";
import { targetText } from "./target.ts";
import { type Verdict, Verdicts } from "./verdicts.ts";
import { WindowCount } from "./window-count.ts";

export type { ConnectionRules } from "./connection-look.ts";

interface Known {
  look: ConnectionLook;
  /** Since when its status has not been good; undefined while it is. */
  badSinceNs: number | undefined;
  /** Since when all looks have shown tasks that wait for credits while nothing was answered. */
  starvedSinceNs: number | undefined;
  sessionBadSinceNs: number | undefined;
  readonly reconnects: WindowCount;
}

const USER_SESSION_DELETED = 0xc000_0203;
const NETWORK_SESSION_EXPIRED = 0xc000_035c;
const QUIET_NS = 30e9;
/** Refusals of one expiry come together. */
const ONE_EXPIRY_NS = 10e9;

/** What happens to the connections of the SMB client: reconnects that cost requests, a server that stays away, credits, sessions. */
export class ConnectionDetector implements Detector {
  readonly name = "connection";
  needs: Needs;
  #rules: ConnectionRules;
  readonly #known: BoundedMap<string, Known>;
  readonly #verdicts = new Verdicts("connection");
  readonly #expiries: BoundedMap<string, { readonly window: WindowCount; lastNs: number }>;
  readonly #answered: BoundedMap<bigint, number>;
  readonly #killed: BoundedMap<bigint, number>;
  readonly #statsReconnects: WindowCount;
  readonly #blindness = new Blindness([
    { source: "debug-data", without: "SMB: of connections only the number of reconnects is known" },
    {
      source: "smb_wire",
      without: "SMB: requests that a reconnect killed, and refusals for an expired session, are not seen",
    },
  ]);
  #waiters: readonly Waiter[] = [];
  /** Where no probe tells which connection it was. */
  #anyAnsweredNs = Number.NEGATIVE_INFINITY;
  #stateNs = Number.NEGATIVE_INFINITY;
  #reconnects = 0;
  #harmless = 0;

  constructor(rules: ConnectionRules) {
    this.#rules = rules;
    this.#known = new BoundedMap(rules.maxTargets);
    this.#expiries = new BoundedMap(rules.maxTargets);
    this.#answered = new BoundedMap(rules.maxTargets);
    this.#killed = new BoundedMap(rules.maxTargets);
    this.#statsReconnects = new WindowCount(rules.stormWindowNs);
    this.needs = needsOf(rules);
  }

  configure(rules: ConnectionRules): void {
    const counted = [...this.#known.values()].map(({ reconnects }) => reconnects);
    const expired = [...this.#expiries.values()].map(({ window }) => window);
    for (const window of [this.#statsReconnects, ...counted, ...expired]) window.resize(rules.stormWindowNs);
    for (const map of [this.#known, this.#expiries, this.#answered, this.#killed]) map.resize(rules.maxTargets);
    this.#rules = rules;
    this.needs = needsOf(rules);
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    const { nowNs } = observation;
    switch (observation.type) {
      case "smb-state": {
        this.#stateNs = nowNs;
        const looks = lookAt(observation.data);
        return looks.flatMap((look) => this.#look(look, nowNs));
      }
      case "ops":
        return observation.ops.flatMap((op) => this.#ended(op));
      case "inflight":
        return this.#waiting(observation.inflight.waiters, nowNs);
      case "smb-window":
        for (const { connectionId, count } of observation.windows)
          if (count > 0) this.#answered.set(connectionId, nowNs);
        return [];
      case "smb-stats":
        return this.#stats(observation.delta, nowNs);
      default:
        return [];
    }
  }

  reject(): void {}

  state(): Readonly<Record<string, number>> {
    return {
      connections: this.#known.size,
      reconnects: this.#reconnects,
      reconnects_without_harm: this.#harmless,
      connections_forgotten: this.#known.forgotten,
    };
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  #look(look: ConnectionLook, nowNs: number): Anomaly[] {
    const before = this.#known.get(look.key);
    const known: Known = before ?? {
      look,
      badSinceNs: undefined,
      starvedSinceNs: undefined,
      sessionBadSinceNs: undefined,
      reconnects: new WindowCount(this.#rules.stormWindowNs),
    };
    const anomalies = before === undefined ? [] : this.#reconnected(known, look, nowNs);
    known.badSinceNs = look.bad ? (known.badSinceNs ?? nowNs) : undefined;
    const used = look.inFlight > 0 || this.#waitersOf(look) > 0;
    known.sessionBadSinceNs = look.sessionBad && !look.bad && used ? (known.sessionBadSinceNs ?? nowNs) : undefined;
    const answeredNs = this.#answered.peek(look.connectionId ?? 0n) ?? this.#anyAnsweredNs;
    const starved = look.credits === 0 && look.waiting > 0 && answeredNs < (known.starvedSinceNs ?? nowNs);
    known.starvedSinceNs = starved ? (known.starvedSinceNs ?? nowNs) : undefined;
    known.look = look;
    this.#known.set(look.key, known);
    return [...anomalies, ...this.#lasting(known, used, nowNs)];
  }

  /** Idle connections are closed by servers and made anew by the client: that alone is no fault. */
  #reconnected(known: Known, look: ConnectionLook, nowNs: number): Anomaly[] {
    const times = Math.max(0, look.instance - known.look.instance);
    if (times === 0) return [];
    this.#reconnects += times;
    known.reconnects.add(nowNs, times);
    const killed = look.connectionId === undefined ? 0 : (this.#killed.peek(look.connectionId) ?? 0);
    if (look.connectionId !== undefined) this.#killed.delete(look.connectionId);
    const lost = Math.max(killed, known.look.inFlight);
    const total = known.reconnects.total(nowNs);
    const evidence = { instance: look.instance, requests_in_flight: lost, reconnects_in_window: total };
    const anomalies: Anomaly[] = [];
    const target = targetOf(look);
    if (lost > 0) {
      const summary = `the connection to ${targetText(target)} was made anew with ${lost} requests in flight`;
      anomalies.push(this.#tell(look, "reconnect", "warning", nowNs, { count: times, summary, evidence }));
    } else this.#harmless += times;
    if (total >= this.#rules.stormCount) {
      const summary = `the connection to ${targetText(target)} was made anew ${total} times within ${seconds(this.#rules.stormWindowNs / 1000)}`;
      anomalies.push(this.#tell(look, "reconnect-storm", "warning", nowNs, { count: times, summary, evidence }));
    }
    return anomalies;
  }

  #lasting({ look, badSinceNs, starvedSinceNs, sessionBadSinceNs }: Known, used: boolean, nowNs: number): Anomaly[] {
    const over = (sinceNs: number | undefined, limitNs: number): sinceNs is number =>
      sinceNs !== undefined && nowNs - sinceNs >= limitNs;
    const age = (sinceNs: number) => seconds((nowNs - sinceNs) / 1000);
    const name = targetText(targetOf(look));
    const evidence = {
      tcp_status: nameOfStatus(look.status),
      in_flight: look.inFlight,
      waiters: this.#waitersOf(look),
    };
    const anomalies: Anomaly[] = [];
    if (over(badSinceNs, this.#rules.downAfterNs)) {
      const summary = `the connection to ${name} has been "${nameOfStatus(look.status)}" for ${age(badSinceNs)}${used ? ", and requests wait for it" : ""}`;
      const severity = used ? "critical" : "warning";
      anomalies.push(this.#tell(look, "down", severity, nowNs, { sinceNs: badSinceNs, summary, evidence }));
    }
    if (over(starvedSinceNs, this.#rules.creditsAfterNs)) {
      const summary = `${name} has granted no credits for ${age(starvedSinceNs)}; ${look.waiting} tasks wait for some`;
      const credits = { ...evidence, waiting_for_credits: look.waiting };
      anomalies.push(
        this.#tell(look, "credits", "warning", nowNs, { sinceNs: starvedSinceNs, summary, evidence: credits }),
      );
    }
    if (over(sessionBadSinceNs, this.#rules.downAfterNs)) {
      const summary = `the session with ${name} has not been set up again for ${age(sessionBadSinceNs)}, and requests wait for it`;
      anomalies.push(this.#tell(look, "session", "critical", nowNs, { sinceNs: sessionBadSinceNs, summary, evidence }));
    }
    if (look.passwordInvalid) {
      const summary = `${name} does not accept the password of the mount any more`;
      anomalies.push(this.#tell(look, "password", "critical", nowNs, { summary, evidence }));
    }
    return anomalies;
  }

  #ended(op: SmbOp): Anomaly[] {
    const { connectionId, endedNs } = op;
    if (op.end === "reconnect" && isWanted(op.commandCode))
      this.#killed.set(connectionId, (this.#killed.peek(connectionId) ?? 0) + 1);
    if (endedNs === undefined || (op.status !== USER_SESSION_DELETED && op.status !== NETWORK_SESSION_EXPIRED))
      return [];
    const key = String(connectionId);
    const expiry = this.#expiries.of(key, () => ({
      window: new WindowCount(this.#rules.stormWindowNs),
      lastNs: Number.NEGATIVE_INFINITY,
    }));
    if (endedNs - expiry.lastNs < ONE_EXPIRY_NS) return [];
    expiry.lastNs = endedNs;
    expiry.window.add(endedNs);
    const total = expiry.window.total(endedNs);
    if (total < this.#rules.expiries) return [];
    const target: AnomalyTarget = { protocol: "smb", ...(connectionId === 0n ? {} : { connectionId }) };
    const summary = `the server ended the session of ${targetText(target)} ${total} times within ${seconds(this.#rules.stormWindowNs / 1000)}`;
    return [
      this.#verdicts.tell({
        rule: "session-expired",
        key,
        severity: "warning",
        timeNs: endedNs,
        quietNs: this.#rules.stormWindowNs,
        target,
        summary,
        evidence: { expiries_in_window: total, status: op.status === USER_SESSION_DELETED ? "deleted" : "expired" },
      }),
    ];
  }

  #waiting(waiters: readonly Waiter[], nowNs: number): Anomaly[] {
    this.#waiters = waiters.filter(({ sinceNs }) => nowNs - sinceNs >= this.#rules.waiterAgeNs).slice(0, 4096);
    if (this.#waiters.length < this.#rules.waiters) return [];
    const ids = new Set(this.#waiters.flatMap(({ connectionId }) => connectionId ?? []));
    const [connectionId] = ids;
    const target: AnomalyTarget = {
      protocol: "smb",
      ...(ids.size === 1 && connectionId !== undefined ? { connectionId } : {}),
    };
    const credits = this.#waiters.filter(({ kind }) => kind === "credits").length;
    const reconnect = this.#waiters.length - credits;
    const summary = `${this.#waiters.length} tasks wait without a request: ${credits} for credits, ${reconnect} for a reconnect`;
    const needed = this.#rules.waiters;
    return [
      this.#verdicts.tell({
        rule: "waiters",
        key: String(connectionId ?? ""),
        severity: "warning",
        timeNs: nowNs,
        quietNs: QUIET_NS,
        target,
        summary,
        evidence: { waiting_for_credits: credits, waiting_for_reconnect: reconnect },
        hang: {
          needed,
          ops: [],
          waiters: this.#waiters.map(({ kind, tid, connectionId: id }) => ({
            kind,
            tid,
            ...(id === undefined ? {} : { connectionId: id }),
          })),
        },
      }),
    ];
  }

  /** Only a storm can be told by them: what a reconnect cost is not known. */
  #stats({ sessionReconnects, shares, commands }: SmbStatsDelta, nowNs: number): Anomaly[] {
    const moved = shares.some(({ bytesRead, bytesWritten }) => bytesRead + bytesWritten > 0);
    if (moved || commands.some(({ count }) => count > 0)) this.#anyAnsweredNs = nowNs;
    if (sessionReconnects <= 0 || nowNs - this.#stateNs < QUIET_NS) return [];
    this.#reconnects += sessionReconnects;
    this.#statsReconnects.add(nowNs, sessionReconnects);
    const total = this.#statsReconnects.total(nowNs);
    if (total < this.#rules.stormCount) return [];
    return [
      this.#verdicts.tell({
        rule: "reconnect-storm",
        key: "stats",
        severity: "warning",
        timeNs: nowNs,
        quietNs: this.#rules.stormWindowNs,
        target: { protocol: "smb" },
        summary: `${total} sessions were set up again within ${seconds(this.#rules.stormWindowNs / 1000)}`,
        evidence: { reconnects_in_window: total, known_from: "Stats" },
      }),
    ];
  }

  #waitersOf({ connectionId }: ConnectionLook): number {
    return this.#waiters.filter((waiter) => waiter.connectionId === undefined || waiter.connectionId === connectionId)
      .length;
  }

  #tell(
    look: ConnectionLook,
    rule: string,
    severity: Severity,
    timeNs: number,
    rest: Pick<Verdict, "summary"> & Partial<Verdict>,
  ): Anomaly {
    const quietNs = rule.startsWith("reconnect") ? this.#rules.stormWindowNs : QUIET_NS;
    return this.#verdicts.tell({ rule, key: look.key, severity, timeNs, quietNs, target: targetOf(look), ...rest });
  }
}

function needsOf({ waiterAgeNs }: ConnectionRules): Needs {
  return { slowNs: new Map(), inflightNs: waiterAgeNs };
}

function targetOf({ server, connectionId }: ConnectionLook): AnomalyTarget {
  return {
    protocol: "smb",
    ...(server === undefined ? {} : { server }),
    ...(connectionId === undefined ? {} : { connectionId }),
  };
}
