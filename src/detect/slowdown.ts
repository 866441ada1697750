import { commandName } from "../smb/commands.ts";
import { Blindness } from "./blind.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { Anomaly, AnomalyTarget, Detector, Needs } from "./detector.ts";
import { HistogramSum } from "./histogram-sum.ts";
import { seconds } from "./latency-summary.ts";
import type { Observation } from "./observation.ts";
import { RequestSizes } from "./request-sizes.ts";
import { keyOf } from "./target.ts";
import { Verdicts } from "./verdicts.ts";

export interface SlowdownRules {
  /** What is judged at a time. */
  readonly sliceNs: number;
  /** So many slices in a row must be slow. */
  readonly slices: number;
  /** Requests that a slice needs to be judged. */
  readonly minRequests: number;
  /** The median is so many times the learnt one, ... */
  readonly factor: number;
  /** ... so much more, and more than 95 % of the learnt ones. */
  readonly leastNs: number;
  /** Slices with requests that must have been learnt before anything is judged. */
  readonly learnSlices: number;
  /** Slices with requests after which half of what was learnt is forgotten. */
  readonly halfLifeSlices: number;
  /** A slowdown that lasts this many slices is the new normal. */
  readonly adaptSlices: number;
  /** So many times the usual rate, of these requests or of all reads and writes of the target, is another workload, which queues by itself. */
  readonly rateFactor: number;
  readonly maxKeys: number;
}

/** What is learnt of one command of one target. */
interface Learnt {
  readonly target: AnomalyTarget;
  readonly command: string;
  readonly data: DataLoad;
  readonly baseline: HistogramSum;
  /** Requests per slice on average, fading like the baseline. */
  rate: number;
  slices: number;
  readonly current: HistogramSum;
  slow: number;
  sinceNs: number;
}

/** Reads and writes of one target per slice. */
interface DataLoad {
  current: number;
  usual: number;
  slices: number;
}

/** Commands that are never slow or fast: they wait for something. */
const excluded: ReadonlySet<string> = new Set([
  "SMB2_CHANGE_NOTIFY",
  "SMB2_LOCK",
  "SMB2_CANCEL",
  "SMB2_OPLOCK_BREAK",
  "LOCK",
]);
/** How long these take follows from how much they move. */
const sized: ReadonlySet<string> = new Set(["SMB2_READ", "SMB2_WRITE"]);
/** The same, and nothing tells how much. */
const unsized: ReadonlySet<string> = new Set([
  "SMB2_IOCTL",
  "SMB2_FLUSH",
  "SMB2_SET_INFO",
  "READ",
  "WRITE",
  "COMMIT",
  "COPY",
  "ALLOCATE",
  "DEALLOCATE",
  "CLONE",
]);

const moving: ReadonlySet<string> = new Set([...sized, "READ", "WRITE"]);

interface Requests {
  readonly key: string;
  readonly command: string;
  /** Class of their size, where that matters. */
  readonly size: string;
  readonly target: AnomalyTarget;
  readonly load: DataLoad;
}

/**
 * A slowdown against what is usual, without a threshold: per target and command the recent distribution is held against the learnt one. Hours without
 * requests teach nothing and age nothing. Another workload is not a slowdown: requests of another size have another baseline, and a rate that has
 * grown with the latency is a queue of the client's own making.
 */
