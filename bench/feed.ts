import type { FeedPhase } from "./feed/plan.ts";
import type { FeedResult, FeedSample } from "./feed/run.ts";
import { sum, table, whole } from "./numbers.ts";
import type { GuestMemory } from "./request.ts";

/** kB: of everything together. */
export const memoryLimits = { rssAnon: 70_000_000 / 1024, rss: 120_000_000 / 1024 } as const;

/** An office of 40 mounts: 500 requests a second, two of which are refused, each time of another mount. */
export function hourPhases(seconds: number): FeedPhase[] {
  return [{ name: "traffic", seconds, requests: 500, connections: 40, told: 2, kind: "failed" }];
}

/** 200 mounts, of which every request that is told is an anomaly of its own. */
export function anomalyPhases(seconds: number): FeedPhase[] {
  return [{ name: "anomalies", seconds, requests: 2000, connections: 200, told: 500, kind: "slow" }];
}

/**
 * 20,000 requests a second during an incident, whose bundle takes every one of them from the history. At first each hundredth is refused and comes by
 * itself, then each.
 */
export function rushPhases(seconds: number): FeedPhase[] {
  const rush = { seconds, requests: 20_000, connections: 1, kind: "failed" } as const;
  return [
    { name: "each hundredth refused", ...rush, told: 200 },
    { name: "each refused", ...rush, told: 20_000 },
  ];
}

const mB = (kB: number): string => ((kB * 1024) / 1e6).toFixed(1);
const total = ({ processes }: FeedSample, what: "rss" | "rssAnon"): number => sum(processes.map((one) => one[what]));

/** Ten looks at equal distances, and the greatest values of all. */
export function memoryText(samples: readonly FeedSample[]): string {
  const last = samples.length - 1;
  const shown = [...new Set(Array.from({ length: 11 }, (_, i) => Math.round((i * last) / 10)))];
  const rows = shown.flatMap((i) => {
    const sample = samples[i];
    if (sample === undefined) return [];
    const { atS, anomalies } = sample;
    return [[String(atS), whole(anomalies), mB(total(sample, "rssAnon")), mB(total(sample, "rss"))]];
  });
  const names = (samples[last]?.processes ?? []).map(({ name, rssAnon, rss }) => `${name} ${mB(rssAnon)} / ${mB(rss)}`);
  const most = (what: "rss" | "rssAnon"): string => mB(Math.max(...samples.map((sample) => total(sample, what))));
  return [
    table([["s", "anomalies", "RssAnon, MB", "RSS, MB"], ...rows]),
    "",
    `at most: RssAnon ${most("rssAnon")} MB, RSS ${most("rss")} MB; at the end, RssAnon / RSS in MB: ${names.join(", ")}`,
    "without aod-probe, whose memory the benchmark memory measures",
  ].join("\n");
}

/** Processes of a guest, and all of them together. MB of 10^6 bytes. */
export function processesText(processes: readonly GuestMemory[]): string {
  const all = { name: "together", rss: 0, rssAnon: 0, pss: 0 };
  for (const one of processes) for (const what of ["rss", "rssAnon", "pss"] as const) all[what] += one[what];
  const rows = [...processes, all].map(({ name, rss, rssAnon, pss }) => [name, mB(rssAnon), mB(rss), mB(pss)]);
  return table([["MB", "RssAnon", "RSS", "PSS"], ...rows]);
}

export function rushText({ report, judged, status }: FeedResult): string {
  const losses = status.probes.flatMap((probe) => probe.losses).map(({ kind, count }) => `${kind} ${count}`);
  const fed = Object.entries(report.phases);
  const head = [
    "",
    "requests",
    "told one by one",
    "lost for want of room",
    "most in the ring buffer",
    "before the pipe, bytes",
    "late by, ms",
  ];
  const rows = fed.map(([name, { requests, told, dropped, mostRing, mostWaiting, latestMs }]) => [
    name,
    ...[requests, told, dropped, mostRing, mostWaiting, latestMs].map(whole),
  ]);
  return [
    table([head, ...rows]),
    "",
    `room for 5,461 requests in the ring buffer, for ${whole(4 << 20)} bytes before the pipe`,
    `told one by one: ${whole(sum(fed.map(([, { told }]) => told)))}, judged: ${whole(judged)}`,
    `losses that the daemon tells: ${losses.length === 0 ? "none" : losses.join(", ")}`,
  ].join("\n");
}
