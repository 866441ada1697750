// The shapes of manifest.json, schema version 1. Field by field: docs/bundle.md.

export const SCHEMA_VERSION = 1;

/**
 * `ok`: whole. `truncated`: a limit cut it, the beginning is here. `failed`, `timed_out`: what there is was kept, `reason` says why.
 * `lost`: gone. `absent`: there is no such thing on this machine now. `skipped`: not tried, `reason` says why.
 */
export type ItemStatus = "ok" | "truncated" | "failed" | "timed_out" | "lost" | "absent" | "skipped";

/** One piece of evidence. `size` and `sha256` are those of the file in the bundle; both are absent when there is no file. */
export interface Item {
  /** Path inside the bundle, `/` between its parts. */
  readonly name: string;
  /** Where it came from: a path, a command line, or words. */
  readonly source: string;
  readonly status: ItemStatus;
  readonly reason?: string;
  /** Bytes. */
  readonly size?: number;
  /** Hexadecimal, lower case. */
  readonly sha256?: string;
  /** RFC 3339, UTC: when the collecting of it began. */
  readonly time?: string;
  /** ms from then to its end. */
  readonly took_ms?: number;
  /** How many secrets were taken out. */
  readonly redacted?: number;
}

/** A count of something that is missing from the evidence. */
export interface BundleLoss {
  readonly kind: string;
  readonly detail?: string;
  readonly count: number;
}

export interface BundleAnomaly {
  readonly detector: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly summary: string;
  /** The rule of the detector that it fell under. */
  readonly rule?: string;
  readonly severity?: string;
  /** Since when, where that is earlier than `time`. */
  readonly first?: string;
  readonly count?: number;
  readonly evidence?: Readonly<Record<string, number | string>>;
}

export interface BundleHost {
  readonly name: string;
  /** `uname -r` */
  readonly kernel: string;
  /** `x86_64`, `aarch64` */
  readonly arch: string;
  /** PRETTY_NAME of /etc/os-release */
  readonly distribution?: string;
}

export interface BundleVersions {
  readonly aod: string;
  readonly node: string;
  readonly kernel: string;
}

/** What the caller knows about the incident. The daemon fills it; times are RFC 3339 in UTC. */
export interface BundleMeta {
  /** The incident's id: letters, digits, `.`, `_`, `-`; it is the file's name too. */
  readonly id: string;
  /** The one that opened the incident. */
  readonly anomaly: BundleAnomaly;
  /** All of them, the first included. */
  readonly anomalies: readonly BundleAnomaly[];
  /** `server`, `share`, `connection_id`, ...; absent when not known. */
  readonly target: Readonly<Record<string, string>>;
  readonly opened: string;
  readonly closed?: string;
  /** The time that ops.ndjson covers, and whether that is what was asked for or what the ring still held. */
  readonly ops_from?: string;
  readonly ops_to?: string;
  readonly ops_coverage?: string;
  readonly losses: readonly BundleLoss[];
  readonly versions: BundleVersions;
  readonly host: BundleHost;
}

/** manifest.json. `recovered`: the daemon ended before the bundle did; a later start packed what was there. */
export interface Manifest extends BundleMeta {
  readonly schema_version: typeof SCHEMA_VERSION;
  readonly state: "complete" | "recovered";
  readonly notes: readonly string[];
  readonly items: readonly Item[];
}
