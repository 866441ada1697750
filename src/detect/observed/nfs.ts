import type { RpcTickEntry } from "../../probe/rpc-wire.ts";
import type { ObservedTarget } from "./target.ts";

/** The same of RPCs of the nfs_rpc probe. */
export interface RpcWindow extends Omit<RpcTickEntry, "target" | "server" | "device"> {
  readonly target: ObservedTarget;
}

/** One NFS mount of mountstats against the time before. */
export interface NfsMountDelta {
  readonly target: ObservedTarget;
  readonly mountPoint: string;
  readonly intervalNs: number;
  /** Those with a change. */
  readonly operations: readonly NfsOperationDelta[];
  readonly transports: readonly NfsTransportDelta[];
  /** NFSv4, as the kernel says it. */
  readonly leaseExpired?: boolean;
}

export interface NfsOperationDelta {
  readonly operation: string;
  readonly count: number;
  readonly transmissions: number;
  readonly majorTimeouts: number;
  /** Absent before 5.3. */
  readonly errors?: number;
  /** Sums over `count` operations. */
  readonly queueMs: number;
  readonly roundTripMs: number;
  readonly executeMs: number;
  /** Sent and received. */
  readonly bytes?: number;
}

export interface NfsTransportDelta {
  readonly kind: string;
  readonly connects: number;
  readonly sends: number;
  readonly receives: number;
  readonly badXids: number;
  /** Sent and not answered now. What was lost with a connection stays in it: a number that does not go down tells of a stall, not its size. */
  readonly pending: number;
}
