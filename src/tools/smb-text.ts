import type { SmbOp } from "../probe/op.ts";
import { statusName } from "../smb/status.ts";

/** `SMB2_READ`, `SMB2_READ (open)` while it is in flight, `SMB2_READ (end missed)`. */
export function commandText(op: SmbOp): string {
  if (op.endedNs !== undefined) return op.command;
  return `${op.command} (${op.state === "ghost" ? "end missed" : "open"})`;
}

/** `STATUS_SUCCESS`, `STATUS_SUCCESS (cancelled)`, `(reconnect)`: the status and why there is no response. */
export function statusText(op: SmbOp): string | undefined {
  const parts = [op.status === undefined ? "" : statusName(op.status), op.end === undefined ? "" : `(${op.end})`];
  return parts.filter((part) => part !== "").join(" ") || undefined;
}
