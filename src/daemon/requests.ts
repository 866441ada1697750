import type { InFlight, Waiter } from "../probe/op.ts";
import { opToJson, type SmbOpJson, type WaiterJson, waiterToJson } from "../probe/op-json.ts";
import type { TargetNames } from "../probe/target-names.ts";
import type { Clock } from "../system/clock.ts";

/** `GET /requests`: what is in flight, as the SMB probe said at its last look, at most a second or so ago. */
export interface SeenRequests {
  /** All requests without an answer. */
  readonly open: number;
  /** Those of them that are older than the shortest limit of a detector. */
  readonly requests: readonly SmbOpJson[];
  /** Tasks that have no request yet: they wait for credits or a reconnect. */
  readonly waiters: readonly WaiterJson[];
}

export function seenRequests(
  { nowNs, open, ops, waiters }: InFlight,
  reconnecting: readonly Waiter[],
  names: TargetNames,
  clock: Clock,
): SeenRequests {
  const targetOf = ({ connectionId }: Waiter) =>
    names.of({ connectionId: connectionId ?? 0n, sessionId: 0n, treeId: 0 });
  return {
    open,
    requests: ops.map((op) => opToJson(op, names.of(op), clock)),
    waiters: [...waiters, ...reconnecting].map((one) => waiterToJson(one, nowNs, targetOf(one), clock)),
  };
}
