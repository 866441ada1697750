import type { Anomaly, Severity } from "../../detect/detector.ts";
import type { Protocol } from "../../detect/observation.ts";
import { isWorse } from "../../detect/verdicts.ts";

/** All times ns of CLOCK_MONOTONIC. */
export interface IncidentRules {
  /** Quiet for this long: closed. */
  readonly coolDownNs: number;
  /** At this age: closed, even when the fault lasts. */
  readonly maxLengthNs: number;
  /** A fault that outlasts maxLength opens its next incident this long after the last one opened. */
  readonly repeatNs: number;
  /** Evidence is kept until this long after the last anomaly. */
  readonly postNs: number;
  /** Open at the same time; two more may be for what is critical. */
  readonly maxOpen: number;
  /** Opened within an hour. */
  readonly maxPerHour: number;
  /** Anomalies that are kept per incident. */
  readonly maxAnomalies: number;
}

/** Who an anomaly is about, in the words that incidents are joined by. */
export interface IncidentTarget {
  readonly protocol?: Protocol;
  /** As DebugData names it; two connections to one server are one target. */
  readonly server?: string;
  readonly share?: string;
  readonly connectionId?: bigint;
}

export interface Incident {
  readonly id: string;
  readonly openedNs: number;
  readonly first: Anomaly;
  readonly target: IncidentTarget;
  /** Of the worst of its anomalies so far. */
  readonly severity: Severity;
  /** Connections that its anomalies were about. */
  readonly connections: ReadonlySet<bigint>;
  /** At most maxAnomalies, the first ones. */
  readonly anomalies: readonly Anomaly[];
  /** Anomalies that were not kept, and repetitions of one that goes on. */
  readonly more: { readonly anomalies: number; readonly ongoing: number };
  readonly lastNs: number;
}

/** `quiet`: the fault is over. `length`: it may last. `end`: the daemon ends. `snapshot`: the time that was asked for is over. */
export type CloseReason = "quiet" | "length" | "end" | "snapshot";

export type IncidentStep =
  | { readonly type: "opened"; readonly incident: Incident }
  /** `worse`: than all before. */
  | { readonly type: "grew"; readonly incident: Incident; readonly anomaly: Anomaly; readonly worse: boolean }
  /** Information, and nothing is open that it belongs to. */
  | { readonly type: "noted"; readonly anomaly: Anomaly }
  /** Not opened: too many are open or were opened, or the fault of a closed one still lasts. Counted in `dropped`. */
  | { readonly type: "dropped"; readonly anomaly: Anomaly; readonly reason: DropReason };

export type DropReason = "too many open" | "too many an hour" | "same fault";

interface Growing extends Incident {
  target: IncidentTarget;
  connections: Set<bigint>;
  shares: Set<string>;
  anomalies: Anomaly[];
  more: { anomalies: number; ongoing: number };
  lastNs: number;
  severity: Severity;
}

/** Closed at maxLength while the fault lasted. */
interface Lasting {
  readonly target: IncidentTarget;
  readonly connections: ReadonlySet<bigint>;
  readonly openedNs: number;
  lastNs: number;
}

const MAX_LASTING = 64;
const CRITICAL_MORE = 2;
const HOUR_NS = 3600e9;
/** Two would do to know that it is not one. */
const MAX_SHARES = 16;

/** Anomalies -> incidents: those that belong together in target and time are one. A pure state machine; time is passed in. */
export class Incidents {
  readonly dropped = { tooManyOpen: 0, tooManyAnHour: 0, sameFault: 0 };
  readonly counts = { opened: 0, escalated: 0, noted: 0 };
  #rules: IncidentRules;
  readonly #idOf: (anomaly: Anomaly) => string;
  #open: Growing[] = [];
  #lasting: Lasting[] = [];
  /** When the last ones were opened, at most maxPerHour. */
  #openedNs: number[] = [];

  constructor(rules: IncidentRules, idOf: (anomaly: Anomaly) => string) {
    this.#rules = rules;
    this.#idOf = idOf;
  }

  /** What is open stays open, and closes by these. */
  configure(rules: IncidentRules): void {
    this.#rules = rules;
  }

  get open(): readonly Incident[] {
    return this.#open;
  }

  /** Takes what a detector said at `nowNs` about `target`. */
  take(anomaly: Anomaly, target: IncidentTarget, nowNs: number): IncidentStep {
    const joined = this.#open.find((incident) => sameTarget(incident, target));
    if (joined !== undefined) return this.#grow(joined, anomaly, target, nowNs);
    if (anomaly.severity === "info") {
      this.counts.noted++;
      return { type: "noted", anomaly };
    }
    const lasting = this.#lasting.find((fault) => sameTarget(fault, target));
    if (
      lasting !== undefined &&
      nowNs - lasting.lastNs < this.#rules.coolDownNs &&
      nowNs - lasting.openedNs < this.#rules.repeatNs
    ) {
      lasting.lastNs = nowNs;
      this.dropped.sameFault++;
      return { type: "dropped", anomaly, reason: "same fault" };
    }
    this.#lasting = this.#lasting.filter((fault) => fault !== lasting);
    if (this.#open.length >= this.#rules.maxOpen + (anomaly.severity === "critical" ? CRITICAL_MORE : 0)) {
      this.dropped.tooManyOpen++;
      return { type: "dropped", anomaly, reason: "too many open" };
    }
    this.#openedNs = this.#openedNs.filter((openedNs) => nowNs - openedNs < HOUR_NS);
    if (this.#openedNs.length >= this.#rules.maxPerHour) {
      this.dropped.tooManyAnHour++;
      return { type: "dropped", anomaly, reason: "too many an hour" };
    }
    this.#openedNs.push(nowNs);
    return this.#opened(anomaly, target, nowNs);
  }

