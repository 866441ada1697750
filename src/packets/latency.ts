const PER_OCTAVE = 16;

/** Durations in µs: count, mean and largest are exact, percentiles within 3 % (16 buckets for each doubling). */
export class Latency {
  count = 0;
  sumUs = 0;
  maxUs = 0;
  readonly #buckets = new Map<number, number>();

  add(us: number): void {
    // The clock of a capture may go backwards.
    const value = Math.max(0, us);
    this.count += 1;
    this.sumUs += value;
    if (value > this.maxUs) this.maxUs = value;
    this.#add(value < 1 ? 0 : Math.floor(Math.log2(value) * PER_OCTAVE), 1);
  }

  merge(other: Latency): void {
    this.count += other.count;
    this.sumUs += other.sumUs;
    this.maxUs = Math.max(this.maxUs, other.maxUs);
    for (const [bucket, count] of other.#buckets) this.#add(bucket, count);
  }

  get meanUs(): number {
    return this.count === 0 ? 0 : this.sumUs / this.count;
  }

  /** `share`: 0.5 for the median. */
  percentileUs(share: number): number {
    let left = Math.ceil(this.count * share);
    for (const [bucket, count] of [...this.#buckets].sort(([one], [two]) => one - two)) {
      left -= count;
      // The middle of the bucket, and no more than there was.
      if (left <= 0) return Math.min(this.maxUs, 2 ** ((bucket + 0.5) / PER_OCTAVE));
    }
    return this.maxUs;
  }

  #add(bucket: number, count: number): void {
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count);
  }
}
