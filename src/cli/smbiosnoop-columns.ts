import type { SmbOp } from "../probe/op.ts";
import { errnoOf } from "../probe/smb-outcome.ts";
import { errnoName } from "../system/errno.ts";
import { type Column, endTime, latency, pid, task } from "../tools/columns.ts";
import { commandText, statusText } from "../tools/smb-text.ts";

/** `paramsText`: what the op asked for; undefined when that is not known. */
export function columnsOf(verbose: boolean, paramsText: (op: SmbOp) => string | undefined): readonly Column<SmbOp>[] {
  const known: readonly Column<SmbOp>[] = [
    task(15),
    pid(),
    { title: "COMMAND", width: 20, value: ({ op }) => commandText(op) },
    { title: "STATUS", width: 30, value: ({ op }) => statusText(op) },
    { title: "ERRNO", width: 11, value: ({ op }) => errnoText(op), csv: { value: ({ op }) => errnoOf(op) } },
    { title: "SESSIONID", width: 18, value: ({ op }) => `0x${op.sessionId.toString(16)}` },
    {
      title: "CONN_ID",
      width: 7,
      value: ({ op }) => (op.connectionId === 0n ? undefined : `0x${op.connectionId.toString(16)}`),
    },
  ];
  const more: readonly Column<SmbOp>[] = [
    latency(11),
    { title: "SHARE", width: 24, value: ({ target }) => target.share ?? target.server },
  ];
  const params: Column<SmbOp> = { title: "PARAMS", width: 0, value: ({ op }) => paramsText(op) };
  return verbose ? [endTime(), ...known, ...more, params] : [...known, params];
}

/** `ENOENT`; 0 for success. */
function errnoText(op: SmbOp): string | number | undefined {
  const errno = errnoOf(op);
  return errno === undefined ? undefined : errnoName(errno);
}
