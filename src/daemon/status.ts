import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BundleVersions } from "../bundle/manifest.ts";
import type { RecoveryReport } from "../bundle/recover.ts";
import type { StoredBundle } from "../bundle/retention.ts";
import type { ReloadReport } from "../config/live.ts";
import type { FlightRecorderStatus } from "../flight-recorder/flight-recorder.ts";
import { missingWithout } from "../probe/hook-effects.ts";
import type { Hook, Loss } from "../probe/op.ts";
import type { ReadDebugData } from "../probe/target-names.ts";
import { type Clock, wallTimeOf } from "../system/clock.ts";
import { messageOf } from "../system/error.ts";
import type { Continuity } from "./continuity.ts";
import type { Daemon } from "./daemon.ts";
import type { Announcer } from "./incidents/announcer.ts";
import type { IncidentJson } from "./incidents/json.ts";
import type { Rehearsal } from "./incidents/rehearsal.ts";
import type { FurtherProbe } from "./probes/further-probes.ts";
import { lacksNothing, type ProbeState } from "./probes/manager.ts";
import type { OpCount } from "./probes/op-counts.ts";
import type { SourceHealth } from "./sources.ts";

/** `GET /status`. Sizes in bytes, times RFC 3339 UTC. */
export interface Status {
  readonly versions: BundleVersions;
  readonly pid: number;
  readonly started: string;
  readonly uptime_s: number;
  readonly config: string;
  /** The last reload; absent when there was none. */
  readonly config_reload?: ReloadReport;
  readonly probes: readonly ProbeStatus[];
  readonly sources: readonly SourceStatus[];
  readonly detectors: readonly DetectorStatus[];
  readonly targets: readonly TargetStatus[];
  readonly incidents: {
    readonly open: readonly IncidentJson[];
    readonly remembered: number;
    readonly anomalies: number;
    /** Anomalies that opened none: of a fault that outlasted its incident, for want of room, and hangs that DebugData knows nothing of. */
    readonly dropped: {
      readonly same_fault: number;
      readonly too_many_open: number;
      readonly too_many_an_hour: number;
      readonly not_hanging: number;
    };
    /** Since the daemon's start. Information that found no open incident is `noted`. */
    readonly counts: { readonly opened: number; readonly escalated: number; readonly noted: number };
    /** How incidents are told: to the journal (`ok`, `off`, or why not), to a program. */
    readonly announced?: Announcer["counts"] & { readonly journal: string; readonly last_error?: string };
    readonly index_error?: string;
  };
  readonly bundles: {
    readonly directory: string;
    readonly count: number;
    readonly bytes: number;
    readonly free_bytes?: number;
    readonly error?: string;
    readonly last_error?: { readonly time: string; readonly message: string };
    readonly recovered: readonly RecoveryReport[];
  };
  /** What each capture gave in the rehearsal at the daemon's start; absent until it is over. */
  readonly captures?: Rehearsal;
  /** What is kept before the fact, beside the history of operations. */
  readonly recorder?: FlightRecorderStatus;
  /** What interrupted the daemon's time since its start. */
  readonly continuity?: Continuity;
  readonly memory: { readonly rss: number; readonly rss_anon?: number; readonly heap: number };
}

export interface DetectorStatus {
  readonly name: string;
  /** What it cannot see now, and why. */
  readonly blind: readonly string[];
  readonly [count: string]: number | string | readonly string[];
}

export interface ProbeStatus {
  readonly name: string;
  readonly state: ProbeState["state"] | "off";
  readonly why?: string;
  readonly retry_in_s?: number;
  readonly pid?: number;
  readonly kernel?: string;
  readonly hooks?: readonly Hook[];
  /** What is missing, in sentences: of a running probe per hook that this kernel does not give, else what still works. */
  readonly without: readonly string[];
  /** Since it was attached. */
  readonly operations?: number;
  readonly history?: number;
  readonly open_requests?: number;
  /** Requests released since it was attached, per connection and command; those of connections given up are in `counts_forgotten`. */
  readonly counts: readonly OpCount[];
  readonly counts_forgotten: number;
  readonly losses: readonly Loss[];
}

