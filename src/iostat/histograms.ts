// The daemon's histograms of SMB requests, out of its /metrics: per server, share and command how many took at most how long, since the daemon started.

/** Of one server, share and command. */
export interface Histogram {
  readonly server: string;
  readonly share: string;
  /** `SMB2_READ` */
  readonly command: string;
  /** Upper bound in s -> how many took at most that long. */
  readonly buckets: ReadonlyMap<number, number>;
  readonly sum: number;
  readonly count: number;
}

/** By server, share and command. */
export type Histograms = ReadonlyMap<string, Histogram>;

/** Never throws: lines that are something else are passed over. */
export function parseHistograms(text: string): Histograms {
  const found = new Map<
    string,
    { server: string; share: string; command: string; buckets: Map<number, number>; sum: number; count: number }
  >();
  for (const line of text.split("\n")) {
    const [, kind, labels = "", number = ""] =
      /^aod_smb_request_duration_seconds_(bucket|sum|count)\{(.*)\} (\S+)$/.exec(line) ?? [];
    const value = Number(number);
    if (kind === undefined || !Number.isFinite(value)) continue;
    const { server = "", share = "", command = "", le } = labelsOf(labels);
    const key = histogramKey(server, share, command);
    const one = found.get(key) ?? { server, share, command, buckets: new Map(), sum: 0, count: 0 };
    found.set(key, one);
    if (kind === "bucket") one.buckets.set(le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le), value);
    else one[kind === "sum" ? "sum" : "count"] = value;
  }
  return found;
}

export function histogramKey(server: string, share: string, command: string): string {
  return `${server}\n${share}\n${command}`;
}

function labelsOf(text: string): Partial<Record<string, string>> {
  const labels: Record<string, string> = Object.create(null);
  for (const [, name = "", value = ""] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    labels[name] = value.replace(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
  }
  return labels;
}

/** What was counted between two readings; `before` absent: since the begin. Undefined when it went back: it is another daemon. */
export function histogramDelta(now: Histogram, before: Histogram | undefined): Histogram | undefined {
  if (before === undefined) return now;
  const buckets = new Map([...now.buckets].map(([bound, count]) => [bound, count - (before.buckets.get(bound) ?? 0)]));
  const count = now.count - before.count;
  if (count < 0 || [...buckets.values()].some((delta) => delta < 0)) return undefined;
  return { ...now, buckets, count, sum: Math.max(0, now.sum - before.sum) };
}

/** ms below which that share of the requests ended: within a bucket, between its bounds by their logarithm. Undefined of none. */
export function quantileMs({ buckets, count }: Histogram, share: number): number | undefined {
  if (count <= 0) return undefined;
  const wanted = share * count;
  let low = 0;
  let below = 0;
  for (const [bound, upTo] of [...buckets].sort(([a], [b]) => a - b)) {
    if (upTo >= wanted && upTo > below) {
      if (!Number.isFinite(bound)) return low * 1000;
      const part = (wanted - below) / (upTo - below);
      return (low === 0 ? bound * part : low * (bound / low) ** part) * 1000;
    }
    low = bound;
    below = upTo;
  }
  return low * 1000;
}
