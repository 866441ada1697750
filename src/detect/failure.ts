// What failed, of whichever protocol, as the errors detector counts it.
import type { Failure as CountedFailure, SmbOp } from "../probe/op.ts";
import type { RpcOp } from "../probe/rpc-op.ts";
import type { RpcFailure } from "../probe/rpc-wire.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import { commandName } from "../smb/commands.ts";
import { statusName } from "../smb/status.ts";
import { errnoName } from "../system/errno.ts";
import type { AnomalyTarget } from "./detector.ts";
import type { ErrorLayer } from "./error-defaults.ts";

/** One answer, or several alike. */
export interface Failure {
  readonly protocol: ErrorLayer;
  readonly command: string;
  /** Another name of the command. */
  readonly member?: string;
  readonly status: number;
  readonly name: string;
  readonly timeNs: number;
  readonly target: AnomalyTarget;
  readonly amount: number;
  readonly pid?: number;
  /** Absent where the kernel has counted them. */
  readonly comm?: string;
}

export function smbFailure(op: SmbOp): Failure[] {
  if (op.status === undefined || op.status === 0 || op.endedNs === undefined) return [];
  const { command, status, comm, pid, endedNs: timeNs } = op;
  const what = { protocol: "smb", command, status, name: statusName(status), amount: 1 } as const;
  return [{ ...what, timeNs, target: smbTarget(op), comm, ...(pid ? { pid } : {}) }];
}

export function smbCounted(failure: CountedFailure, timeNs: number): Failure {
  const { commandCode, status, count: amount } = failure;
  const command = commandName(commandCode);
  return { protocol: "smb", command, status, name: statusName(status), amount, timeNs, target: smbTarget(failure) };
}

function smbTarget({
  connectionId,
  sessionId,
  treeId,
}: Pick<SmbOp, "connectionId" | "sessionId" | "treeId">): AnomalyTarget {
  return {
    protocol: "smb",
    ...(connectionId === 0n ? {} : { connectionId }),
    ...(sessionId === 0n ? {} : { sessionId }),
    ...(treeId === 0 ? {} : { treeId }),
  };
}

export function vfsFailure({ errno, endedNs: timeNs, protocol, callback, comm, pid }: VfsOp): Failure[] {
  if (errno === undefined || errno === 0 || timeNs === undefined || protocol !== "smb") return [];
  const { function: command, member } = callback;
  const target: AnomalyTarget = { protocol: "smb" };
  const what = { protocol: "smb-vfs", command, member, status: errno, name: errnoName(errno), amount: 1 } as const;
  return [{ ...what, timeNs, target, comm, pid }];
}

export function rpcFailure(op: RpcOp): Failure[] {
  if (op.status?.nfs === undefined || op.status.code === 0 || op.endedNs === undefined) return [];
  const { procedure: command, status, comm, pid, endedNs: timeNs } = op;
  const what = { protocol: "nfs", command, status: status.code, name: status.nfs, amount: 1 } as const;
  return [{ ...what, timeNs, target: nfsTarget(op.target), comm, ...(pid ? { pid } : {}) }];
}

export function rpcCounted(failure: RpcFailure, timeNs: number): Failure[] {
  const { procedure: command, status, count: amount } = failure;
  if (status.nfs === undefined) return [];
  const what = { protocol: "nfs", command, status: status.code, name: status.nfs } as const;
  return [{ ...what, amount, timeNs, target: nfsTarget(failure) }];
}

function nfsTarget({ server, address }: { readonly server?: string; readonly address?: string }): AnomalyTarget {
  return {
    protocol: "nfs",
    ...(server === undefined ? {} : { server }),
    ...(address === undefined ? {} : { address }),
  };
}
