import { versionText } from "../nfs/versions.ts";
import { restartsOf } from "../probe/rpc-json.ts";
import type { RpcOp } from "../probe/rpc-op.ts";
import { errnoName } from "../system/errno.ts";
import { type Column, endTime, latency, pid, task } from "../tools/columns.ts";
import { procedureText } from "../tools/nfs.ts";
import type { NfsMounts } from "../tools/nfs-mounts.ts";

export function columnsOf(verbose: boolean, mounts: () => NfsMounts): readonly Column<RpcOp>[] {
  const known: readonly Column<RpcOp>[] = [
    task(),
    pid(),
    { title: "VERS", width: 4, value: ({ op }) => versionText(op.version, op.minor) },
    { title: "PROC", width: 19, value: ({ op }) => procedureText(op) },
    { title: "STATUS", width: 24, value: ({ op }) => op.status?.nfs },
    { title: "ERRNO", width: 11, value: ({ op }) => errnoText(op), csv: { value: ({ op }) => op.status?.errno } },
    { title: "XID", width: 10, value: ({ op }) => xidText(op) },
    { title: "SERVER", width: 15, value: ({ target }) => target.server },
  ];
  const more: readonly Column<RpcOp>[] = [
    latency(11),
    { title: "EXPORT", width: 24, value: ({ target }) => target.share },
  ];
  const params: Column<RpcOp> = { title: "PARAMS", width: 0, value: ({ op }) => paramsText(op, mounts()) };
  return verbose ? [endTime(), ...known, ...more, params] : [...known, params];
}

/** `ENOENT`; 0 for success. */
function errnoText({ status }: RpcOp): string | number | undefined {
  if (status === undefined) return undefined;
  return status.errno === 0 ? 0 : errnoName(status.errno);
}

function xidText({ xid }: RpcOp): string | undefined {
  return xid === undefined ? undefined : `0x${xid.toString(16).padStart(8, "0")}`;
}

/** `file=/mnt/a/x|offset=0|count=4096`: what is known of what was asked for, and how often it took. */
function paramsText(op: RpcOp, mounts: NfsMounts): string {
  const values: readonly (readonly [string, string | number | undefined])[] = [
    ["file", mounts.pathOf(op)],
    ["inode", op.inode?.toString()],
    ["offset", op.offset],
    ["count", op.count],
    ["restarts", restartsOf(op) || undefined],
    ["retransmissions", op.retransmissions || undefined],
    ["timeouts", op.timeouts || undefined],
  ];
  return values.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])).join("|");
}
