// The columns of the BCC tool of this name, and what -v adds.
import type { Phases, SmbOp } from "../probe/op.ts";
import { type Column, endTime, latency, millis, pid, task } from "../tools/columns.ts";
import type { OpRow } from "../tools/op.ts";
import { commandText, statusText } from "../tools/smb-text.ts";

const known: readonly Column<SmbOp>[] = [
  endTime(),
  task(),
  pid(),
  {
    title: "TYPE",
    width: 25,
    value: ({ op }) => commandText(op),
    waiter: ({ waiter }) => `(waiting: ${waiter.kind})`,
  },
  latency(16, 17),
  { title: "SESSIONID", width: 16, value: ({ op }) => `0x${op.sessionId.toString(16)}` },
  { title: "COMPOUND_RQST", width: 12, titleWidth: 13, align: "right", value: ({ op }) => (op.compound ? 1 : 0) },
  {
    title: "ASYNC_RQST",
    width: 12,
    titleWidth: 10,
    align: "right",
    value: ({ op }) => (op.async === undefined ? "-" : op.async ? 1 : 0),
  },
  {
    title: "TREE_ID/ASYNC_ID",
    width: 12,
    align: "right",
    value: ({ op }) => String(op.asyncId ?? op.treeId),
    csv: { title: "TREEID/ASYNCID" },
  },
];

const more: readonly Column<SmbOp>[] = [
  phase("queue", 14),
  phase("send"),
  phase("wire"),
  phase("wake"),
  { title: "STATUS", width: 32, value: ({ op }) => statusText(op) },
  { title: "SHARE", width: 0, value: shareOf, waiter: ({ target }) => target.server },
];

export function columnsOf(verbose: boolean): readonly Column<SmbOp>[] {
  return verbose ? [...known, ...more] : known;
}

function phase(name: keyof Phases, width = 10): Column<SmbOp> {
  const title = name.toUpperCase();
  return {
    title: `${title}(ms)`,
    width,
    titleWidth: 10,
    align: "right",
    value: ({ op }) => {
      const us = op.phasesUs[name];
      return us === undefined ? undefined : millis(us);
    },
    csv: { title: `${title}_us`, value: ({ op }) => op.phasesUs[name] },
  };
}

function shareOf({ target }: OpRow<SmbOp>): string | undefined {
  return target.share ?? target.server;
}