  #opened(anomaly: Anomaly, target: IncidentTarget, nowNs: number): IncidentStep {
    const incident: Growing = {
      id: this.#idOf(anomaly),
      openedNs: nowNs,
      first: anomaly,
      target,
      connections: new Set(target.connectionId === undefined ? [] : [target.connectionId]),
      shares: new Set(target.share === undefined ? [] : [target.share]),
      anomalies: [anomaly],
      more: { anomalies: 0, ongoing: 0 },
      lastNs: nowNs,
      severity: anomaly.severity,
    };
    this.#open.push(incident);
    this.counts.opened++;
    return { type: "opened", incident };
  }

  /** What must close by `nowNs`. */
  advance(nowNs: number): { readonly incident: Incident; readonly reason: CloseReason }[] {
    const closed: { incident: Incident; reason: CloseReason }[] = [];
    for (const incident of this.#open) {
      if (nowNs - incident.lastNs >= this.#rules.coolDownNs) closed.push({ incident, reason: "quiet" });
      else if (nowNs - incident.openedNs >= this.#rules.maxLengthNs) closed.push({ incident, reason: "length" });
    }
    this.#remove(closed.map(({ incident }) => incident));
    for (const { incident, reason } of closed) {
      const { target, connections, openedNs, lastNs } = incident;
      if (reason === "length") this.#lasting.push({ target, connections, openedNs, lastNs });
    }
    this.#lasting = this.#lasting.filter((fault) => nowNs - fault.lastNs < this.#rules.coolDownNs).slice(-MAX_LASTING);
    return closed;
  }

  closeAll(): { readonly incident: Incident; readonly reason: CloseReason }[] {
    const all = this.#open.map((incident) => ({ incident, reason: "end" as const }));
    this.#open = [];
    return all;
  }

  /** The end of the time that the evidence of an incident covers, as things stand. */
  evidenceUntilNs(incident: Incident): number {
    return Math.min(incident.lastNs + this.#rules.postNs, incident.openedNs + this.#rules.maxLengthNs);
  }

  #grow(incident: Growing, anomaly: Anomaly, target: IncidentTarget, nowNs: number): IncidentStep {
    // Information belongs to what is open, and does not keep it open.
    if (anomaly.severity !== "info") incident.lastNs = Math.max(incident.lastNs, nowNs);
    const worse = isWorse(anomaly.severity, incident.severity);
    if (worse) {
      incident.severity = anomaly.severity;
      this.counts.escalated++;
    }
    if (target.connectionId !== undefined) incident.connections.add(target.connectionId);
    if (target.share !== undefined && incident.shares.size < MAX_SHARES) incident.shares.add(target.share);
    incident.target = targetOf({ ...target, ...incident.target }, incident.shares, incident.connections);
    if (anomaly.stage === "ongoing") incident.more.ongoing++;
    else if (incident.anomalies.length < this.#rules.maxAnomalies) incident.anomalies.push(anomaly);
    else incident.more.anomalies++;
    return { type: "grew", incident, anomaly, worse };
  }

  #remove(gone: readonly Incident[]): void {
    this.#open = this.#open.filter((incident) => !gone.includes(incident));
  }
}

/** A target of which neither the server nor the connection is known belongs to whatever is open. */
function sameTarget(known: Pick<Incident, "target" | "connections">, target: IncidentTarget): boolean {
  // One server may serve both: its name joins them, nothing else does.
  if (known.target.server === undefined || target.server === undefined) {
    const [one, other] = [known.target.protocol, target.protocol];
    if (one !== undefined && other !== undefined && one !== other) return false;
  }
  if (target.connectionId === undefined && target.server === undefined) return true;
  if (known.connections.size === 0 && known.target.server === undefined) return true;
  if (target.connectionId !== undefined && known.connections.has(target.connectionId)) return true;
  return target.server !== undefined && known.target.server === target.server;
}

/** Names that were learnt later are added; of several shares or connections none is the incident's. */
function targetOf(
  { protocol, server }: IncidentTarget,
  shares: ReadonlySet<string>,
  connections: ReadonlySet<bigint>,
): IncidentTarget {
  const [share] = shares.size === 1 ? shares : [];
  const [connectionId] = connections.size === 1 ? connections : [];
  return {
    ...(protocol === undefined ? {} : { protocol }),
    ...(server === undefined ? {} : { server }),
    ...(share === undefined ? {} : { share }),
    ...(connectionId === undefined ? {} : { connectionId }),
  };
}
