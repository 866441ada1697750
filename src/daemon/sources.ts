import type { Observation, ObservationOf, SourceState } from "../detect/observation.ts";
import type { Outcome, Situation, Source, SourceLosses } from "../sources/source.ts";
import { messageOf } from "../system/error.ts";

/** How one source does. Times are CLOCK_MONOTONIC ns. */
export interface SourceHealth {
  readonly name: string;
  readonly summary: string;
  readonly state: SourceState | "starting";
  readonly why?: string;
  /** Since when it is in this state. */
  readonly sinceNs: number;
  /** When a look succeeded last. */
  readonly lastSuccessNs?: number;
  /** How long the last look took, and the longest. */
  readonly tookMs?: number;
  readonly longestMs: number;
  readonly looks: number;
  readonly failures: number;
  /** Looks that took longer than they may, and turns that passed because one had not ended. */
  readonly timeouts: number;
  readonly skipped: number;
  readonly losses: SourceLosses;
}

export interface SourcesOptions {
  readonly sources: readonly Source[];
  /** Not wanted, by name. */
  readonly excluded?: ReadonlySet<string>;
  /** The real time, also while a recording's stands. */
  readonly nowNs: () => number;
  readonly observed: (observation: Observation) => void;
  readonly log: { warn(details: object, message: string): void; info(details: object, message: string): void };
}

/** Trouble that nobody tells of again is over after this. */
const TROUBLE_NS = 15e9;
/** So long after the last request there is nothing to be seen. */
const IDLE_NS = 10e9;
/** A source that failed is asked again at its next turn, and no sooner than this. */
const AFTER_FAILURE_NS = 10e9;
/** A look that took long is made as much more rarely: on a machine with thousands of tasks or mounts too, a source takes 2 % of its time at most ... */
const SHARE = 50;
/** ... and in trouble, when what is seen is evidence, 10 %. */
const SHARE_IN_TROUBLE = 10;
/** How much of it a program waits that a source has started. */
const WAITS = 5;
/** Beats come once a second, and not to the nanosecond. */
const EARLY_NS = 0.1e9;

interface Entry {
  readonly source: Source;
  state: SourceHealth["state"];
  why: string | undefined;
  sinceNs: number;
  lastSuccessNs: number | undefined;
  tookMs: number | undefined;
  longestMs: number;
  looks: number;
  failures: number;
  timeouts: number;
  skipped: number;
  /** When it began, while it looks. */
  busySinceNs: number | undefined;
  abort: AbortController | undefined;
  lastNs: number;
}

function affordableNs({ source, tookMs = 0 }: Entry, { trouble }: Situation): number {
  return ((trouble ? SHARE_IN_TROUBLE : SHARE) * tookMs * 1e6) / (source.waits ? WAITS : 1);
}

/**
 * All sources of the daemon: each has its turn, each look its time, and none stops another. At most one look of a source is under way; one that
 * does not end in time is given up, and what it still says is not heard.
 */
