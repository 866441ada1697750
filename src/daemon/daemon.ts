import type { BundleHost, BundleMeta, BundleVersions } from "../bundle/manifest.ts";
import type { RecoveryReport } from "../bundle/recover.ts";
import type { BundleWriter } from "../bundle/writer.ts";
import type { Config } from "../config/config.ts";
import type { Anomaly } from "../detect/detector.ts";
import type { Observation } from "../detect/observation.ts";
import { SmbOpMetrics } from "../metrics/smb-ops.ts";
import type { Probe, ProbeExit } from "../probe/helper.ts";
import type { ProbeEvent, SmbOp, Tick, Waiter } from "../probe/op.ts";
import { opToJson } from "../probe/op-json.ts";
import { ReconnectWaiters } from "../probe/reconnect-waiters.ts";
import type { ProbeSettings } from "../probe/settings.ts";
import { type ReadDebugData, TargetNames } from "../probe/target-names.ts";
import type { Source } from "../sources/source.ts";
import { type Clock, formatWall, standingClock } from "../system/clock.ts";
import { AodError, messageOf } from "../system/error.ts";
import { tasksSleepingIn } from "../system/tasks.ts";
import type { IncidentNews } from "./incidents/announcer.ts";
import type { CloseReason, Incident, IncidentStep, IncidentTarget } from "./incidents/incidents.ts";
import { IncidentIndex } from "./incidents/index-file.ts";
import type { IncidentJson } from "./incidents/json.ts";
import { type IncidentDeps, IncidentRun } from "./incidents/run.ts";
import { type SnapshotRequest, type Snapshots, snapshotsAt } from "./incidents/snapshots.ts";
import { Judge } from "./judge.ts";
import type { Logger } from "./log.ts";
import { type FurtherProbe, type FurtherStarter, furtherProbes } from "./probes/further-probes.ts";
import { HistoryFeed } from "./probes/history-feed.ts";
import { LossNews } from "./probes/loss-news.ts";
import { ProbeManager, type ProbeState } from "./probes/manager.ts";
import { ProbeNews } from "./probes/news.ts";
import { OpCounts } from "./probes/op-counts.ts";
import { settingsOf } from "./probes/settings.ts";
import { Sources } from "./sources.ts";

/** Everything that the daemon takes from outside. Tests pass their own. */
export interface DaemonDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly procRoot: string;
  readonly moduleLoaded: (name: string) => boolean;
  readonly startProbe: (onEvent: (event: ProbeEvent) => void, onExit: (exit: ProbeExit) => void) => Probe;
  /** The probes beside it, and how one is started. */
  readonly further?: FurtherStarter;
  readonly readDebugData: ReadDebugData;
  /** The same for what is no input of the judge: names in bundles, and the search for waiting tasks, of which the result alone is. */
  readonly peekDebugData?: ReadDebugData;
  /** An input that did not come from the probe: `deal` is called when the clock has gone on. */
  readonly waiters?: (waiters: readonly Waiter[], deal: () => void) => void;
  readonly createBundle: (meta: BundleMeta) => Promise<BundleWriter>;
  readonly recoverBundles: () => Promise<RecoveryReport[]>;
  /** Removes old bundles; names what could not be removed. */
  readonly retain: () => Promise<readonly string[]>;
  readonly capture: IncidentDeps["capture"];
  /** Takes a sample of the machine. */
  readonly sample: () => void;
  /** Everything that is observed besides the probes. */
  readonly sources?: readonly Source[];
  /** The real time, by which sources have their turns. */
  readonly realNs?: () => number;
  /** As `waiters`: an input of a source. */
  readonly observed?: (observation: Observation, deal: () => void) => void;
  /** Tells others of incidents. */
  readonly announce?: (news: IncidentNews) => void;
  readonly versions: BundleVersions;
  readonly host: BundleHost;
}

/** Ids that JSON can have. */
function textOf({ connectionId, ...names }: IncidentTarget): Readonly<Record<string, string>> {
  return { ...names, ...(connectionId === undefined ? {} : { connection: `0x${connectionId.toString(16)}` }) };
}

/** An hour. */
const RETAIN_BEATS = 3600;
/** ms that the evidence of one incident may take to be completed, while the daemon goes on. */
const CLOSE_LIMIT_MS = 60_000;
/** The same when the daemon ends; all incidents at once. */
const END_LIMIT_MS = 6000;

