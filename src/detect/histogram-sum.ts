import { AodLimit } from "../probe/decoders.gen.ts";
import { bucketBounds } from "../probe/histogram.ts";

/** A latency distribution that fades: what was added long ago counts less and less. */
export class HistogramSum {
  readonly #buckets = new Float32Array(AodLimit.BUCKETS);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(counts: ReadonlyMap<number, number>): void {
    for (const [bucket, count] of counts) {
      if (bucket < 0 || bucket >= this.#buckets.length) continue;
      this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + count;
      this.#total += count;
    }
  }

  /** Takes the whole of another in. */
  merge(other: HistogramSum): void {
    this.add(new Map([...other.#buckets.entries()].filter(([, count]) => count > 0)));
  }

  /** Everything counts this much of what it did. */
  fade(factor: number): void {
    for (const [bucket, count] of this.#buckets.entries()) this.#buckets[bucket] = count * factor;
    this.#total *= factor;
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#total = 0;
  }

  /** µs that `share` (0 to 1) of all stay below, as exact as the buckets are: 19 %. Undefined when there is nothing. */
  quantile(share: number): number | undefined {
    if (this.#total <= 0) return undefined;
    let left = share * this.#total;
    for (const [bucket, count] of this.#buckets.entries()) {
      left -= count;
      if (left <= 0 && count > 0) {
        const { low, high } = bucketBounds(bucket);
        return Number.isFinite(high) ? (low + high) / 2 : low;
      }
    }
    return undefined;
  }
}
