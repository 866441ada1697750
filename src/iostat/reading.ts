// What smbiostat reads at one moment: texts of /proc, and the daemon's metrics where it runs. A recording of a run is these, one a line.
import { join } from "node:path";
import { type NfsMountStats, parseMountstats } from "../nfs/mountstats.ts";
import { type DebugData, parseDebugData } from "../smb/debug-data.ts";
import { type CifsStats, parseStats } from "../smb/stats.ts";
import { readText } from "../sources/read.ts";
import type { Clock } from "../system/clock.ts";
import { AodError } from "../system/error.ts";
import { type Histograms, parseHistograms } from "./histograms.ts";

const LIMIT_BYTES = 16 * 1024 ** 2;

/** As it is recorded. Absent: there is no such file, or it may not be read. */
export interface ReadingTexts {
  readonly wall_ms: number;
  /** CLOCK_MONOTONIC. */
  readonly ns: number;
  readonly Stats?: string;
  readonly DebugData?: string;
  readonly mountstats?: string;
  /** What a running daemon answers at /metrics. */
  readonly metrics?: string;
}

export interface Reading {
  readonly wallMs: number;
  readonly ns: number;
  /** Absent: the module cifs is not loaded. */
  readonly stats?: CifsStats;
  readonly debugData?: DebugData;
  readonly mounts: readonly NfsMountStats[];
  readonly histograms?: Histograms;
}

export function takeTexts(procRoot: string, clock: Clock, metrics: string | undefined): ReadingTexts {
  const files = {
    Stats: textOf(join(procRoot, "fs/cifs/Stats")),
    DebugData: textOf(join(procRoot, "fs/cifs/DebugData")),
    mountstats: textOf(join(procRoot, "self/mountstats")),
    metrics,
  };
  const there = Object.fromEntries(Object.entries(files).filter(([, text]) => text !== undefined));
  return { wall_ms: clock.wallMs(), ns: clock.nowNs(), ...there };
}

function textOf(path: string): string | undefined {
  const file = readText(path, LIMIT_BYTES);
  if (file?.cut === true) throw new AodError("failed", `${path} is longer than ${LIMIT_BYTES / 1024 ** 2} MiB`);
  return file?.text;
}

export function readingOf({ wall_ms: wallMs, ns, Stats, DebugData, mountstats, metrics }: ReadingTexts): Reading {
  return {
    wallMs,
    ns,
    ...(Stats === undefined ? {} : { stats: parseStats(Stats) }),
    ...(DebugData === undefined ? {} : { debugData: parseDebugData(DebugData) }),
    mounts: mountstats === undefined ? [] : parseMountstats(mountstats),
    ...(metrics === undefined ? {} : { histograms: parseHistograms(metrics) }),
  };
}