/** What is observed besides the probes. */
export interface SourceStatus {
  readonly name: string;
  /** Where it looks. */
  readonly reads: string;
  /** `starting`: it has not looked yet. `off`: nothing to look at, or not wanted. `degraded`: it tells less than it could. */
  readonly state: SourceHealth["state"];
  readonly why?: string;
  /** Since when it is in this state. */
  readonly since: string;
  readonly last_success?: string;
  /** The last look, and the longest, in ms. */
  readonly took_ms?: number;
  readonly longest_ms: number;
  readonly looks: number;
  readonly failures: number;
  readonly timeouts: number;
  /** Turns that passed because a look had not ended. */
  readonly skipped: number;
  readonly losses: readonly Loss[];
}

export interface TargetStatus {
  readonly connection_id: string;
  readonly server?: string;
  readonly shares: readonly string[];
  /** As DebugData says: `good`, `needs reconnect`, ... */
  readonly connection: string;
  readonly requests_on_wire?: number;
}

export interface StatusSources {
  readonly daemon: Daemon;
  readonly clock: Clock;
  readonly versions: BundleVersions;
  readonly configSource: string;
  readonly reload: ReloadReport | undefined;
  readonly stateDir: string;
  readonly probeEnabled: boolean;
  readonly procRoot: string;
  readonly readDebugData: ReadDebugData;
  readonly listBundles: () => Promise<readonly StoredBundle[]>;
  readonly freeBytes: () => Promise<number>;
  readonly rehearsal: Rehearsal | undefined;
  readonly recorder?: FlightRecorderStatus;
  readonly announcer?: Announcer;
  readonly continuity?: Continuity;
}

function announcedBy(announcer: Announcer | undefined): Pick<Status["incidents"], "announced"> {
  if (announcer === undefined) return {};
  const { counts, journalState: journal, lastError } = announcer;
  return { announced: { journal, ...counts, ...(lastError === undefined ? {} : { last_error: lastError }) } };
}

export async function statusOf(sources: StatusSources): Promise<Status> {
  const { daemon, clock } = sources;
  const { dropped } = daemon.judge.incidents;
  const all = daemon.incidents.list();
  return {
    versions: sources.versions,
    pid: process.pid,
    started: wallTimeOf(daemon.startedNs, clock),
    uptime_s: Math.floor((clock.nowNs() - daemon.startedNs) / 1e9),
    config: sources.configSource,
    ...(sources.reload === undefined ? {} : { config_reload: sources.reload }),
    probes: [probeStatus(sources), ...daemon.further.map((probe) => furtherStatus(probe, clock))],
    sources: daemon.sources.health.map((health) => sourceStatus(health, clock)),
    detectors: daemon.judge.detectors.map((detector) => ({
      name: detector.name,
      ...detector.state(),
      blind: detector.blind(),
    })),
    targets: targetsOf(sources.readDebugData),
    incidents: {
      open: all.filter((incident) => incident.state === "open"),
      remembered: all.length,
      anomalies: daemon.judge.counters.anomalies,
      dropped: {
        same_fault: dropped.sameFault,
        too_many_open: dropped.tooManyOpen,
        too_many_an_hour: dropped.tooManyAnHour,
        not_hanging: daemon.judge.counters.ghostAnomalies,
      },
      counts: daemon.judge.incidents.counts,
      ...announcedBy(sources.announcer),
      ...(daemon.incidents.index.error === undefined ? {} : { index_error: daemon.incidents.index.error }),
    },
    bundles: await bundlesOf(sources),
    ...(sources.rehearsal === undefined ? {} : { captures: sources.rehearsal }),
    ...(sources.recorder === undefined ? {} : { recorder: sources.recorder }),
    ...(sources.continuity === undefined ? {} : { continuity: sources.continuity }),
    memory: memoryOf(sources.procRoot),
  };
}

function probeStatus({ daemon, clock, probeEnabled }: StatusSources): ProbeStatus {
  const { probe, lastTick, openRequests } = daemon;
  const { state } = probe;
  return {
    name: "smb_wire",
    state: probeEnabled ? state.state : "off",
    ...("why" in state && probeEnabled ? { why: state.why } : {}),
    ...(state.state === "retrying" ? { retry_in_s: Math.max(0, Math.ceil((state.atNs - clock.nowNs()) / 1e9)) } : {}),
    ...(state.state === "running"
      ? { pid: state.hello.pid, kernel: state.hello.release, hooks: state.hello.hooks }
      : {}),
    without: withoutProbe(probeEnabled ? state : undefined),
    ...(lastTick === undefined
      ? {}
      : { operations: lastTick.head, history: lastTick.head === 0 ? 0 : lastTick.head - lastTick.oldest + 1 }),
    ...(openRequests === undefined ? {} : { open_requests: openRequests }),
    counts: daemon.opCounts.list(),
    counts_forgotten: daemon.opCounts.forgotten,
    losses: probe.losses,
  };
}

