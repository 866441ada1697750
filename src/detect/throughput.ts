import { Blindness } from "./blind.ts";
import { BoundedMap } from "./bounded-map.ts";
import { isWanted } from "./connection-look.ts";
import type { Anomaly, AnomalyTarget, Detector, Needs } from "./detector.ts";
import { seconds } from "./latency-summary.ts";
import type { NfsMountDelta, NfsOperationDelta, Observation, SmbStatsDelta } from "./observation.ts";
import { serverKey, targetText } from "./target.ts";
import { Verdicts } from "./verdicts.ts";

export interface ThroughputRules {
  /** So long it must have lasted. */
  readonly lastsNs: number;
  /** The time before that it is held against. */
  readonly beforeNs: number;
  /** Less than this share (0 to 1) of what was done before, in requests and in bytes. */
  readonly share: number;
  /** What was done before must have been at least so much a second: requests, or bytes. */
  readonly minRequests: number;
  readonly minBytes: number;
  readonly maxTargets: number;
}

/** What was done since the sample before. */
interface Sample {
  readonly atNs: number;
  readonly intervalNs: number;
  readonly requests: number;
  /** Undefined where nothing tells. */
  readonly bytes: number | undefined;
  /** Requests that somebody waits for at its end. */
  readonly inFlight: number;
}

interface Known {
  readonly target: AnomalyTarget;
  /** Oldest first, at most MAX_SAMPLES. */
  samples: Sample[];
}

const MAX_SAMPLES = 256;
const LOCK = 10;
const QUIET_NS = 15e9;
/** Less is nothing. */
const NO_BYTES = 4096;

/**
 * Much was done, then next to nothing, although requests were in flight all the time. Fewer requests that move as many bytes, and more that move fewer,
 * are another workload.
 */
