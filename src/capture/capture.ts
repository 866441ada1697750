import type { ItemStatus } from "../bundle/manifest.ts";
import type { Recording } from "../flight-recorder/flight-recorder.ts";
import type { Clock } from "../system/clock.ts";
import type { Mount } from "../system/mounts.ts";
import type { Run } from "../system/process.ts";
import type { SampleRing } from "../system/samples.ts";

/** `open`: when an incident opens. `close`: when it closes. */
export type Phase = "open" | "close";

export interface ServerAddress {
  /** As in addr= of the mount, IPv4 or IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
}

/** One of the slowest or failed operations of the incident, with all that finds it again in a server's log. */
export interface WorstOp {
  readonly time: string;
  readonly [fact: string]: unknown;
}

/** What a capture may use. Nothing else: roots, clocks and programs come from here. */
export interface CaptureContext {
  readonly phase: Phase;
  readonly clock: Clock;
  /** `/proc` */
  readonly procRoot: string;
  /** `/sys` */
  readonly sysRoot: string;
  /** What `/etc` and `/var` are below; default `/`. */
  readonly fsRoot?: string;
  /** `/dev/kmsg` */
  readonly kmsgPath: string;
  readonly run: Run;
  /** What one program may take. */
  readonly programMs: number;
  /** Aborted at the capture's time limit and when the daemon ends. */
  readonly signal: AbortSignal;
  /** Of the mounts that are there now. */
  readonly servers: () => Promise<readonly ServerAddress[]>;
  /** CLOCK_MONOTONIC ns: when the incident opened. */
  readonly openedNs: number;
  /** The samples that are always being kept. */
  readonly samples: Pick<SampleRing, "dump">;
  /** Mounts of SMB and NFS. */
  readonly networkMounts: () => Promise<readonly Mount[]>;
  /** The flight recorder's kernel events since the last time, as trace.dat; absent: there is no such recorder. */
  readonly kernelEvents?: () => Recording;
  /** Its packets, payload taken out. */
  readonly packets?: (openedNs: number) => Recording;
  /** What sources saw since a moment, as lines of JSON. */
  readonly observations?: (sinceNs: number) => readonly string[];
  /** What `aod status` says. */
  readonly health?: () => Promise<unknown>;
  /** Of the incident so far, worst first. */
  readonly worstOps?: () => readonly WorstOp[];
  /** Counts something that is missing. */
  lost(kind: string, count: number, detail?: string): void;
}

/** One file of evidence, or the word that there is none. Text is redacted on its way into the bundle. */
export interface CaptureFile {
  /** Name without the phase: `DebugData` becomes `open/DebugData`. */
  readonly name: string;
  /** Where it comes from, for the manifest. */
  readonly source: string;
  /** Not text, and without any secret by the way it was made: not redacted. */
  readonly binary?: boolean;
  readonly content?: Buffer | string | AsyncIterable<Buffer | string>;
  /** Absent: `ok` with content. Without content one of the others is needed. */
  readonly status?: ItemStatus;
  readonly reason?: string;
}

/** Collects evidence of one kind. Registered in registry.ts. */
export interface Capture {
  readonly name: string;
  readonly summary: string;
  readonly phases: readonly Phase[];
  /** Bytes of one file; default 1 MiB. */
  readonly limitBytes?: number;
  collect(context: CaptureContext): AsyncIterable<CaptureFile>;
}
