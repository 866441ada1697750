import { statusHex, statusName } from "../smb/status.ts";
import { type Clock, wallTimeOf } from "../system/clock.ts";
import type { OpEnd, Phases, SmbOp, SmbTarget, Waiter } from "./op.ts";
import { errnoOf } from "./smb-outcome.ts";

/** An op as users see it: docs/op.md. Durations in µs; `time` less `latency_us` is when it began. */
export interface SmbOpJson {
  /** RFC 3339, UTC: when it ended; while in flight the moment of observation. */
  readonly time: string;
  readonly layer: "wire";
  readonly protocol: "smb";
  readonly command: string;
  readonly status?: string;
  readonly status_code?: string;
  readonly errno?: number;
  readonly latency_us: number;
  readonly phases_us: Phases;
  readonly pid?: number;
  readonly tid: number;
  readonly comm: string;
  readonly uid: number;
  readonly server?: string;
  readonly share?: string;
  /** Absent where the kernel does not tell. */
  readonly connection_id?: string;
  readonly session_id: string;
  readonly tree_id: string;
  readonly async_id?: string;
  readonly mid: string;
  readonly compound: boolean;
  readonly async?: boolean;
  /** Only for what is not over, or whose end was missed. */
  readonly state?: "open" | "answered" | "ghost";
  /** Why there is no response. */
  readonly end?: OpEnd;
  readonly opener_pid?: number;
  readonly cgroup_id?: string;
  /** Only when true: phases.wire reaches until the release. */
  readonly late_answer?: true;
}

/** `clock` turns the op's CLOCK_MONOTONIC times into those of the wall. */
export function opToJson(op: SmbOp, target: SmbTarget, clock: Clock): SmbOpJson {
  const errno = errnoOf(op);
  const state = stateOf(op);
  return {
    time: wallTimeOf(op.endedNs ?? op.startedNs + op.latencyUs * 1000, clock),
    layer: "wire",
    protocol: "smb",
    command: op.command,
    ...(op.status === undefined ? undefined : { status: statusName(op.status), status_code: statusHex(op.status) }),
    ...(errno === undefined ? undefined : { errno }),
    latency_us: op.latencyUs,
    phases_us: op.phasesUs,
    ...(op.pid === undefined ? undefined : { pid: op.pid }),
    tid: op.tid,
    comm: op.comm,
    uid: op.uid,
    ...(target.server === undefined ? undefined : { server: target.server }),
    ...(target.share === undefined ? undefined : { share: target.share }),
    ...(op.connectionId === 0n ? undefined : { connection_id: hex(op.connectionId) }),
    session_id: hex(op.sessionId),
    tree_id: hex(op.treeId),
    ...(op.asyncId === undefined ? undefined : { async_id: hex(op.asyncId) }),
    mid: String(op.mid),
    compound: op.compound,
    ...(op.async === undefined ? undefined : { async: op.async }),
    ...(state === undefined ? undefined : { state }),
    ...(op.end === undefined ? undefined : { end: op.end }),
    ...(op.opener === undefined ? undefined : { opener_pid: op.opener }),
    ...(op.cgroupId === 0n ? undefined : { cgroup_id: String(op.cgroupId) }),
    ...(op.lateAnswer ? { late_answer: true } : undefined),
  };
}

/** Undefined for what is over; an asynchronous request is over with its answer. */
function stateOf(op: SmbOp): Exclude<SmbOp["state"], "closed"> | undefined {
  if (op.state === "closed") return undefined;
  return op.state === "answered" && op.endedNs !== undefined ? undefined : op.state;
}

/** A task that waits and has no request yet, as users see it. */
export interface WaiterJson {
  /** RFC 3339, UTC: the moment of observation. */
  readonly time: string;
  readonly layer: "wire";
  readonly protocol: "smb";
  readonly waiting: Waiter["kind"];
  /** µs since it is known to wait: at least this long. */
  readonly waited_us: number;
  readonly pid?: number;
  readonly tid: number;
  readonly comm?: string;
  readonly server?: string;
  readonly connection_id?: string;
}

export function waiterToJson(waiter: Waiter, untilNs: number, target: SmbTarget, clock: Clock): WaiterJson {
  return {
    time: wallTimeOf(untilNs, clock),
    layer: "wire",
    protocol: "smb",
    waiting: waiter.kind,
    waited_us: Math.max(0, Math.floor((untilNs - waiter.sinceNs) / 1000)),
    ...(waiter.pid === undefined ? undefined : { pid: waiter.pid }),
    tid: waiter.tid,
    ...(waiter.comm === undefined ? undefined : { comm: waiter.comm }),
    ...(target.server === undefined ? undefined : { server: target.server }),
    ...(waiter.connectionId === undefined ? undefined : { connection_id: hex(waiter.connectionId) }),
  };
}

function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
