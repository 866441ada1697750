import { versionText } from "../nfs/versions.ts";
import { type Clock, wallTimeOf } from "../system/clock.ts";
import type { RpcOp } from "./rpc-op.ts";

/** What an RPC was about, in the words of its mount; absent parts are not known. */
export interface RpcNames {
  readonly server?: string;
  readonly address?: string;
  /** `server:/export` */
  readonly share?: string;
  readonly path?: string;
}

/** Attempts beyond the first, for whatever reason the client made them. */
export function restartsOf({ attempts }: RpcOp): number {
  return Math.max(0, attempts - 1);
}

/** An op as users see it: docs/nfsslower.md. */
export function rpcToJson(op: RpcOp, { server, address, share, path }: RpcNames, clock: Clock) {
  return {
    time: wallTimeOf(op.endedNs ?? op.startedNs + op.latencyUs * 1000, clock),
    layer: "wire",
    protocol: "nfs",
    version: versionText(op.version, op.minor),
    command: op.procedure,
    ...(op.status?.nfs === undefined ? undefined : { status: op.status.nfs, status_code: op.status.code }),
    ...(op.status === undefined ? undefined : { errno: op.status.errno }),
    latency_us: op.latencyUs,
    phases_us: op.phasesUs,
    ...(op.delayUs === undefined ? undefined : { delay_us: op.delayUs }),
    ...(op.executeUs === undefined ? undefined : { execute_us: op.executeUs }),
    attempts: op.attempts,
    restarts: restartsOf(op),
    retransmissions: op.retransmissions,
    ...(op.timeouts === 0 ? undefined : { major_timeouts: op.timeouts }),
    pid: op.pid,
    tid: op.tid,
    comm: op.comm,
    uid: op.uid,
    ...(op.worker ? { kernel_thread: true } : undefined),
    ...(server === undefined ? undefined : { server }),
    ...(address === undefined ? undefined : { address }),
    ...(share === undefined ? undefined : { share }),
    client_id: op.target.clientId,
    ...(op.target.parentId === undefined ? undefined : { parent_client_id: op.target.parentId }),
    ...(op.xid === undefined ? undefined : { xid: `0x${op.xid.toString(16).padStart(8, "0")}` }),
    ...(path === undefined ? undefined : { path }),
    ...(op.inode === undefined ? undefined : { inode: String(op.inode) }),
    ...(op.offset === undefined ? undefined : { offset: op.offset, count: op.count }),
    ...(op.bytesSent === undefined ? undefined : { bytes_sent: op.bytesSent }),
    ...(op.bytesReceived === undefined ? undefined : { bytes_received: op.bytesReceived }),
    ...(op.endedNs === undefined ? { state: op.state } : undefined),
    ...(op.cgroupId === 0n ? undefined : { cgroup_id: String(op.cgroupId) }),
  } as const;
}