/** Observations in, incidents and their bundles out. Time passes with `beat`, once a second. */
export class Daemon {
  readonly judge: Judge;
  readonly index: IncidentIndex;
  readonly probe: ProbeManager<Probe, ProbeSettings, ProbeEvent>;
  readonly further: readonly FurtherProbe[];
  readonly sources: Sources;
  readonly startedNs: number;
  readonly recovered: RecoveryReport[] = [];
  readonly counters = { beatsSkipped: 0, bundles: 0, bundlesFailed: 0 };
  /** The newest trouble with a bundle, and when. */
  lastBundleError: { readonly time: string; readonly message: string } | undefined;
  lastTick: Tick | undefined;
  readonly opCounts = new OpCounts();
  readonly smbMetrics: SmbOpMetrics;
  openRequests: number | undefined;
  readonly #deps: DaemonDeps;
  #config: Config;
  /** Of the ops in bundles. Not the judge's: what that knows must not depend on how fast bundles are written. */
  readonly #names: TargetNames;
  readonly #feed: HistoryFeed;
  readonly #reconnects: ReconnectWaiters;
  readonly #runs = new Map<string, IncidentRun>();
  readonly #snapshots: Snapshots;
  readonly #closing = new Set<Promise<void>>();
  readonly #lossNews = new LossNews();
  readonly #probeNews = new ProbeNews();
  /** CLOCK_MONOTONIC ns of the probe's last word, and of the begin of a search for waiting tasks that has not ended. */
  lastProbeEventNs: number | undefined;
  searchSinceNs: number | undefined;
  #sampling = false;
  #beats = 0;
  #ending = false;