export class ThroughputDetector implements Detector {
  readonly name = "throughput";
  readonly needs: Needs = { slowNs: new Map() };
  #rules: ThroughputRules;
  readonly #known: BoundedMap<string, Known>;
  readonly #verdicts = new Verdicts("throughput");
  readonly #blindness = new Blindness([
    { source: "stats", without: "SMB: how much is done is not known" },
    { source: "debug-data", without: "SMB: whether requests are in flight is not known" },
    { source: "mountstats", without: "NFS: how much is done is not known" },
  ]);
  /** Per server, as Stats names it. */
  #inFlight: ReadonlyMap<string, number> = new Map();

  constructor(rules: ThroughputRules) {
    this.#rules = rules;
    this.#known = new BoundedMap(rules.maxTargets);
  }

  configure(rules: ThroughputRules): void {
    this.#known.resize(rules.maxTargets);
    this.#rules = rules;
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    const { nowNs } = observation;
    if (observation.type === "smb-state") {
      const names = new Map(
        observation.data.servers.flatMap(({ connectionId, hostname, sessions }) => {
          const name = hostname ?? sessions[0]?.address ?? "";
          const channels = sessions.flatMap((session) => session.channels.map((channel) => channel.connectionId));
          return [connectionId, ...channels].map((id) => [id, name.toLowerCase()] as const);
        }),
      );
      const counts = new Map<string, number>();
      for (const { connectionId, command } of observation.data.mids) {
        const name = names.get(connectionId);
        if (name !== undefined && isWanted(command) && command !== LOCK) counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      this.#inFlight = counts;
    }
    if (observation.type === "smb-stats") return this.#smb(observation.delta, nowNs);
    return observation.type === "mountstats" ? this.#nfs(observation.mounts, nowNs) : [];
  }

  reject(): void {}

  state(): Readonly<Record<string, number>> {
    return { targets: this.#known.size, targets_forgotten: this.#known.forgotten };
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  #smb({ shares, intervalNs }: SmbStatsDelta, nowNs: number): Anomaly[] {
    const servers = new Map<string, { target: AnomalyTarget; requests: number; bytes: number }>();
    for (const { target, requests, bytesRead, bytesWritten } of shares) {
      const name = (target.server ?? target.share?.split("\\")[2] ?? "").toLowerCase();
      const sum = servers.get(name) ?? { target: { protocol: "smb", server: name }, requests: 0, bytes: 0 };
      sum.requests += requests;
      sum.bytes += bytesRead + bytesWritten;
      servers.set(name, sum);
    }
    return [...servers].flatMap(([name, { target, requests, bytes }]) =>
      this.#sample(`smb|${name}`, target, {
        atNs: nowNs,
        intervalNs,
        requests,
        bytes,
        inFlight: this.#inFlight.get(name) ?? 0,
      }),
    );
  }

  #nfs(mounts: readonly NfsMountDelta[], nowNs: number): Anomaly[] {
    const servers = new Map<string, NfsMountDelta>();
    for (const mount of mounts) servers.set(serverKey(mount.target), mount);
    return [...servers].flatMap(([key, { target, intervalNs, operations }]) => {
      const { server, address } = target;
      const bytes = operations.map((operation) => operation.bytes);
      const all = bytes.every((amount) => amount !== undefined);
      return this.#sample(
        key,
        { protocol: "nfs", ...(server === undefined ? {} : { server }), ...(address === undefined ? {} : { address }) },
        {
          atNs: nowNs,
          intervalNs,
          requests: operations.reduce((sum, { count }) => sum + count, 0),
          bytes: all ? bytes.reduce<number>((sum, amount) => sum + (amount ?? 0), 0) : undefined,
          inFlight: concurrency(operations, intervalNs),
        },
      );
    });
  }

  #sample(key: string, target: AnomalyTarget, sample: Sample): Anomaly[] {
    const { lastsNs, beforeNs } = this.#rules;
    const known = this.#known.of(key, () => ({ target, samples: [] }));
    const oldestNs = sample.atNs - lastsNs - beforeNs;
    known.samples = [...known.samples.filter(({ atNs }) => atNs > oldestNs), sample].slice(-MAX_SAMPLES);
    // The collapse reaches back to where requests began to be in flight at every look.
    const lastIdle = known.samples.findLastIndex(({ inFlight }) => inFlight === 0);
    const busy = known.samples.slice(lastIdle + 1).filter(({ atNs }) => atNs > sample.atNs - lastsNs);
    if (spanOf(busy) < lastsNs * 0.9 || busy.some(({ bytes }) => bytes === undefined)) return [];
    const before = known.samples.filter(({ atNs }) => atNs <= sample.atNs - lastsNs);
    const [now, then] = [rateOf(busy), rateOf(before)];
    if (now === undefined || then === undefined || !this.#collapsed(now, then)) return [];
    const name = targetText(target);
    return [
      this.#verdicts.tell({
        rule: "collapse",
        key,
        severity: "warning",
        timeNs: sample.atNs,
        sinceNs: sample.atNs - lastsNs,
        quietNs: QUIET_NS,
        target,
        summary: `${name} does ${now.requests.toFixed(1)} requests a second, before ${then.requests.toFixed(0)}, although ${sample.inFlight} are in flight, for ${seconds(lastsNs / 1000)}`,
        evidence: {
          requests_per_s: round(now.requests),
          requests_per_s_before: round(then.requests),
          bytes_per_s: Math.round(now.bytes),
          bytes_per_s_before: Math.round(then.bytes),
          in_flight: sample.inFlight,
        },
      }),
    ];
  }

  #collapsed(now: Rate, then: Rate): boolean {
    const { share, minRequests, minBytes } = this.#rules;
    if (then.requests < minRequests && then.bytes < minBytes) return false;
    return now.requests <= share * then.requests && now.bytes <= Math.max(NO_BYTES, share * then.bytes);
  }
}

/** Little's law: the time that those took that have ended, in the time. What was sent and not received is no measure, since what is sent again is answered once. */
function concurrency(operations: readonly NfsOperationDelta[], intervalNs: number): number {
  const wanted = operations.filter(({ operation }) => operation !== "LOCK");
  const executeMs = wanted.reduce((sum, operation) => sum + operation.executeMs, 0);
  return intervalNs <= 0 ? 0 : Math.round((executeMs * 1e6) / intervalNs);
}

interface Rate {
  readonly requests: number;
  readonly bytes: number;
}

function spanOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { intervalNs }) => sum + intervalNs, 0);
}

/** A second, while something was done; undefined when that was too short to tell: less than five seconds. */
function rateOf(samples: readonly Sample[]): Rate | undefined {
  const active = samples.filter(({ requests, inFlight }) => requests > 0 || inFlight > 0);
  const spanS = spanOf(active) / 1e9;
  if (spanS < 5) return undefined;
  const sum = (of: (sample: Sample) => number): number => active.reduce((total, sample) => total + of(sample), 0);
  return { requests: sum(({ requests }) => requests) / spanS, bytes: sum(({ bytes = 0 }) => bytes) / spanS };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
