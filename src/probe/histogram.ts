// The kernel's log-linear histograms: four buckets per octave, unit 1,024 ns; aod_bucket_of() in bpf/include/histogram.h.
import { AodLimit } from "./decoders.gen.ts";

const UNIT_NS = 1024;
const LAST = AodLimit.BUCKETS - 1;
/** What the last bucket begins with, 73 minutes; the three before it are never used. */
const LAST_FROM = 2 ** 32;

/** The bucket of a duration in ns. */
export function bucketOf(ns: number): number {
  const units = Math.floor(Math.max(0, ns) / UNIT_NS);
  if (units < 4) return units;
  if (units >= LAST_FROM) return LAST;
  const octave = Math.floor(Math.log2(units));
  return octave * 4 + (Math.floor(units / 2 ** (octave - 2)) % 4) - 4;
}

/** The durations in µs that a bucket holds: from `low`, below `high`. The last bucket has no upper bound. */
export function bucketBounds(bucket: number): { readonly low: number; readonly high: number } {
  const low = (unitsFrom(bucket) * UNIT_NS) / 1000;
  return { low, high: bucket >= LAST ? Number.POSITIVE_INFINITY : (unitsFrom(bucket + 1) * UNIT_NS) / 1000 };
}

function unitsFrom(bucket: number): number {
  if (bucket < 4) return bucket;
  return Math.min(LAST_FROM, 2 ** (Math.floor(bucket / 4) - 1) * (4 + (bucket % 4)));
}
