import type { RecoveryReport } from "../../bundle/recover.ts";
import type { Anomaly } from "../../detect/detector.ts";
import { type Clock, formatWall, standingClock } from "../../system/clock.ts";
import { AodError, messageOf } from "../../system/error.ts";
import type { Logger } from "../log.ts";
import type { IncidentNews } from "./announcer.ts";
import type { CloseReason, Incident, IncidentStep, IncidentTarget } from "./incidents.ts";
import { IncidentIndex } from "./index-file.ts";
import type { IncidentJson } from "./json.ts";
import { type IncidentDeps, IncidentRun } from "./run.ts";
import { type SnapshotRequest, type Snapshots, snapshotsAt } from "./snapshots.ts";

/** What the incidents need of the daemon. */
export interface RunningDeps
  extends Pick<IncidentDeps, "log" | "feeds" | "createBundle" | "capture" | "losses" | "versions" | "host"> {
  readonly clock: Clock;
  readonly log: Logger;
  readonly stateDir: string;
  /** How an op is written, by the clock of its incident. */
  readonly toJson: (clock: Clock) => IncidentDeps["toJson"];
  /** Bytes of ops.ndjson, now. */
  readonly maxOpsBytes: () => number;
  /** What one capture may take, now. */
  readonly captureLimitMs: () => number;
  /** Of an incident that no snapshot is: see Incidents.evidenceUntilNs. */
  readonly evidenceUntilNs: IncidentDeps["evidenceUntilNs"];
  /** Removes old bundles; names what could not be removed. */
  readonly retain: () => Promise<readonly string[]>;
  /** Tells others of incidents. */
  readonly announce?: ((news: IncidentNews) => void) | undefined;
}

/** So many times as long as one capture may take all that completes an incident may, while the daemon goes on. */
const CLOSE_CAPTURES = 2;
/** ms of it when the daemon ends; all incidents at once. */
const END_LIMIT_MS = 5000;

/** Ids that JSON can have. */
function textOf({ connectionId, ...names }: IncidentTarget): Readonly<Record<string, string>> {
  return { ...names, ...(connectionId === undefined ? {} : { connection: `0x${connectionId.toString(16)}` }) };
}

/** The incidents that are open, from what the judge said of them to their bundles, and those that are remembered. */
export class RunningIncidents {
  readonly index: IncidentIndex;
  readonly counters = { bundles: 0, bundlesFailed: 0 };
  /** The newest trouble with a bundle, and when. */
  lastBundleError: { readonly time: string; readonly message: string } | undefined;
  readonly #deps: RunningDeps;
  readonly #runs = new Map<string, IncidentRun>();
  readonly #snapshots: Snapshots;
  readonly #closing = new Set<Promise<void>>();
  #ending = false;

  constructor(deps: RunningDeps) {
    this.#deps = deps;
    this.index = new IncidentIndex(deps.stateDir);
    this.#snapshots = snapshotsAt(() => deps.clock.wallMs());
  }

  /** How many are open. */
  get open(): number {
    return this.#runs.size;
  }

