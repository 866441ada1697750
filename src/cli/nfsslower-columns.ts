// Columns in the order of the BCC tool of this name, with the version and the procedure in place of its letter; and what -v adds.

import { versionText } from "../nfs/versions.ts";
import { restartsOf } from "../probe/rpc-json.ts";
import type { RpcOp, RpcPhases } from "../probe/rpc-op.ts";
import { type Column, endTime, latency, millis, pid, task } from "../tools/columns.ts";
import { procedureText, statusText } from "../tools/nfs.ts";
import type { NfsMounts } from "../tools/nfs-mounts.ts";

export function columnsOf(verbose: boolean, mounts: () => NfsMounts): readonly Column<RpcOp>[] {
  const known: readonly Column<RpcOp>[] = [
    endTime(),
    task(),
    pid(),
    { title: "VERS", width: 4, value: ({ op }) => versionText(op.version, op.minor) },
    { title: "PROC", width: 19, value: ({ op }) => procedureText(op) },
    { title: "BYTES", width: 8, align: "right", value: ({ op }) => op.count },
    {
      title: "OFF_KB",
      width: 9,
      align: "right",
      value: ({ op }) => (op.offset === undefined ? undefined : Math.floor(op.offset / 1024)),
      csv: { title: "OFFSET", value: ({ op }) => op.offset },
    },
    { ...latency(11), align: "right" },
    { title: "RETRIES", width: 7, align: "right", value: ({ op }) => restartsOf(op) + op.retransmissions },
  ];
  const file: Column<RpcOp> = { title: "FILENAME", width: 0, value: ({ op }) => mounts().pathOf(op) };
  return verbose ? [...known, ...more, file] : [...known, file];
}

const more: readonly Column<RpcOp>[] = [
  phase("queue"),
  phase("wire"),
  phase("wake"),
  {
    title: "DELAY(ms)",
    width: 10,
    align: "right",
    value: ({ op }) => (op.delayUs === undefined ? undefined : millis(op.delayUs)),
    csv: { title: "DELAY_us", value: ({ op }) => op.delayUs },
  },
  { title: "RESTARTS", width: 8, align: "right", value: ({ op }) => restartsOf(op) },
  { title: "RETRANS", width: 7, align: "right", value: ({ op }) => op.retransmissions },
  { title: "STATUS", width: 24, value: ({ op }) => statusText(op) },
  { title: "EXPORT", width: 24, value: ({ target }) => target.share ?? target.server },
];

function phase(name: keyof RpcPhases): Column<RpcOp> {
  const title = name.toUpperCase();
  return {
    title: `${title}(ms)`,
    width: 10,
    align: "right",
    value: ({ op }) => {
      const us = op.phasesUs[name];
      return us === undefined ? undefined : millis(us);
    },
    csv: { title: `${title}_us`, value: ({ op }) => op.phasesUs[name] },
  };
}
