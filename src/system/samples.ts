import type { Clock } from "./clock.ts";

export interface SampleLimits {
  /** s, default 120 */
  readonly maxAgeSeconds?: number;
  /** Bytes of JSON kept, default 256 KiB */
  readonly maxBytes?: number;
}

export interface SampleRing {
  /** Takes one sample. Call it once a second. Never throws: an unreadable file is named in the sample. */
  sample(): void;
  /** NDJSON lines, oldest first, each with its newline; `sinceNs`: CLOCK_MONOTONIC, only newer ones. */
  dump(sinceNs?: number): string[];
  /** Samples that were dropped for the byte limit before they were too old. */
  readonly dropped: number;
  close(): void;
}

/** Reads /proc/stat, meminfo, loadavg and pressure/{cpu,memory,io} below procRoot. */
export type CreateSampleRing = (procRoot: string, clock: Clock, limits?: SampleLimits) => SampleRing;
