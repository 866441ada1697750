import type { BundleAnomaly } from "../../bundle/manifest.ts";
import type { Anomaly, Severity } from "../../detect/detector.ts";
import { type Clock, wallTimeOf } from "../../system/clock.ts";
import type { CloseReason, Incident, IncidentTarget } from "./incidents.ts";

/** As `aod incidents --json` prints it, one a line, and as the index keeps it. */
export interface IncidentJson {
  readonly id: string;
  readonly state: "open" | "closed";
  /** RFC 3339, UTC. */
  readonly opened: string;
  readonly closed: string | null;
  /** `quiet`, `length`, `end` (of the daemon) or `crash`. */
  readonly close_reason?: CloseReason | "crash";
  /** Of the worst of its anomalies: `info` for a snapshot by hand, `warning`, `critical`. Absent in what older versions remembered. */
  readonly severity?: Severity;
  readonly target: { readonly server?: string; readonly share?: string; readonly connection_id?: string };
  readonly anomalies: readonly BundleAnomaly[];
  /** Anomalies that are not listed. */
  readonly more_anomalies?: number;
  /** Path of the bundle; null while it is open, or when there is none. */
  readonly bundle: string | null;
  /** Why there is no bundle. */
  readonly bundle_error?: string;
}

/** `opened` and the anomalies' times are fixed when they are seen: a later step of the wall clock does not move them. */
export interface IncidentTimes {
  readonly opened: string;
  readonly anomalies: readonly BundleAnomaly[];
}

export function anomalyJson(anomaly: Anomaly, clock: Clock): BundleAnomaly {
  const { detector, rule, severity, firstNs, timeNs, count, summary, evidence } = anomaly;
  return {
    detector,
    time: wallTimeOf(timeNs, clock),
    summary,
    rule,
    severity,
    ...(firstNs < timeNs ? { first: wallTimeOf(firstNs, clock) } : {}),
    count,
    ...(Object.keys(evidence).length === 0 ? {} : { evidence }),
  };
}

export function targetJson({ server, share, connectionId }: IncidentTarget): IncidentJson["target"] {
  return {
    ...(server === undefined ? {} : { server }),
    ...(share === undefined ? {} : { share }),
    ...(connectionId === undefined || connectionId === 0n ? {} : { connection_id: `0x${connectionId.toString(16)}` }),
  };
}

export function openIncidentJson(incident: Incident, times: IncidentTimes): IncidentJson {
  return {
    id: incident.id,
    state: "open",
    opened: times.opened,
    closed: null,
    severity: incident.severity,
    target: targetJson(incident.target),
    anomalies: times.anomalies,
    ...(incident.more.anomalies > 0 ? { more_anomalies: incident.more.anomalies } : {}),
    bundle: null,
  };
}
