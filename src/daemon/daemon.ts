import type { BundleHost, BundleMeta, BundleVersions } from "../bundle/manifest.ts";
import type { RecoveryReport } from "../bundle/recover.ts";
import type { BundleWriter } from "../bundle/writer.ts";
import type { Config } from "../config/config.ts";
import type { Observation } from "../detect/observation.ts";
import { SmbOpMetrics } from "../metrics/smb-ops.ts";
import type { Probe, ProbeExit } from "../probe/helper.ts";
import type { InFlight, ProbeEvent, SmbOp, Tick, Waiter } from "../probe/op.ts";
import { opToJson } from "../probe/op-json.ts";
import type { ProbeSettings } from "../probe/settings.ts";
import { type ReadDebugData, TargetNames } from "../probe/target-names.ts";
import type { Source } from "../sources/source.ts";
import type { Clock } from "../system/clock.ts";
import type { IncidentNews } from "./incidents/announcer.ts";
import type { IncidentDeps } from "./incidents/run.ts";
import { RunningIncidents } from "./incidents/running.ts";
import { isRpc } from "./incidents/worst-ops.ts";
import { Judge } from "./judge.ts";
import type { Logger } from "./log.ts";
import { ProbeDemand } from "./probes/demand.ts";
import { type FurtherProbe, type FurtherStarter, furtherProbes } from "./probes/further-probes.ts";
import { HistoryFeed } from "./probes/history-feed.ts";
import { LossNews } from "./probes/loss-news.ts";
import { ProbeManager, type ProbeState } from "./probes/manager.ts";
import { ProbeNews, tellProbe } from "./probes/news.ts";
import { NfsOps } from "./probes/nfs-ops.ts";
import { OpCounts } from "./probes/op-counts.ts";
import { OpBacklog } from "./probes/op-stream.ts";
import { settingsOf } from "./probes/settings.ts";
import { type SeenRequests, seenRequests } from "./requests.ts";
import { Sources } from "./sources.ts";
import { WaiterSearch } from "./waiter-search.ts";

/** Everything that the daemon takes from outside. Tests pass their own. */
export interface DaemonDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly procRoot: string;
  readonly moduleLoaded: (name: string) => boolean;
  /** Who uses a module besides other modules; undefined: that cannot be told, and probes stay attached. */
  readonly moduleUsers?: (name: string) => number | undefined;
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

/** An hour. */
const RETAIN_BEATS = 3600;
/** While no request is seen the machine is sampled more rarely. */
const IDLE_SAMPLE_BEATS = 5;

/** Observations in, incidents and their bundles out. Time passes with `beat`, once a second. */
export class Daemon {
  readonly judge: Judge;
  readonly incidents: RunningIncidents;
  readonly probe: ProbeManager<Probe, ProbeSettings, ProbeEvent>;
  readonly further: readonly FurtherProbe[];
  readonly sources: Sources;
  readonly #demand: ProbeDemand;
  readonly waiterSearch: WaiterSearch;
  readonly startedNs: number;
  readonly recovered: RecoveryReport[] = [];
  lastTick: Tick | undefined;
  readonly opCounts = new OpCounts();
  readonly smbMetrics: SmbOpMetrics;
  readonly nfsOps: NfsOps;
  openRequests: number | undefined;
  #lastInFlight: InFlight | undefined;
  /** Tasks that waited for a reconnect at the last search. */
  #reconnecting: readonly Waiter[] = [];
  readonly #deps: DaemonDeps;
  #config: Config;
  /** Of the ops in bundles. Not the judge's: what that knows must not depend on how fast bundles are written. */
  readonly #names: TargetNames;
  readonly #feed: HistoryFeed<SmbOp>;
  readonly #lossNews = new LossNews();
  readonly #probeNews = new ProbeNews();
  /** CLOCK_MONOTONIC ns of the probe's last word. */
  lastProbeEventNs: number | undefined;
  #beats = 0;
  #ending = false;