export class Sources {
  readonly #options: SourcesOptions;
  readonly #entries: readonly Entry[];
  readonly #mounts = { smb: false, nfs: false };
  readonly #probes = { smb: false, nfs: false };
  #busyNs = Number.NEGATIVE_INFINITY;
  #troubleUntilNs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: SourcesOptions) {
    this.#options = options;
    const nowNs = options.nowNs();
    this.#entries = options.sources.map((source) => {
      const excluded = options.excluded?.has(source.name) === true;
      return {
        source,
        state: excluded ? "off" : "starting",
        why: excluded ? "the configuration excludes it" : undefined,
        sinceNs: nowNs,
        lastSuccessNs: undefined,
        tookMs: undefined,
        longestMs: 0,
        looks: 0,
        failures: 0,
        timeouts: 0,
        skipped: 0,
        busySinceNs: undefined,
        abort: undefined,
        lastNs: excluded ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY,
      };
    });
  }

  get health(): readonly SourceHealth[] {
    return this.#entries.map((entry) => ({
      name: entry.source.name,
      summary: entry.source.summary,
      state: entry.state,
      ...(entry.why === undefined ? {} : { why: entry.why }),
      sinceNs: entry.sinceNs,
      ...(entry.lastSuccessNs === undefined ? {} : { lastSuccessNs: entry.lastSuccessNs }),
      ...(entry.tookMs === undefined ? {} : { tookMs: entry.tookMs }),
      longestMs: entry.longestMs,
      looks: entry.looks,
      failures: entry.failures,
      timeouts: entry.timeouts,
      skipped: entry.skipped,
      losses: entry.source.losses?.() ?? {},
    }));
  }

  get situation(): Situation {
    return {
      trouble: this.#options.nowNs() < this.#troubleUntilNs,
      idle: this.#idle,
      blindSmb: !this.#probes.smb,
      blindNfs: !this.#probes.nfs,
      smb: this.#mounts.smb,
      nfs: this.#mounts.nfs,
    };
  }

  get #idle(): boolean {
    const seen = (!this.#mounts.smb || this.#probes.smb) && (!this.#mounts.nfs || this.#probes.nfs);
    return seen && this.#options.nowNs() - this.#busyNs >= IDLE_NS;
  }

  /** A probe sees requests, or tasks that wait. */
  busy(): void {
    this.#busyNs = this.#options.nowNs();
  }

  /** Look more often for a while. */
  trouble(): void {
    this.#troubleUntilNs = this.#options.nowNs() + TROUBLE_NS;
  }

  /** Whether a probe of that name tells of requests now. */
  probe(name: string, running: boolean): void {
    if (name === "smb_wire") this.#probes.smb = running;
    if (name === "nfs_rpc") this.#probes.nfs = running;
  }

  /** Mounts have come and gone. */
  mounted({ all }: ObservationOf<"mounts">): void {
    this.#mounts.smb = all.some(({ target }) => target.protocol === "smb");
    this.#mounts.nfs = all.some(({ target }) => target.protocol === "nfs");
  }

  /** Once a second. */
  beat(): void {
    if (this.#closed) return;
    for (const entry of this.#entries) this.#turn(entry);
  }

  close(): void {
    this.#closed = true;
    for (const { source, abort } of this.#entries) {
      abort?.abort();
      source.close?.();
    }
  }

  #turn(entry: Entry): void {
    const nowNs = this.#options.nowNs();
    if (entry.lastNs === Number.POSITIVE_INFINITY) return;
    const situation = this.situation;
    const own = entry.source.everyNs(situation);
    const everyNs = Math.max(own, entry.state === "failed" ? AFTER_FAILURE_NS : affordableNs(entry, situation));
    if (nowNs - entry.lastNs < everyNs - EARLY_NS) {
      this.#overdue(entry, nowNs);
      return;
    }
    if (entry.busySinceNs !== undefined) {
      entry.skipped++;
      this.#overdue(entry, nowNs);
      return;
    }
    entry.lastNs = nowNs;
    this.#look(entry, situation, nowNs);
  }

  #overdue(entry: Entry, nowNs: number): void {
    const { busySinceNs, abort } = entry;
    if (busySinceNs === undefined || abort === undefined || abort.signal.aborted) return;
    if (nowNs - busySinceNs < entry.source.timeoutMs * 1e6) return;
    abort.abort();
    entry.timeouts++;
    this.#set(entry, "failed", `no answer within ${entry.source.timeoutMs / 1000} s`, nowNs);
  }

  #look(entry: Entry, situation: Situation, nowNs: number): void {
    const abort = new AbortController();
    entry.looks++;
    try {
      const outcome = entry.source.read(situation, abort.signal);
      if (!(outcome instanceof Promise)) {
        this.#ended(entry, nowNs, outcome);
        return;
      }
      entry.busySinceNs = nowNs;
      entry.abort = abort;
      outcome.then(
        (late) => this.#settled(entry, nowNs, abort.signal, late),
        (error: unknown) => this.#settled(entry, nowNs, abort.signal, undefined, error),
      );
    } catch (error) {
      this.#failed(entry, nowNs, error);
    }
  }

  #settled(entry: Entry, beganNs: number, signal: AbortSignal, outcome: Outcome | undefined, error?: unknown): void {
    entry.busySinceNs = undefined;
    entry.abort = undefined;
    // Given up: what it says now is old.
    if (this.#closed || signal.aborted) return;
    if (outcome === undefined) this.#failed(entry, beganNs, error);
    else this.#ended(entry, beganNs, outcome);
  }

  #ended(entry: Entry, beganNs: number, outcome: Outcome): void {
    const nowNs = this.#options.nowNs();
    if ("off" in outcome) {
      this.#set(entry, "off", outcome.off, nowNs);
      return;
    }
    this.#took(entry, beganNs, nowNs);
    entry.lastSuccessNs = nowNs;
    this.#set(entry, outcome.degraded === undefined ? "ok" : "degraded", outcome.degraded, nowNs);
    if (outcome.trouble) this.trouble();
    for (const observation of outcome.observations) this.#options.observed(observation);
  }

  #failed(entry: Entry, beganNs: number, error: unknown): void {
    const nowNs = this.#options.nowNs();
    this.#took(entry, beganNs, nowNs);
    entry.failures++;
    this.#set(entry, "failed", messageOf(error), nowNs);
  }

  #took(entry: Entry, beganNs: number, nowNs: number): void {
    entry.tookMs = (nowNs - beganNs) / 1e6;
    entry.longestMs = Math.max(entry.longestMs, entry.tookMs);
  }

  #set(entry: Entry, state: SourceState, why: string | undefined, nowNs: number): void {
    const { name } = entry.source;
    const changed = entry.state !== state;
    const news = changed || (state !== "ok" && entry.why !== why);
    entry.why = why;
    if (!news) return;
    if (changed) {
      if (state === "failed") this.#options.log.warn({ source: name, why }, "a source has failed");
      else if (entry.state === "failed") this.#options.log.info({ source: name, state }, "a source is back");
      entry.state = state;
      entry.sinceNs = nowNs;
    }
    const reason = why === undefined ? {} : { why };
    this.#options.observed({ type: "source", nowNs, source: name, state, ...reason });
  }
}
