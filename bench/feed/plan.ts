/** What the feeder does, in order; a file of JSON beside it. */
export interface FeedPlan {
  readonly phases: readonly FeedPhase[];
  /** Where it writes what it has done, each second. */
  readonly report: string;
}

export interface FeedPhase {
  readonly name: string;
  readonly seconds: number;
  /** Requests that the ticks tell of, a second, over so many connections. */
  readonly requests: number;
  readonly connections: number;
  /** Requests that come one by one, a second. `failed`: refused at once with ACCESS_DENIED. `slow`: they took 2 s. */
  readonly told: number;
  readonly kind: "failed" | "slow";
}

/** What was fed so far. */
export interface FeedReport {
  readonly phase: string;
  readonly done: boolean;
  /** By name. */
  readonly phases: Readonly<Record<string, FeedCounts>>;
}

export interface FeedCounts {
  readonly ticks: number;
  readonly requests: number;
  readonly told: number;
  readonly bytes: number;
  /** Requests one by one that found no room in the ring buffer: lost. */
  readonly dropped: number;
  /** The most that waited: requests in the ring buffer, bytes before the pipe. */
  readonly mostRing: number;
  readonly mostWaiting: number;
  /** How late the feeder was with what it had to write, at most. */
  readonly latestMs: number;
}