function furtherStatus({ kind, manager, enabled, seen, open }: FurtherProbe, clock: Clock): ProbeStatus {
  const { state } = manager;
  const running = enabled && state.state === "running";
  return {
    name: kind.name,
    state: enabled ? state.state : "off",
    ...("why" in state && enabled ? { why: state.why } : {}),
    ...(enabled && state.state === "retrying"
      ? { retry_in_s: Math.max(0, Math.ceil((state.atNs - clock.nowNs()) / 1e9)) }
      : {}),
    ...(state.state === "running"
      ? { pid: state.hello.pid, kernel: state.hello.release, hooks: state.hello.hooks, operations: seen }
      : {}),
    ...(open === undefined ? {} : { open_requests: open }),
    without: running || (enabled && lacksNothing(state)) ? [] : [kind.without],
    counts: [],
    counts_forgotten: 0,
    losses: manager.losses,
  };
}

function sourceStatus({ lastSuccessNs, tookMs, ...health }: SourceHealth, clock: Clock): SourceStatus {
  const { name, summary, state, why, looks, failures, timeouts, skipped } = health;
  return {
    name,
    reads: summary,
    state,
    ...(why === undefined ? {} : { why }),
    since: wallTimeOf(health.sinceNs, clock),
    ...(lastSuccessNs === undefined ? {} : { last_success: wallTimeOf(lastSuccessNs, clock) }),
    ...(tookMs === undefined ? {} : { took_ms: rounded(tookMs) }),
    longest_ms: rounded(health.longestMs),
    looks,
    failures,
    timeouts,
    skipped,
    losses: Object.entries(health.losses).map(([kind, count]) => ({ kind, count })),
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function withoutProbe(state: ProbeState | undefined): string[] {
  if (state?.state === "running") return missingWithout(state.hello.hooks);
  if (state !== undefined && lacksNothing(state)) return [];
  return ["no operation is seen; tasks that wait for a reconnect still are, and open incidents"];
}

const tcpStates = ["new", "good", "exiting", "needs reconnect", "needs negotiate", "in negotiate"];

function targetsOf(read: ReadDebugData): TargetStatus[] {
  return (read()?.servers ?? []).map((server): TargetStatus => {
    const name = server.hostname ?? server.sessions[0]?.address;
    const shares = server.sessions.flatMap((session) =>
      session.shares.filter((share) => !share.ipc).map((share) => share.name),
    );
    return {
      connection_id: `0x${(server.connectionId ?? 0n).toString(16)}`,
      ...(name === undefined ? {} : { server: name }),
      shares: [...new Set(shares)],
      connection:
        server.tcpStatus === undefined ? "unknown" : (tcpStates[server.tcpStatus] ?? `status ${server.tcpStatus}`),
      ...(server.requestsOnWire === undefined ? {} : { requests_on_wire: server.requestsOnWire }),
    };
  });
}

async function bundlesOf({ daemon, stateDir, listBundles, freeBytes }: StatusSources): Promise<Status["bundles"]> {
  const shared = {
    directory: join(stateDir, "bundles"),
    ...(daemon.incidents.lastBundleError === undefined ? {} : { last_error: daemon.incidents.lastBundleError }),
    recovered: daemon.recovered,
  };
  try {
    const bundles = await listBundles();
    const bytes = bundles.reduce((sum, bundle) => sum + bundle.bytes, 0);
    return { ...shared, count: bundles.length, bytes, free_bytes: await freeBytes() };
  } catch (error) {
    return { ...shared, count: 0, bytes: 0, error: messageOf(error) };
  }
}

function memoryOf(procRoot: string): Status["memory"] {
  const { rss, heapUsed } = process.memoryUsage();
  const anonymous = anonymousBytes(procRoot);
  return { rss, heap: heapUsed, ...(anonymous === undefined ? {} : { rss_anon: anonymous }) };
}

function anonymousBytes(procRoot: string): number | undefined {
  try {
    const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(join(procRoot, "self/status"), "utf8"))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    // Without it the status says rss alone.
    return undefined;
  }
}