  constructor(deps: DaemonDeps) {
    const { config, clock } = deps;
    this.#deps = deps;
    this.#config = config;
    this.startedNs = clock.nowNs();
    const { readDebugData } = deps;
    this.judge = new Judge({ config, clock, readDebugData, onStep: (...step) => this.incidents.step(...step) });
    const peek = deps.peekDebugData ?? deps.readDebugData;
    this.#names = new TargetNames(peek, clock);
    this.smbMetrics = new SmbOpMetrics((key) => this.#names.of(key), config.metrics.max_series);
    this.waiterSearch = new WaiterSearch({
      debugData: peek,
      clock,
      procRoot: deps.procRoot,
      log: deps.log,
      found: (waiters) => {
        this.#reconnecting = waiters;
        const deal = (): void => this.judge.waiters(waiters);
        if (deps.waiters === undefined) deal();
        else deps.waiters(waiters, deal);
      },
    });
    this.sources = new Sources({
      sources: deps.sources ?? [],
      excluded: new Set(config.sources.exclude),
      nowNs: deps.realNs ?? (() => clock.nowNs()),
      log: deps.log,
      observed: (observation) => this.#observed(observation),
    });
    this.#demand = new ProbeDemand({
      lingerNs: () => this.#config.probes.linger,
      nowNs: () => clock.nowNs(),
      loaded: deps.moduleLoaded,
      users: (module) => deps.moduleUsers?.(module),
    });
    this.probe = new ProbeManager({
      name: "smb_wire",
      module: "cifs",
      settings: settingsOf(this.judge.needs),
      moduleLoaded: () => deps.moduleLoaded("cifs"),
      unneeded: () => this.#demand.unneeded("cifs"),
      start: deps.startProbe,
      nowNs: () => clock.nowNs(),
      onEvent: (event) => this.#event(event),
      onState: (state) => this.#probeState(state),
    });
    this.further = furtherProbes(deps.further, {
      enabled: (name) => this.#config.probes[name],
      needs: () => this.judge.needs,
      moduleLoaded: deps.moduleLoaded,
      unneeded: (module) => this.#demand.unneeded(module),
      busy: (module) => this.#busy(module),
      nowNs: () => clock.nowNs(),
      observed: (observation) => this.judge.observe(observation),
      nfs: {
        take: (event) => this.nfsOps.take(event),
        probeEnded: () => this.nfsOps.probeEnded(),
      },
      log: deps.log,
    });
    const nfsRpc = this.further.find(({ kind }) => kind.name === "nfs_rpc");
    this.nfsOps = new NfsOps(
      (from) => nfsRpc?.manager.probe?.history(from),
      () => clock.nowNs(),
      config.metrics.max_series,
    );
    this.#feed = new HistoryFeed(
      (from) => this.probe.probe?.history(from),
      () => clock.nowNs(),
    );
    const { log, createBundle, capture, versions, host, retain, announce } = deps;
    this.incidents = new RunningIncidents({
      clock,
      log,
      stateDir: config.state_dir,
      feeds: { smb: this.#feed, nfs: this.nfsOps.feed, backlog: new OpBacklog() },
      createBundle,
      capture,
      toJson: (standing) => (op) =>
        isRpc(op) ? this.nfsOps.toJson(op, standing) : { ...opToJson(op, this.#names.of(op), standing) },
      losses: () => [...this.probe.losses, ...(nfsRpc?.manager.losses ?? [])],
      versions,
      host,
      maxOpsBytes: () => this.#config.bundles.max_ops,
      captureLimitMs: () => this.#config.captures.limit / 1e6,
      evidenceUntilNs: (incident) => this.judge.incidents.evidenceUntilNs(incident),
      retain,
      announce,
    });
  }

  /** Finishes what an earlier daemon left. Before the first beat. */
  async recover(): Promise<void> {
    const { log, recoverBundles } = this.#deps;
    for (const report of await recoverBundles()) {
      this.recovered.push(report);
      log.warn(report, `found the bundle of an earlier run: ${report.action}`);
    }
    await this.incidents.recover(this.recovered);
  }

  /** Another configuration from now on: incidents stay open, probes attached, and detectors keep what they know. */
  configure(config: Config): void {
    this.#config = config;
    this.judge.configure(config);
    this.probe.configure(settingsOf(this.judge.needs));
    for (const probe of this.further) probe.configure();
  }

  /** False: lets the modules go that the probes pin, so that they can be unloaded; true: takes them again. Resolves when the helpers have ended. */
  async attachProbes(attach: boolean): Promise<void> {
    if (attach) this.#demand.renew();
    await Promise.all(this.#managers.map((manager) => (attach ? manager.attach() : manager.detach())));
    this.#tellProbes();
  }

  /** Once a second. */
  beat(): void {
    // Bundles grow old also where nothing happens.
    if (++this.#beats % RETAIN_BEATS === 0) void this.incidents.retain();
    if (!this.sources.situation.idle || this.#beats % IDLE_SAMPLE_BEATS === 0) this.#deps.sample();
    this.sources.beat();
    this.#demand.beat({
      incident: this.incidents.open > 0,
      attached: (name) => this.#managers.some(({ module, attached }) => module === name && attached),
    });
    if (this.#config.probes.smb_wire && !this.#ending) this.probe.beat();
    if (!this.#ending) for (const probe of this.further) probe.beat();
    this.#tellProbes();
    this.#feed.beat();
    this.nfsOps.feed.beat();
    for (const over of this.judge.advance()) this.incidents.close(over);
    this.incidents.beat();
    this.waiterSearch.beat();
  }

  /** Something is wrong, or may be: an incident is open, or a source says so. */
  get troubled(): boolean {
    return this.incidents.open > 0 || this.sources.situation.trouble;
  }

  /** Undefined while the SMB probe does not run, and until its first word. */
  requests(): SeenRequests | undefined {
    if (this.#lastInFlight === undefined) return undefined;
    return seenRequests(this.#lastInFlight, this.#reconnecting, this.#names, this.#deps.clock);
  }

  /** Closes what is open, ends the probe. Resolves when every bundle is there or has failed. */
  async end(): Promise<void> {
    this.#ending = true;
    this.sources.close();
    this.incidents.hurry();
    for (const over of this.judge.end()) this.incidents.close(over);
    await this.incidents.end();
    await Promise.all(this.#managers.map((manager) => manager.stop()));
  }

  get #managers() {
    return [this.probe, ...this.further.map(({ manager }) => manager)];
  }

  /** A probe of this module sees requests. */
  #busy(module: string): void {
    this.sources.busy();
    this.#demand.busy(module);
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
    this.waiterSearch.note(event);
    this.smbMetrics.take(event);
    // First: ops belong to the incident too that they open.
    this.judge.event(event);
    switch (event.type) {
      case "ops":
        this.#feed.outliers(event.ops);
        break;
      case "inflight":
        this.openRequests = event.inflight.open;
        this.#lastInFlight = event.inflight;
        if (event.inflight.open > 0 || event.inflight.waiters.length > 0) this.#busy("cifs");
        break;
      case "tick":
        if (event.tick.head !== this.lastTick?.head || event.tick.reconnects > 0) this.#busy("cifs");
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
    if (observation.type === "mounts") {
      this.sources.mounted(observation);
      this.#demand.mounted(observation.all);
    }
    this.nfsOps.observed(observation);
    const deal = (): void => this.judge.observe(observation);
    if (this.#deps.observed === undefined) deal();
    else this.#deps.observed(observation, deal);
  }

  #probeState(state: ProbeState): void {
    const { log } = this.#deps;
    if (state.state !== "running" && state.state !== "starting") {
      this.openRequests = undefined;
      this.#lastInFlight = undefined;
      this.lastTick = undefined;
      this.opCounts.clear();
      this.#lossNews.clear();
      this.#feed.probeEnded();
      this.smbMetrics.probeEnded();
    }
    if (state.state === "running")
      log.info({ pid: state.hello.pid, hooks: state.hello.hooks.length }, "probe smb_wire is attached");
    else tellProbe(log, "smb_wire", state);
  }
}