  list(): IncidentJson[] {
    return this.index.list().map((incident) => this.#runs.get(incident.id)?.json() ?? incident);
  }

  get(id: string): IncidentJson | undefined {
    return this.#runs.get(id)?.json() ?? this.index.get(id);
  }

  /** Closes what an earlier daemon left open. */
  async recover(reports: readonly RecoveryReport[]): Promise<void> {
    this.index.recover(reports, formatWall(this.#deps.clock.wallMs()));
    await this.retain();
  }

  /** Evidence because somebody asks for it, from before and for a time from now on. Throws AodError. */
  snapshot(request: SnapshotRequest): IncidentJson {
    const incident = this.#snapshots.take(request, this.#deps.clock.nowNs());
    this.#open(incident);
    const told = this.get(incident.id);
    if (told === undefined) throw new AodError("failed", `snapshot ${incident.id} ended at once`);
    return told;
  }

  /** What an anomaly did to the incidents. */
  step(step: IncidentStep, anomaly: Anomaly, target: IncidentTarget): void {
    const { log } = this.#deps;
    if (step.type === "grew") {
      const run = this.#runs.get(step.incident.id);
      run?.grew(anomaly);
      if (step.worse && run !== undefined) this.#worse(run, anomaly);
    } else if (step.type === "noted") {
      if (anomaly.stage === "onset") log.info({ summary: anomaly.summary, ...textOf(target) }, "noted");
    } else if (step.type === "opened") {
      this.#open(step.incident);
    } else if (step.reason !== "same fault" && anomaly.stage === "onset") {
      const why = step.reason === "too many open" ? "are open" : "were opened within an hour";
      log.warn({ summary: anomaly.summary, ...textOf(target) }, `an anomaly was dropped: too many incidents ${why}`);
    }
  }

  close({ incident, reason }: { readonly incident: Incident; readonly reason: CloseReason }): void {
    const run = this.#runs.get(incident.id);
    if (run === undefined) return;
    this.#snapshots.closed(incident.id);
    const closing = this.#finish(run, reason).finally(() => {
      this.#closing.delete(closing);
    });
    this.#closing.add(closing);
  }

  /** Once a second. */
  beat(): void {
    for (const incident of this.#snapshots.due(this.#deps.clock.nowNs())) this.close({ incident, reason: "snapshot" });
    for (const run of this.#runs.values()) void run.beat();
  }

  /** Resolves when all evidence that is asked for by now has come or failed. */
  async idle(): Promise<void> {
    await Promise.all([...this.#closing, ...[...this.#runs.values()].map((run) => run.idle())]);
  }

  /** From now on no evidence may take long: the daemon ends. */
  hurry(): void {
    this.#ending = true;
    for (const run of this.#runs.values()) run.limit(END_LIMIT_MS);
  }

  /** Resolves when every bundle is there or has failed. Call hurry() and close() what the judge had open before. */
  async end(): Promise<void> {
    for (const incident of this.#snapshots.open) this.close({ incident, reason: "end" });
    await Promise.all(this.#closing);
  }

  async retain(): Promise<void> {
    const failed = await this.#deps.retain().catch((error: unknown) => [messageOf(error)]);
    for (const message of failed) this.#deps.log.error({ error: message }, "an old bundle could not be removed");
  }

  #open(incident: Incident): void {
    const { log, feeds, createBundle, capture, losses, versions, host } = this.#deps;
    const clock = standingClock(this.#deps.clock);
    const run = new IncidentRun(incident, {
      clock,
      steppedMs: () => this.#deps.clock.wallMs() - clock.wallMs(),
      log,
      feeds,
      createBundle,
      capture,
      toJson: this.#deps.toJson(clock),
      losses,
      versions,
      host,
      maxOpsBytes: this.#deps.maxOpsBytes(),
      evidenceUntilNs: (one) => this.#snapshots.untilNs(one) ?? this.#deps.evidenceUntilNs(one),
    });
    this.#runs.set(incident.id, run);
    const json = run.json();
    this.index.put(json);
    this.#deps.announce?.({ event: "opened", incident: json, summary: incident.first.summary });
    const { server, share } = incident.target;
    log.warn({ incident: incident.id, server, share, summary: incident.first.summary }, "incident opened");
  }

  #worse(run: IncidentRun, anomaly: Anomaly): void {
    const incident = run.json();
    this.index.put(incident);
    this.#deps.log.warn(
      { incident: incident.id, severity: anomaly.severity, summary: anomaly.summary },
      "incident got worse",
    );
    this.#deps.announce?.({ event: "worse", incident, summary: anomaly.summary });
  }

  async #finish(run: IncidentRun, reason: CloseReason): Promise<void> {
    const { log, clock } = this.#deps;
    // Its opening captures have limits of their own, and may still run when it was short.
    if (!this.#ending) await run.idle();
    if (!this.#ending) run.limit(CLOSE_CAPTURES * this.#deps.captureLimitMs());
    const closed = await run.close(reason);
    this.#runs.delete(closed.id);
    this.index.put(closed);
    this.#deps.announce?.({ event: "closed", incident: closed, summary: closed.anomalies[0]?.summary ?? "" });
    if (closed.bundle_error !== undefined)
      this.lastBundleError = { time: formatWall(clock.wallMs()), message: closed.bundle_error };
    if (closed.bundle === null) this.counters.bundlesFailed++;
    else this.counters.bundles++;
    log.warn(
      { incident: closed.id, reason, bundle: closed.bundle, anomalies: closed.anomalies.length },
      "incident closed",
    );
    await this.retain();
  }
}