  constructor(deps: DaemonDeps) {
    const { config, clock } = deps;
    this.#deps = deps;
    this.#config = config;
    this.startedNs = clock.nowNs();
    const { readDebugData } = deps;
    this.judge = new Judge({ config, clock, readDebugData, onStep: (...step) => this.#step(...step) });
    const peek = deps.peekDebugData ?? deps.readDebugData;
    this.#names = new TargetNames(peek, clock);
    this.smbMetrics = new SmbOpMetrics((key) => this.#names.of(key), config.metrics.max_series);
    const sleepingIn = (functions: ReadonlySet<string>) => tasksSleepingIn(functions, deps.procRoot);
    this.#reconnects = new ReconnectWaiters({ debugData: peek, clock, sleepingIn });
    this.#snapshots = snapshotsAt(() => clock.wallMs());
    this.index = new IncidentIndex(config.state_dir);
    this.sources = new Sources({
      sources: deps.sources ?? [],
      excluded: new Set(config.sources.exclude),
      nowNs: deps.realNs ?? (() => clock.nowNs()),
      log: deps.log,
      observed: (observation) => this.#observed(observation),
    });
    this.probe = new ProbeManager({
      name: "smb_wire",
      module: "cifs",
      settings: settingsOf(this.judge.needs),
      moduleLoaded: () => deps.moduleLoaded("cifs"),
      start: deps.startProbe,
      nowNs: () => clock.nowNs(),
      onEvent: (event) => this.#event(event),
      onState: (state) => this.#probeState(state),
    });
    this.further = furtherProbes(deps.further, {
      enabled: (name) => this.#config.probes[name],
      needs: () => this.judge.needs,
      moduleLoaded: deps.moduleLoaded,
      nowNs: () => clock.nowNs(),
      observed: (observation) => this.judge.observe(observation),
      log: deps.log,
    });
    this.#feed = new HistoryFeed(
      (from) => this.probe.probe?.history(from),
      () => clock.nowNs(),
    );
  }

  /** Finishes what an earlier daemon left. Before the first beat. */
  async recover(): Promise<void> {
    const { log, recoverBundles, clock } = this.#deps;
    for (const report of await recoverBundles()) {
      this.recovered.push(report);
      log.warn(report, `found the bundle of an earlier run: ${report.action}`);
    }
    this.index.recover(this.recovered, formatWall(clock.wallMs()));
    await this.#retain();
  }

  /** Another configuration from now on: incidents stay open, probes attached. Returns the detectors that had to begin anew. */
  configure(config: Config): readonly string[] {
    this.#config = config;
    const anew = this.judge.configure(config);
    this.probe.configure(settingsOf(this.judge.needs));
    for (const probe of this.further) probe.configure();
    return anew;
  }

  /** Once a second. */
  beat(): void {
    // Bundles grow old also where nothing happens.
    if (++this.#beats % RETAIN_BEATS === 0) void this.#retain();
    this.#deps.sample();
    this.sources.beat();
    if (this.#config.probes.smb_wire && !this.#ending) this.probe.beat();
    if (!this.#ending) for (const probe of this.further) probe.beat();
    this.#tellProbes();
    this.#feed.beat();
    for (const { incident, reason } of this.judge.advance()) this.#close(incident, reason);
    for (const incident of this.#snapshots.due(this.#deps.clock.nowNs())) this.#close(incident, "snapshot");
    for (const run of this.#runs.values()) void run.beat();
    this.#sampleReconnects();
  }

  /** Evidence because somebody asks for it, from before and for a time from now on. Throws AodError. */
  snapshot(request: SnapshotRequest): IncidentJson {
    const incident = this.#snapshots.take(request, this.#deps.clock.nowNs());
    this.#open(incident);
    const told = this.incident(incident.id);
    if (told === undefined) throw new AodError("failed", `snapshot ${incident.id} ended at once`);
    return told;
  }

  /** Something is wrong, or may be: an incident is open, or a source says so. */
  get troubled(): boolean {
    return this.#runs.size > 0 || this.sources.situation.trouble;
  }

  incidentList(): IncidentJson[] {
    return this.index.list().map((incident) => this.#runs.get(incident.id)?.json() ?? incident);
  }

  incident(id: string): IncidentJson | undefined {
    return this.#runs.get(id)?.json() ?? this.index.get(id);
  }

  /** Resolves when all evidence that is asked for by now has come or failed. */
  async idle(): Promise<void> {
    await Promise.all([...this.#closing, ...[...this.#runs.values()].map((run) => run.idle())]);
  }

  /** Closes what is open, ends the probe. Resolves when every bundle is there or has failed. */
  async end(): Promise<void> {
    this.#ending = true;
    this.sources.close();
    for (const run of this.#runs.values()) run.limit(END_LIMIT_MS);
    for (const { incident, reason } of this.judge.end()) this.#close(incident, reason);
    for (const incident of this.#snapshots.open) this.#close(incident, "end");
    await Promise.all(this.#closing);
    await Promise.all([this.probe, ...this.further.map(({ manager }) => manager)].map((probe) => probe.stop()));
  }

  /** How the probes do, to detectors and sources. */
  #tellProbes(): void {
    const smbWire = { name: "smb_wire", manager: this.probe, enabled: this.#config.probes.smb_wire };
    const further = this.further.map(({ kind: { name }, manager, enabled }) => ({ name, manager, enabled }));
    for (const { name, manager, enabled } of [smbWire, ...further]) {
      const { state } = manager;
      const news = this.#probeNews.take(name, enabled ? state : undefined, this.#deps.clock.nowNs());
      if (news !== undefined) this.#observed(news);
      this.sources.probe(name, state.state === "running");
    }
  }

  #event(event: ProbeEvent): void {
    const { log } = this.#deps;
    this.lastProbeEventNs = this.#deps.clock.nowNs();
    this.#reconnects.note(event);
    this.smbMetrics.take(event);
    // First: ops belong to the incident too that they open.
    this.judge.event(event);
    switch (event.type) {
      case "ops":
        this.#feed.outliers(event.ops);
        break;
      case "inflight":
        this.openRequests = event.inflight.open;
        break;
      case "tick":
        this.lastTick = event.tick;
        this.opCounts.take(event.tick);
        this.#feed.tick(event.tick.head, event.tick.oldest);
        // So that a name is there when an op goes into a bundle.
        for (const entry of event.tick.entries) this.#names.of(entry);
        break;
      case "history":
        this.#feed.take(event.history);
        break;
      case "lost":
        this.#lossNews.take(event.losses, (losses) => log.warn({ losses }, "the probe lost something"));
        break;
      case "error":
        log.error({ error: event.message }, "the probe cannot go on");
        break;
    }
  }

  #observed(observation: Observation): void {
    if (observation.type === "mounts") this.sources.mounted(observation);
    const deal = (): void => this.judge.observe(observation);
    if (this.#deps.observed === undefined) deal();
    else this.#deps.observed(observation, deal);
  }

  #step(step: IncidentStep, anomaly: Anomaly, target: IncidentTarget): void {
    if (step.type === "grew") {
      const run = this.#runs.get(step.incident.id);
      run?.grew(anomaly);
      if (step.worse && run !== undefined) this.#worse(run, anomaly);
    } else if (step.type === "noted") {
      if (anomaly.stage === "onset") this.#deps.log.info({ summary: anomaly.summary, ...textOf(target) }, "noted");
    } else if (step.type === "opened") {
      this.#open(step.incident);
    } else if (step.reason !== "same fault" && anomaly.stage === "onset") {
      const summary = { summary: anomaly.summary, ...textOf(target) };
      const why = step.reason === "too many open" ? "are open" : "were opened within an hour";
      this.#deps.log.warn(summary, `an anomaly was dropped: too many incidents ${why}`);
    }
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

  #open(incident: Incident): void {
    const { log, versions, host, createBundle, capture } = this.#deps;
    const clock = standingClock(this.#deps.clock);
    const run = new IncidentRun(incident, {
      clock,
      steppedMs: () => this.#deps.clock.wallMs() - clock.wallMs(),
      log,
      feed: this.#feed,
      createBundle,
      capture,
      toJson: (op: SmbOp) => ({ ...opToJson(op, this.#names.of(op), clock) }),
      losses: () => this.probe.losses,
      versions,
      host,
      maxOpsBytes: this.#config.bundles.max_ops,
      evidenceUntilNs: (one) => this.#snapshots.untilNs(one) ?? this.judge.incidents.evidenceUntilNs(one),
    });
    this.#runs.set(incident.id, run);
    const json = run.json();
    this.index.put(json);
    this.#deps.announce?.({ event: "opened", incident: json, summary: incident.first.summary });
    const { server, share } = incident.target;
    log.warn({ incident: incident.id, server, share, summary: incident.first.summary }, "incident opened");
  }

  #close(incident: Incident, reason: CloseReason): void {
    const run = this.#runs.get(incident.id);
    if (run === undefined) return;
    this.#snapshots.closed(incident.id);
    const closing = this.#finish(run, reason).finally(() => {
      this.#closing.delete(closing);
    });
    this.#closing.add(closing);
  }

  async #finish(run: IncidentRun, reason: CloseReason): Promise<void> {
    const { log, clock } = this.#deps;
    // Its opening captures have limits of their own, and may still run when it was short.
    if (!this.#ending) await run.idle();
    if (!this.#ending) run.limit(CLOSE_LIMIT_MS);
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
    await this.#retain();
  }

  async #retain(): Promise<void> {
    const failed = await this.#deps.retain().catch((error: unknown) => [messageOf(error)]);
    for (const message of failed) this.#deps.log.error({ error: message }, "an old bundle could not be removed");
  }

  #probeState(state: ProbeState): void {
    const { log } = this.#deps;
    if (state.state !== "running" && state.state !== "starting") {
      this.openRequests = undefined;
      this.lastTick = undefined;
      this.opCounts.clear();
      this.#lossNews.clear();
      this.#feed.probeEnded();
      this.smbMetrics.probeEnded();
    }
    if (state.state === "running")
      log.info({ pid: state.hello.pid, hooks: state.hello.hooks.length }, "probe smb_wire is attached");
    else if ("why" in state) log.warn({ state: state.state, why: state.why }, "probe smb_wire");
  }

  #sampleReconnects(): void {
    if (this.#sampling) {
      this.counters.beatsSkipped++;
      return;
    }
    this.#sampling = true;
    this.searchSinceNs = this.#deps.clock.nowNs();
    this.#reconnects
      .sample()
      .then((waiters) => {
        const deal = (): void => this.judge.waiters(waiters);
        if (this.#deps.waiters === undefined) deal();
        else this.#deps.waiters(waiters, deal);
      })
      .catch((error: unknown) =>
        this.#deps.log.error({ error: messageOf(error) }, "tasks that wait for a reconnect could not be looked for"),
      )
      .finally(() => {
        this.#sampling = false;
        this.searchSinceNs = undefined;
      });
  }
}
