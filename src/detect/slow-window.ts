/** One slow operation or wait, known by its key; the caller's details travel with it. */
export interface SlowEntry<Detail> {
  readonly key: string;
  /** ns: the last moment at which it is known to have been over its threshold. */
  readonly timeNs: number;
  readonly detail: Detail;
}

/** A cluster that meets the rule: `count` or more entries, the first and the last less than the window apart. */
export interface Cluster<Detail> {
  /** ns: time of its last entry. */
  readonly timeNs: number;
  readonly entries: readonly SlowEntry<Detail>[];
}

export interface SlowWindowRules {
  readonly windowNs: number;
  readonly count: number;
  readonly limit?: number;
}

/**
 * A sliding window over the times of the operations themselves, not over the batches that they arrive in. Each key counts once, at its
 * latest time, so that an operation that was seen in flight is not counted again when it completes.
 *
 * Bounded: more than `limit` entries (at least `count`) are never needed to tell whether `count` fall into one window; the oldest go first.
 */
export class SlowWindow<Detail> {
  #windowNs = 0;
  #count = 0;
  #limit = 0;
  #entries = new Map<string, SlowEntry<Detail>>();
  #newestNs = Number.NEGATIVE_INFINITY;

  constructor(options: SlowWindowRules) {
    this.configure(options);
  }

  /** What is in it stays. */
  configure(options: SlowWindowRules): void {
    this.#windowNs = options.windowNs;
    this.#count = options.count;
    this.#limit = Math.max(options.limit ?? 1024, options.count);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** ns: the latest time that was added. */
  get newestNs(): number {
    return this.#newestNs;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /**
   * Takes a batch and returns the latest cluster that meets the rule with at least one entry of this batch in it. What arrives more than
   * one window after its own time may find its neighbours gone.
   */
  add(batch: readonly SlowEntry<Detail>[]): Cluster<Detail> | undefined {
    if (batch.length === 0) return undefined;
    const fresh = new Set<string>();
    for (const entry of batch) {
      const known = this.#entries.get(entry.key);
      if (known === undefined || known.timeNs <= entry.timeNs) this.#entries.set(entry.key, entry);
      this.#newestNs = Math.max(this.#newestNs, entry.timeNs);
      fresh.add(entry.key);
      if (this.#entries.size > 2 * this.#limit) this.#keep(this.#sorted());
    }
    const sorted = this.#sorted();
    const cluster = this.#latestCluster(sorted, fresh);
    // After the search: a batch may tell of more than a window, and its first must still find their neighbours.
    const oldest = this.#newestNs - 2 * this.#windowNs;
    this.#keep(sorted.filter((entry) => entry.timeNs > oldest));
    return cluster;
  }

  #sorted(): SlowEntry<Detail>[] {
    return [...this.#entries.values()].sort((a, b) => a.timeNs - b.timeNs);
  }

  /** The newest of them, as many as there is room for. */
  #keep(sorted: readonly SlowEntry<Detail>[]): void {
    const kept = sorted.slice(Math.max(0, sorted.length - this.#limit));
    if (kept.length !== this.#entries.size) this.#entries = new Map(kept.map((entry) => [entry.key, entry]));
  }

  #latestCluster(sorted: readonly SlowEntry<Detail>[], fresh: ReadonlySet<string>): Cluster<Detail> | undefined {
    let start = 0;
    let lastFresh = -1;
    let best: { readonly start: number; readonly end: number } | undefined;
    for (const [end, entry] of sorted.entries()) {
      if (fresh.has(entry.key)) lastFresh = end;
      while (entry.timeNs - (sorted[start]?.timeNs ?? entry.timeNs) >= this.#windowNs) start++;
      if (end - start + 1 >= this.#count && lastFresh >= start) best = { start, end };
    }
    if (best === undefined) return undefined;
    const entries = sorted.slice(best.start, best.end + 1);
    return { timeNs: entries.at(-1)?.timeNs ?? this.#newestNs, entries };
  }
}
