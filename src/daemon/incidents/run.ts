import type { BundleAnomaly, BundleHost, BundleLoss, BundleMeta, BundleVersions } from "../../bundle/manifest.ts";
import type { BundleWriter } from "../../bundle/writer.ts";
import type { Phase, WorstOp } from "../../capture/capture.ts";
import type { Anomaly } from "../../detect/detector.ts";
import { type Clock, formatWall, wallTimeOf } from "../../system/clock.ts";
import { messageOf } from "../../system/error.ts";
import type { Logger } from "../log.ts";
import type { CloseReason, Incident } from "./incidents.ts";
import { anomalyJson, type IncidentJson, openIncidentJson, targetJson } from "./json.ts";
import { describeCoverages, type Feeds, OpEvidence, spanOf } from "./op-evidence.ts";
import type { AnyOp } from "./worst-ops.ts";

/** What the run of an incident needs of the daemon. */
export interface IncidentDeps {
  /** All times of the incident follow from the wall clock as it stood at its opening: see standingClock(). */
  readonly clock: Clock;
  /** ms by which the wall clock has been set since. */
  readonly steppedMs: () => number;
  readonly log: Logger;
  readonly feeds: Feeds;
  readonly createBundle: (meta: BundleMeta) => Promise<BundleWriter>;
  /** Begins in this turn of the event loop; `writer` gives undefined when there will be none. */
  readonly capture: (
    phase: Phase,
    writer: Promise<BundleWriter | undefined>,
    openedNs: number,
    signal: AbortSignal,
    worstOps: () => readonly WorstOp[],
  ) => Promise<void>;
  readonly toJson: (op: AnyOp) => WorstOp;
  readonly losses: () => readonly BundleLoss[];
  readonly versions: BundleVersions;
  readonly host: BundleHost;
  /** Bytes of ops.ndjson. */
  readonly maxOpsBytes: number;
  /** See Incidents.evidenceUntilNs. */
  readonly evidenceUntilNs: (incident: Incident) => number;
}

/** The evidence of one incident, from its opening to its bundle. Nothing here throws into the daemon: what fails is logged and told. */
export class IncidentRun {
  readonly incident: Incident;
  readonly #deps: IncidentDeps;
  readonly #opened: string;
  readonly #anomalies: BundleAnomaly[];
  readonly #evidence: OpEvidence;
  readonly #writer: Promise<BundleWriter | undefined>;
  readonly #ops: Promise<void>;
  readonly #openCaptures: Promise<void>;
  readonly #abort = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #lossesBefore: readonly BundleLoss[];
  #error: string | undefined;
  #changed = false;
  #updating = false;
  #steppedMs = 0;
  readonly #steps: string[] = [];

