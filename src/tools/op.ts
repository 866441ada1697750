// What the frame of the tracing tools knows of an op, of whatever probe.
import type { OpBase, Waiter } from "../probe/op.ts";
import type { Clock } from "../system/clock.ts";

/** What an op went to; absent parts are not known. `server` and `share` are shown, all of them can be filtered by. */
export interface Target {
  readonly server?: string;
  /** `\\host\share`, or an export `server:/path`. */
  readonly share?: string;
  /** The server's address, where `server` is its name. */
  readonly address?: string;
  /** st_dev of the mount, as mountinfo writes it: `0:45`. */
  readonly device?: string;
  /** Where it is mounted, and what of it: of several mounts of one file system the first. */
  readonly mountPoint?: string;
  readonly root?: string;
  /** Of the protocol, as the mount says it: `3.1.1`, `4.2`. */
  readonly version?: string;
}

export interface OpRow<Op extends OpBase> {
  readonly kind: "op";
  readonly op: Op;
  readonly target: Target;
  readonly clock: Clock;
}

/** A task that waits and has no op yet. */
export interface WaiterRow {
  readonly kind: "waiter";
  readonly waiter: Waiter;
  readonly untilNs: number;
  readonly target: Target;
  readonly clock: Clock;
}

/** One line of output. */
export type Row<Op extends OpBase> = OpRow<Op> | WaiterRow;

/** What a tool sees of the machine besides its probes. A recording keeps it, so that a replay sees the same. */
export interface World {
  readonly clock: Clock;
  /** The text of a file below /proc; undefined when there is none or it cannot be read. */
  readonly readProc: (path: string) => string | undefined;
}

/** CLOCK_MONOTONIC ns of an op's end; while it is in flight, the moment of observation. */
export function endOf(op: OpBase): number {
  return op.endedNs ?? op.startedNs + op.latencyUs * 1000;
}

export function waitedUs({ waiter, untilNs }: WaiterRow): number {
  return Math.max(0, Math.floor((untilNs - waiter.sinceNs) / 1000));
}
