import { isFailure, statusErrno } from "../smb/status.ts";
import type { SmbOp } from "./op.ts";

// What the client makes of a request without a response: cifs_sync_mid_result() in fs/smb/client/transport.c.
const EAGAIN = 11;
const EHOSTDOWN = 112;

/** The client's return code, positive; 0 for success, undefined while it is in flight and for a caller that did not wait. */
export function errnoOf(op: SmbOp): number | undefined {
  if (op.errno !== undefined) return op.errno;
  if (op.status !== undefined) return statusErrno(op.status);
  if (op.end === "reconnect") return EAGAIN;
  return op.end === "shutdown" ? EHOSTDOWN : undefined;
}

/** A response of severity error, or no response. A request whose caller stopped waiting has not failed. */
export function hasFailed(op: SmbOp): boolean {
  if (op.status !== undefined) return isFailure(op.status);
  return op.end !== undefined && op.end !== "cancelled";
}