export class SlowdownDetector implements Detector {
  readonly name = "slowdown";
  readonly needs: Needs = { slowNs: new Map() };
  #rules: SlowdownRules;
  readonly #learnt: BoundedMap<string, Learnt>;
  readonly #data: BoundedMap<string, DataLoad>;
  readonly #verdicts: Verdicts;
  readonly #sizes: RequestSizes;
  readonly #blindness = new Blindness([
    { source: "smb_wire", without: "SMB: no distribution of latencies" },
    { source: "nfs_rpc", without: "NFS: no distribution of latencies" },
    { source: "stats", without: "SMB: how large reads and writes are is not known, so theirs are not judged" },
  ]);
  #sliceEndNs = Number.NEGATIVE_INFINITY;

  constructor(rules: SlowdownRules) {
    this.#rules = rules;
    this.#learnt = new BoundedMap(rules.maxKeys);
    this.#data = new BoundedMap(rules.maxKeys);
    this.#verdicts = new Verdicts("slowdown", rules.maxKeys);
    this.#sizes = new RequestSizes(rules.maxKeys);
  }

  configure(rules: SlowdownRules): void {
    // Of slices of another length the rates are others; the distributions stay what they are.
    if (rules.sliceNs !== this.#rules.sliceNs)
      for (const learnt of this.#learnt.values()) learnt.rate *= rules.sliceNs / this.#rules.sliceNs;
    this.#learnt.resize(rules.maxKeys);
    this.#data.resize(rules.maxKeys);
    this.#verdicts.resize(rules.maxKeys);
    this.#sizes.resize(rules.maxKeys);
    this.#rules = rules;
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    const { nowNs } = observation;
    const anomalies = this.#turn(nowNs);
    switch (observation.type) {
      case "smb-window":
        for (const { connectionId, sessionId, treeId, commandCode, count, latency } of observation.windows) {
          const command = commandName(commandCode);
          const id = { connectionId, sessionId, treeId };
          const target: AnomalyTarget = {
            protocol: "smb",
            connectionId,
            sessionId,
            ...(treeId === 0 ? {} : { treeId }),
          };
          const size = sized.has(command) ? this.#sizes.of(id, command) : "";
          const load = this.#load(keyOf(target), moving.has(command) ? count : 0);
          const key = `${keyOf(target)}|${sessionId}|${treeId}`;
          if (count > 0 && size !== undefined) this.#add({ key, command, size, target, load }, latency);
        }
        break;
      case "rpc-window":
        for (const { target, procedure, count, latency } of observation.windows) {
          const load = this.#load(keyOf(target), moving.has(procedure) ? count : 0);
          const key = keyOf(target);
          if (count > 0) this.#add({ key, command: procedure, size: "", target: { ...target }, load }, latency);
        }
        break;
      case "smb-stats":
        this.#sizes.stats(observation.delta);
        break;
      case "smb-state":
        this.#sizes.state(observation.data);
        break;
    }
    return anomalies;
  }

  reject(): void {}

  state(): Readonly<Record<string, number>> {
    const learnt = [...this.#learnt.values()].filter(({ slices }) => slices >= this.#rules.learnSlices).length;
    return { baselines: this.#learnt.size, of_them_learnt: learnt, forgotten: this.#learnt.forgotten };
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  #load(key: string, count: number): DataLoad {
    const load = this.#data.of(key, () => ({ current: 0, usual: 0, slices: 0 }));
    load.current += count;
    return load;
  }

  #add({ key, command, size, target, load }: Requests, latency: ReadonlyMap<number, number>): void {
    if (excluded.has(command) || unsized.has(command)) return;
    const learnt = this.#learnt.of(`${key}|${command}|${size}`, () => ({
      target,
      command,
      data: load,
      baseline: new HistogramSum(),
      rate: 0,
      slices: 0,
      current: new HistogramSum(),
      slow: 0,
      sinceNs: 0,
    }));
    learnt.current.add(latency);
  }

  /** At the end of a slice. */
  #turn(nowNs: number): Anomaly[] {
    if (this.#sliceEndNs === Number.NEGATIVE_INFINITY) this.#sliceEndNs = nowNs + this.#rules.sliceNs;
    if (nowNs < this.#sliceEndNs) return [];
    this.#sliceEndNs = nowNs + this.#rules.sliceNs;
    const anomalies: Anomaly[] = [];
    for (const [key, learnt] of this.#learnt.entries()) {
      if (learnt.current.total === 0) continue;
      const anomaly = this.#judge(key, learnt, nowNs);
      if (anomaly !== undefined) anomalies.push(anomaly);
      learnt.current.clear();
    }
    for (const load of this.#data.values()) {
      if (load.current > 0) load.usual = this.#average(load.usual, load.current, load.slices++);
      load.current = 0;
    }
    return anomalies;
  }

  #judge(key: string, learnt: Learnt, nowNs: number): Anomaly | undefined {
    const { minRequests, slices, adaptSlices, sliceNs, learnSlices } = this.#rules;
    if (learnt.current.total < minRequests || learnt.slices < learnSlices) {
      this.#learn(learnt);
      return undefined;
    }
    const compared = this.#compare(learnt);
    if (compared === undefined) {
      learnt.slow = 0;
      this.#learn(learnt);
      return undefined;
    }
    if (learnt.slow === 0) learnt.sinceNs = nowNs - sliceNs;
    learnt.slow++;
    if (learnt.slow > adaptSlices) {
      // Whoever has been slow for so long is like that now.
      learnt.baseline.clear();
      learnt.slices = 0;
      learnt.slow = 0;
      return undefined;
    }
    if (learnt.slow < slices) return undefined;
    const { median, usual } = compared;
    return this.#verdicts.tell({
      rule: "distribution",
      key,
      severity: "warning",
      timeNs: nowNs,
      sinceNs: learnt.sinceNs,
      quietNs: 3 * sliceNs,
      count: Math.round(learnt.current.total),
      target: learnt.target,
      summary: `${learnt.command} takes ${seconds(median)} in the middle, usually ${seconds(usual)}, for ${seconds((nowNs - learnt.sinceNs) / 1000)} now`,
      evidence: {
        command: learnt.command,
        median_us: Math.round(median),
        usual_median_us: Math.round(usual),
        usual_p95_us: Math.round(learnt.baseline.quantile(0.95) ?? 0),
        requests: Math.round(learnt.current.total),
        usual_requests: Math.round(learnt.rate),
      },
    });
  }

  #compare({ current, baseline, rate, data }: Learnt): { readonly median: number; readonly usual: number } | undefined {
    const { factor, leastNs, rateFactor } = this.#rules;
    const median = current.quantile(0.5);
    const usual = baseline.quantile(0.5);
    const most = baseline.quantile(0.95);
    if (median === undefined || usual === undefined || most === undefined) return undefined;
    const slow = median >= factor * usual && (median - usual) * 1000 >= leastNs && median > most;
    const busier = current.total > rateFactor * rate || data.current > rateFactor * data.usual;
    return slow && !busier ? { median, usual } : undefined;
  }

  #learn(learnt: Learnt): void {
    const { minRequests, halfLifeSlices } = this.#rules;
    const keep = 0.5 ** (1 / halfLifeSlices);
    learnt.baseline.fade(keep);
    learnt.baseline.merge(learnt.current);
    // A few requests say nothing about the rate of a busy time.
    if (learnt.current.total < minRequests) return;
    learnt.rate = this.#average(learnt.rate, learnt.current.total, learnt.slices++);
  }

  /** The mean of the first ones, then fading. */
  #average(before: number, now: number, slices: number): number {
    const weight = Math.max(1 - 0.5 ** (1 / this.#rules.halfLifeSlices), 1 / (slices + 1));
    return before + (now - before) * weight;
  }
}
