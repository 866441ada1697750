import { bucketBounds, bucketOf } from "../probe/histogram.ts";
import type { Loss } from "../probe/op.ts";
import { left, right } from "./table-text.ts";

interface Counts {
  count: number;
  failed: number;
  maxUs: number;
  readonly buckets: Map<number, number>;
}

/** What has been shown, per command: counts, failures and percentiles of the latency. */
export class Summary {
  private readonly commands = new Map<string, Counts>();
  private ops = 0;
  private failed = 0;

  add(command: string, latencyUs: number, failed: boolean): void {
    const counts = this.commands.get(command) ?? { count: 0, failed: 0, maxUs: 0, buckets: new Map<number, number>() };
    this.commands.set(command, counts);
    counts.count++;
    counts.failed += failed ? 1 : 0;
    counts.maxUs = Math.max(counts.maxUs, latencyUs);
    const bucket = bucketOf(latencyUs * 1000);
    counts.buckets.set(bucket, (counts.buckets.get(bucket) ?? 0) + 1);
    this.ops++;
    this.failed += failed ? 1 : 0;
  }

  /** Lines for people. `seconds`: how long it traced. */
  lines(seconds: number, losses: readonly Loss[]): readonly string[] {
    const plural = this.ops === 1 ? "operation" : "operations";
    const failures = this.failed === 0 ? "" : `, ${this.failed} failed`;
    const head = `${this.ops} ${plural} in ${seconds.toFixed(1)} s${failures}`;
    return [head, ...this.table(), `Lost: ${losses.length === 0 ? "nothing" : losses.map(lossText).join(", ")}`];
  }

  private table(): readonly string[] {
    if (this.commands.size === 0) return [];
    const rows = [...this.commands].sort(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1));
    const wide = Math.max(...rows.map(([name]) => name.length), 7);
    const line = (name: string, values: readonly (string | number)[]): string =>
      [left(name, wide), ...values.map((value) => right(value, 9))].join(" ");
    return [
      line("COMMAND", ["COUNT", "FAILED", "P50(ms)", "P95(ms)", "P99(ms)", "MAX(ms)"]),
      ...rows.map(([name, counts]) =>
        line(name, [
          counts.count,
          counts.failed,
          ...[0.5, 0.95, 0.99].map((share) => (percentileUs(counts, share) / 1000).toFixed(3)),
          (counts.maxUs / 1000).toFixed(3),
        ]),
      ),
    ];
  }
}

/** The upper bound of the bucket that holds it, at most the largest value: never less than the exact percentile, and at most 25 % more. */
function percentileUs({ count, buckets, maxUs }: Counts, share: number): number {
  let left = Math.ceil(count * share);
  for (const [bucket, inIt] of [...buckets].sort(([a], [b]) => a - b)) {
    left -= inIt;
    if (left <= 0) return Math.min(bucketBounds(bucket).high, maxUs);
  }
  return maxUs;
}

/** `12 ringbuf` or `3 unseen (SMB2_READ)` */
export function lossText({ kind, detail, count }: Loss): string {
  return `${count} ${kind}${detail === undefined ? "" : ` (${detail})`}`;
}
