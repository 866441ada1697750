import type { Observation } from "../detect/observation.ts";
import type { Clock } from "../system/clock.ts";
import type { Run } from "../system/process.ts";
import type { Stream } from "../system/stream.ts";

/** What makes sources look more often, or not at all. */
export interface Situation {
  /** Something is wrong, or was within the last seconds: what is looked at now is evidence. */
  readonly trouble: boolean;
  /** No probe tells of SMB, of NFS: the counters of /proc are all that there is. */
  readonly blindSmb: boolean;
  readonly blindNfs: boolean;
  /** Each mounted protocol has its probe, and for some seconds none of them has seen a request, nor anybody who waits. */
  readonly idle: boolean;
  /** There are such mounts. */
  readonly smb: boolean;
  readonly nfs: boolean;
}

/** Where a source looks. Nothing else: roots, clocks and programs come from here. */
export interface SourceRoots {
  readonly clock: Clock;
  /** `/proc` */
  readonly procRoot: string;
  /** `/sys` */
  readonly sysRoot: string;
  /** `/dev/kmsg` */
  readonly kmsgPath: string;
  /** `/`: what is not below the others, as /tmp and /run/user. */
  readonly fsRoot: string;
  readonly run: Run;
  readonly stream: Stream;
}

/** What one look gave. */
export interface Reading {
  readonly observations: readonly Observation[];
  /** It tells less than it could: why. */
  readonly degraded?: string;
  /** What it saw is reason enough to look more often for a while. */
  readonly trouble?: boolean;
}

/** `off`: there is nothing to look at here, or it may not be looked at: the reason. It is asked again at its next turn. */
export type Outcome = Reading | { readonly off: string };

/** What a source has lost since its start, by kind. */
export type SourceLosses = Readonly<Record<string, number>>;

/** Observes one thing. Made in registry.ts. A source never makes a file call on a path below a network mount. */
export interface Source {
  readonly name: string;
  /** Where it looks, for people. */
  readonly summary: string;
  /** Between two looks; POSITIVE_INFINITY: none now. */
  everyNs(situation: Situation): number;
  /** Most of a look is waiting for a program: how long it takes says little of its cost. */
  readonly waits?: boolean;
  /** ms that a look may take; then it counts as failed until it ends, and no other is begun. */
  readonly timeoutMs: number;
  read(situation: Situation, signal: AbortSignal): Outcome | Promise<Outcome>;
  losses?(): SourceLosses;
  /** What runs beside the looks ends. */
  close?(): void;
}
