import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RecoveryReport } from "../../bundle/recover.ts";
import { messageOf } from "../../system/error.ts";
import type { IncidentJson } from "./json.ts";

/** Incidents that are remembered; the oldest is forgotten first. */
const LIMIT = 500;
/** Anomalies that are remembered of all incidents together. Older incidents give theirs up first, all but a few: their bundles have them. */
const MAX_ANOMALIES = 2000;
const LEFT = 3;
/** Lines of the file before it is written anew. */
const FILE_LINES = 2 * LIMIT;

/**
 * Every incident that this state directory remembers, in `incidents.ndjson`: a line when one opens and one when it closes, the last one of
 * an id counts. Newest last.
 */
export class IncidentIndex {
  readonly #path: string;
  readonly #incidents: Map<string, IncidentJson>;
  #lines: number;
  /** Why the file could not be written the last time. */
  error: string | undefined;

  constructor(stateDir: string) {
    this.#path = join(stateDir, "incidents.ndjson");
    this.#incidents = readIndex(stateDir);
    this.#bound();
    // Written anew with the first line: what is there may end within one.
    this.#lines = FILE_LINES;
  }

  list(): IncidentJson[] {
    return [...this.#incidents.values()].map(withoutLostBundle);
  }

  get(id: string): IncidentJson | undefined {
    const found = this.#incidents.get(id);
    return found === undefined ? undefined : withoutLostBundle(found);
  }

  put(incident: IncidentJson): void {
    this.#incidents.set(incident.id, incident);
    this.#bound();
    try {
      this.#write(incident);
      this.error = undefined;
    } catch (error) {
      // The incident goes on without it; the next line writes everything anew.
      this.#lines = FILE_LINES;
      this.error = messageOf(error);
    }
  }

  /** Closes what an earlier daemon left open. */
  recover(reports: readonly RecoveryReport[], nowText: string): void {
    const paths = new Map(reports.map((report) => [report.id, report]));
    for (const incident of this.#incidents.values()) {
      if (incident.state !== "open") continue;
      const report = paths.get(incident.id);
      const bundle = report?.path ?? null;
      const why =
        bundle === null ? { bundle_error: report?.reason ?? "the daemon ended before the bundle was begun" } : {};
      this.put({ ...incident, state: "closed", closed: nowText, close_reason: "crash", bundle, ...why });
    }
  }

  #bound(): void {
    for (const oldest of this.#incidents.keys()) {
      if (this.#incidents.size <= LIMIT) break;
      this.#incidents.delete(oldest);
    }
    let total = 0;
    for (const { anomalies } of this.#incidents.values()) total += anomalies.length;
    for (const incident of this.#incidents.values()) {
      if (total <= MAX_ANOMALIES) return;
      const { state, anomalies, more_anomalies = 0 } = incident;
      const cut = anomalies.length - LEFT;
      if (state === "open" || cut <= 0) continue;
      // In its place: the order is that of age.
      this.#incidents.set(incident.id, {
        ...incident,
        anomalies: anomalies.slice(0, LEFT),
        more_anomalies: more_anomalies + cut,
      });
      total -= cut;
    }
  }

  #write(incident: IncidentJson): void {
    if (this.#lines < FILE_LINES) {
      appendFileSync(this.#path, `${JSON.stringify(incident)}\n`);
      this.#lines++;
      return;
    }
    const fresh = `${this.#path}.new`;
    mkdirSync(join(this.#path, ".."), { recursive: true, mode: 0o700 });
    writeFileSync(fresh, [...this.#incidents.values()].map((one) => `${JSON.stringify(one)}\n`).join(""), {
      mode: 0o600,
    });
    renameSync(fresh, this.#path);
    this.#lines = this.#incidents.size;
  }
}

/** What the file of a state directory says, by id; lines that are not whole are left out. */
export function readIndex(stateDir: string): Map<string, IncidentJson> {
  const path = join(stateDir, "incidents.ndjson");
  const incidents = new Map<string, IncidentJson>();
  if (!existsSync(path)) return incidents;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const incident = parseLine(line);
    if (incident !== undefined) incidents.set(incident.id, incident);
  }
  return incidents;
}

function parseLine(line: string): IncidentJson | undefined {
  if (line === "") return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isIncident(value) ? value : undefined;
  } catch {
    // The daemon or the machine ended while it was written.
    return undefined;
  }
}

/** The file is our own: its outline is enough. */
function isIncident(value: unknown): value is IncidentJson {
  return (
    typeof value === "object" &&
    value !== null &&
    "id" in value &&
    typeof value.id === "string" &&
    "state" in value &&
    "anomalies" in value
  );
}

/** Retention, or a person, may have removed it. */
function withoutLostBundle(incident: IncidentJson): IncidentJson {
  if (incident.bundle === null || existsSync(incident.bundle)) return incident;
  return { ...incident, bundle: null, bundle_error: "it has been removed" };
}
