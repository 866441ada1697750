import { type Clock, wallTimeOf } from "../system/clock.ts";
import { argsJson, argsOf } from "./vfs-args.ts";
import type { VfsOp, VfsProtocol, VfsType } from "./vfs-op.ts";

/** What the tools know of where a call went. */
export interface VfsWhere {
  readonly server?: string;
  readonly share?: string;
  readonly path?: string;
  readonly secondPath?: string;
}

/** A call as users see it: docs/vfs-op.md. Durations in µs; `time` less `latency_us` is when it began. */
export interface VfsOpJson {
  /** RFC 3339, UTC: when it ended; while it runs the moment of observation. */
  readonly time: string;
  readonly layer: "vfs";
  readonly protocol: VfsProtocol;
  readonly type: VfsType;
  readonly function: string;
  readonly member: string;
  readonly retval?: number;
  readonly errno?: number;
  readonly latency_us: number;
  readonly args: Readonly<Record<string, string | number>>;
  readonly path?: string;
  /** Of a rename, link, copy or clone: the second. */
  readonly path2?: string;
  readonly size?: number;
  readonly offset?: number;
  readonly pid?: number;
  readonly tid: number;
  readonly comm: string;
  readonly uid?: number;
  readonly cgroup_id?: string;
  readonly server?: string;
  readonly share?: string;
  readonly device?: string;
  /** Only while it runs. */
  readonly state?: "open";
  /** Only when true: it belongs to other file systems too. */
  readonly shared?: true;
  /** Only when true: the name is one that the inode has, not the one it was called with. */
  readonly alias?: true;
}

/** `clock` turns CLOCK_MONOTONIC into the time of the wall. */
export function vfsOpToJson(op: VfsOp, where: VfsWhere, clock: Clock): VfsOpJson {
  const { callback } = op;
  const { type, member } = callback;
  const { server, share, path, secondPath } = where;
  return {
    time: wallTimeOf(op.endedNs ?? op.startedNs + op.latencyUs * 1000, clock),
    layer: "vfs",
    protocol: op.protocol,
    type,
    function: callback.function,
    member,
    ...(op.retval === undefined ? undefined : { retval: op.retval }),
    ...(op.errno === undefined ? undefined : { errno: op.errno }),
    latency_us: op.latencyUs,
    args: op.endedNs === undefined ? {} : argsJson(argsOf(op)),
    ...(path === undefined ? undefined : { path }),
    ...(secondPath === undefined ? undefined : { path2: secondPath }),
    ...(op.size === undefined ? undefined : { size: op.size }),
    ...(op.pos === undefined ? undefined : { offset: op.pos }),
    ...(op.pid === undefined ? undefined : { pid: op.pid }),
    tid: op.tid,
    comm: op.comm,
    ...(op.uid === undefined ? undefined : { uid: op.uid }),
    ...(op.cgroupId === 0n ? undefined : { cgroup_id: String(op.cgroupId) }),
    ...(server === undefined ? undefined : { server }),
    ...(share === undefined ? undefined : { share }),
    ...(op.device === undefined ? undefined : { device: op.device }),
    ...(op.endedNs === undefined ? { state: "open" } : undefined),
    ...(callback.shared ? { shared: true } : undefined),
    ...(op.alias ? { alias: true } : undefined),
  };
}
