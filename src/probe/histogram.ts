// The kernel's log-linear histograms: four buckets per octave, unit 1,024 ns (aod_bucket_of() in bpf/).
import { AodLimit } from "./decoders.gen.ts";

const UNIT_NS = 1024;
const LAST = AodLimit.BUCKETS - 1;

/** The bucket of a duration in ns. Octaves 0 and 1 hold one bucket per unit, so 4 to 7 stay empty. */
export function bucketOf(ns: number): number {
  const units = Math.floor(ns / UNIT_NS);
  if (!(units >= 4)) return Math.max(0, units) || 0;
  const octave = Math.floor(Math.log2(units));
  return Math.min(LAST, octave * 4 + (Math.floor(units / 2 ** (octave - 2)) % 4));
}

/** The durations in µs that a bucket holds: from `low`, below `high`. The last bucket has no upper bound. */
export function bucketBounds(bucket: number): { readonly low: number; readonly high: number } {
  const low = (unitsFrom(bucket) * UNIT_NS) / 1000;
  return { low, high: bucket >= LAST ? Number.POSITIVE_INFINITY : (unitsFrom(bucket + 1) * UNIT_NS) / 1000 };
}

function unitsFrom(bucket: number): number {
  if (bucket < 8) return Math.min(bucket, 4);
  return 2 ** (Math.floor(bucket / 4) - 2) * (4 + (bucket % 4));
}