  /** Everything starts in this turn of the event loop: the question to the flight recorder and the first capture. */
  constructor(incident: Incident, deps: IncidentDeps) {
    this.incident = incident;
    this.#deps = deps;
    this.#opened = formatWall(deps.clock.wallMs());
    this.#anomalies = [anomalyJson(incident.first, deps.clock)];
    this.#lossesBefore = deps.losses();
    this.#evidence = new OpEvidence(deps.feeds, deps.toJson);
    this.#evidence.follow(incident.first.target);
    this.#extend();
    this.#writer = deps.createBundle(this.#meta()).catch((error: unknown) => {
      this.#failed(error);
      return undefined;
    });
    this.#ops = this.#writer.then((writer) => this.#writeOps(writer));
    this.#openCaptures = this.#capture("open");
  }

  json(): IncidentJson {
    return {
      ...openIncidentJson(this.incident, { opened: this.#opened, anomalies: this.#anomalies }),
      ...this.#errorJson(),
    };
  }

  /** Resolves when the captures of its opening have come to their end. */
  async idle(): Promise<void> {
    await this.#openCaptures;
  }

  grew(anomaly: Anomaly): void {
    this.#evidence.follow(anomaly.target);
    if (this.#anomalies.length < this.incident.anomalies.length)
      this.#anomalies.push(anomalyJson(anomaly, this.#deps.clock));
    this.#extend();
    this.#changed = true;
  }

  /** About once a second. Keeps what a recovery would need up to date. */
  async beat(): Promise<void> {
    this.#watchClock();
    // A disk that stalls has one update before it, not one for each second of its stalling.
    if (!this.#changed || this.#updating) return;
    this.#updating = true;
    const writer = await this.#writer;
    this.#changed = false;
    // What fails here fails again, and is told, when it closes.
    await writer?.update(this.#meta()).catch((error: unknown) => this.#failed(error));
    this.#updating = false;
  }

  /** From now on, collecting evidence may take so many ms; what has not come by then is left out, and the bundle says so. */
  limit(ms: number): void {
    this.#timers.push(setTimeout(() => this.#abort.abort(), ms));
  }

  /** The rest of the evidence, then the bundle. Resolves to the incident as it is remembered. */
  async close(reason: CloseReason): Promise<IncidentJson> {
    const closed = formatWall(this.#deps.clock.wallMs());
    const writer = await this.#writer;
    let bundle: string | null = null;
    try {
      await this.#openCaptures;
      if (writer !== undefined && writer.failure === undefined) await this.#capture("close");
      await this.#finishOps();
      if (writer !== undefined) bundle = await this.#pack(writer, closed, reason);
    } catch (error) {
      this.#failed(error);
    } finally {
      for (const timer of this.#timers) clearTimeout(timer);
      this.#evidence.drop();
    }
    return { ...this.json(), state: "closed", closed, close_reason: reason, bundle, ...this.#errorJson() };
  }

  async #pack(writer: BundleWriter, closed: string, reason: CloseReason): Promise<string> {
    const { more } = this.incident;
    if (more.anomalies > 0) writer.note(`${more.anomalies} further anomalies are not listed.`);
    if (reason === "length") writer.note("The incident reached its greatest length; the fault may last.");
    if (reason === "end") writer.note("The daemon ended while the incident was open.");
    this.#watchClock();
    for (const text of this.#steps) writer.note(text);
    for (const loss of lossesSince(this.#lossesBefore, this.#deps.losses())) writer.lost(loss);
    const missed = this.#evidence.coverages.reduce((sum, [, coverage]) => sum + coverage.missed, 0);
    if (missed > 0) writer.lost({ kind: "ops-missed", count: missed });
    const { dropped } = this.#evidence.stream;
    if (dropped > 0) writer.lost({ kind: "ops-dropped", count: dropped });
    return (await writer.finish(this.#meta(closed))).path;
  }

  async #writeOps(writer: BundleWriter | undefined): Promise<void> {
    if (writer === undefined) return this.#evidence.drop();
    const source = "the histories of the probes smb_wire and nfs_rpc";
    await writer
      // Binary: what we write ourselves has no secrets, and looking for some in every op would cost more than all the rest.
      .addFile("ops.ndjson", this.#evidence.stream, { source, limitBytes: this.#deps.maxOpsBytes, binary: true })
      .catch((error: unknown) => this.#failed(error));
  }

  async #finishOps(): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      if (this.#abort.signal.aborted) resolve();
      this.#abort.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await this.#evidence.end(aborted);
    await this.#ops;
  }

  async #capture(phase: Phase): Promise<void> {
    await this.#deps
      .capture(phase, this.#writer, this.incident.openedNs, this.#abort.signal, () => this.#evidence.worst())
      .catch((error: unknown) => this.#failed(error));
  }

  /** Whoever holds the bundle against other logs must know that the clock was set. */
  #watchClock(): void {
    const { clock, steppedMs } = this.#deps;
    const now = steppedMs();
    const by = now - this.#steppedMs;
    if (Math.abs(by) < STEP_MS) return;
    this.#steppedMs = now;
    if (this.#steps.length === MAX_STEPS) return;
    const seconds = `${by > 0 ? "+" : ""}${(by / 1000).toFixed(1)} s`;
    const note = `The wall clock was set by ${seconds}, seen at ${formatWall(clock.wallMs())}; the times of operations and anomalies go on as if it had not been.`;
    this.#steps.push(note);
  }

  #extend(): void {
    this.#evidence.until(this.#deps.evidenceUntilNs(this.incident));
  }

  #meta(closed?: string): BundleMeta {
    const [first = anomalyJson(this.incident.first, this.#deps.clock)] = this.#anomalies;
    const { coverages } = this.#evidence;
    const { fromNs, toNs } = spanOf(coverages);
    return {
      id: this.incident.id,
      anomaly: first,
      anomalies: this.#anomalies,
      target: targetJson(this.incident.target),
      opened: this.#opened,
      ...(closed === undefined ? {} : { closed }),
      ...(fromNs === undefined ? {} : { ops_from: wallTimeOf(fromNs, this.#deps.clock) }),
      ...(toNs === undefined ? {} : { ops_to: wallTimeOf(toNs, this.#deps.clock) }),
      ops_coverage: describeCoverages(coverages, this.incident.openedNs),
      losses: [],
      versions: this.#deps.versions,
      host: this.#deps.host,
    };
  }

  #failed(error: unknown): void {
    const message = messageOf(error);
    if (message === this.#error) return;
    this.#error = message;
    this.#deps.log.error(
      { incident: this.incident.id, error: message },
      "the evidence of an incident could not be kept",
    );
  }

  #errorJson(): { readonly bundle_error?: string } {
    return this.#error === undefined ? {} : { bundle_error: this.#error };
  }
}

/** ms; less is the slow correction of NTP. */
const STEP_MS = 500;
const MAX_STEPS = 10;

/** What was lost while the incident lasted. */
function lossesSince(before: readonly BundleLoss[], now: readonly BundleLoss[]): BundleLoss[] {
  const known = new Map(before.map((loss) => [`${loss.kind} ${loss.detail ?? ""}`, loss.count]));
  return now
    .map((loss) => ({ ...loss, count: loss.count - (known.get(`${loss.kind} ${loss.detail ?? ""}`) ?? 0) }))
    .filter((loss) => loss.count > 0);
}
