import type { Hang } from "../detect/detector.ts";
import { type DebugData, endpointsOf } from "../smb/debug-data.ts";

export interface HangCheck {
  /** Enough of it is confirmed, or nothing can be said against it. */
  readonly stands: boolean;
  /** seqs of requests that the client knows nothing of any more. */
  readonly ghosts: readonly number[];
}

/** Asks DebugData whether what seems to hang does: the kernel loses the end of a request now and then. `data` undefined: it cannot be asked. */
export function checkHang(hang: Hang, data: DebugData | undefined): HangCheck {
  if (data === undefined) return { stands: true, ghosts: [] };
  const ghosts = hang.ops.filter((op) => !isPending(op, data)).map((op) => op.seq);
  const waiting = hang.waiters.filter((waiter) => isWaiting(waiter, data)).length;
  return { stands: hang.ops.length - ghosts.length + waiting >= hang.needed, ghosts };
}

function isPending({ connectionId, mid }: Hang["ops"][number], { mids }: DebugData): boolean {
  return mids.some(
    (pending) =>
      pending.mid === mid &&
      (connectionId === 0n || pending.connectionId === undefined || pending.connectionId === connectionId),
  );
}

/**
 * Tasks that wait for a reconnect were seen sleeping there; the number of those that wait for credits is known where the kernel counts it.
 * On a connection that is gone nobody waits.
 */
function isWaiting({ kind, connectionId }: Hang["waiters"][number], data: DebugData): boolean {
  if (kind === "reconnect") return true;
  // 5.10 does not number its connections: then it may be any.
  const own = endpointsOf(data).filter(
    (endpoint) =>
      connectionId === undefined || endpoint.connectionId === undefined || endpoint.connectionId === connectionId,
  );
  return own.some(({ inMaxRequestWait }) => inMaxRequestWait === undefined || inMaxRequestWait > 0);
}
