import type { Anomaly } from "../../detect/detector.ts";
import { AodError } from "../../system/error.ts";
import { incidentId } from "./id.ts";
import type { Incident } from "./incidents.ts";

export interface SnapshotRequest {
  /** Why, in the words of whoever asks: part of the incident. */
  readonly note?: string;
  /** How long evidence is kept from now on. */
  readonly forNs: number;
}

const MAX_OPEN = 2;
const MAX_NOTE = 500;
export const MAX_SNAPSHOT_NS = 3600e9;

interface Taken {
  readonly incident: Incident;
  readonly untilNs: number;
}

/** Incidents that somebody asked for: nothing joins them, and they last as long as they were asked to. A state machine; time is passed in. */
export class Snapshots {
  readonly #idOf: (detector: string) => string;
  #open: Taken[] = [];

  constructor(idOf: (detector: string) => string) {
    this.#idOf = idOf;
  }

  /** Throws AodError `failed` while too many are being taken, `usage` for a time that makes no sense. */
  take({ note, forNs }: SnapshotRequest, nowNs: number): Incident {
    const [other] = this.#open;
    if (this.#open.length >= MAX_OPEN && other !== undefined)
      throw new AodError("failed", `${MAX_OPEN} snapshots are being taken already, e.g. ${other.incident.id}`);
    if (!(forNs >= 0 && forNs <= MAX_SNAPSHOT_NS))
      throw new AodError("usage", `a snapshot takes at most ${MAX_SNAPSHOT_NS / 60e9} minutes`);
    const told = note?.replace(/\s+/g, " ").trim().slice(0, MAX_NOTE) ?? "";
    const first: Anomaly = {
      detector: "snapshot",
      rule: "asked for",
      stage: "onset",
      severity: "info",
      firstNs: nowNs,
      timeNs: nowNs,
      count: 1,
      summary: told === "" ? "a snapshot was asked for" : `a snapshot was asked for: ${told}`,
      target: {},
      evidence: {},
    };
    const incident: Incident = {
      id: this.#idOf("snapshot"),
      openedNs: nowNs,
      first,
      target: {},
      connections: new Set(),
      anomalies: [first],
      more: { anomalies: 0, ongoing: 0 },
      lastNs: nowNs,
      severity: first.severity,
    };
    this.#open.push({ incident, untilNs: nowNs + forNs });
    return incident;
  }

  /** Undefined: it is none of them. */
  untilNs(incident: Incident): number | undefined {
    return this.#open.find((taken) => taken.incident === incident)?.untilNs;
  }

  /** Those whose time is over. They are forgotten when they are closed. */
  due(nowNs: number): Incident[] {
    return this.#open.filter(({ untilNs }) => untilNs <= nowNs).map(({ incident }) => incident);
  }

  get open(): readonly Incident[] {
    return this.#open.map(({ incident }) => incident);
  }

  closed(id: string): void {
    this.#open = this.#open.filter(({ incident }) => incident.id !== id);
  }
}

/** Ids by the wall clock. */
export function snapshotsAt(wallMs: () => number): Snapshots {
  return new Snapshots((detector) => incidentId(wallMs(), detector));
}
