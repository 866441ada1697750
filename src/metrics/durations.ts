import { bucketBounds } from "../probe/histogram.ts";

/** Upper bounds in seconds that the kernel's buckets fall into without a rest: 1.024 µs times powers of two, from 65 µs to 69 s. */
export const bounds: readonly number[] = [
  ...[6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 26].map((power) => (2 ** power * 1024) / 1e9),
  Number.POSITIVE_INFINITY,
];

/** Durations in Prometheus' buckets, out of the kernel's finer ones. */
export class Durations {
  /** By bound, not summed up. */
  readonly #counts = bounds.map(() => 0);
  #sum = 0;

  /** Deltas: the kernel's bucket -> count. */
  add(buckets: ReadonlyMap<number, number>): void {
    for (const [bucket, count] of buckets) {
      const { low, high } = bucketBounds(bucket);
      const index = bounds.findIndex((bound) => high / 1e6 <= bound * (1 + 1e-9));
      const at = index < 0 ? bounds.length - 1 : index;
      this.#counts[at] = (this.#counts[at] ?? 0) + count;
      this.#sum += (count * (Number.isFinite(high) ? (low + high) / 2 : low)) / 1e6;
    }
  }

  /** Seconds; each duration counts as the middle of its kernel bucket, which is within 13 %. */
  get sum(): number {
    return this.#sum;
  }

  /** How many are at most each bound. */
  cumulative(): number[] {
    let below = 0;
    return this.#counts.map((count) => {
      below += count;
      return below;
    });
  }
}
