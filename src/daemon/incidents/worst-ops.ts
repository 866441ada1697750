import type { SmbOp } from "../../probe/op.ts";
import type { RpcOp } from "../../probe/rpc-op.ts";

/** An operation of a history. */
export type AnyOp = SmbOp | RpcOp;

export function isRpc(op: AnyOp): op is RpcOp {
  return "procedure" in op;
}

/** What failed, and how; undefined for what did not. */
function failureOf(op: AnyOp): string | undefined {
  if (isRpc(op)) {
    const { status } = op;
    return status === undefined || status.errno === 0 ? undefined : `${op.procedure} ${status.nfs ?? status.errno}`;
  }
  return op.status === undefined || op.status === 0 ? undefined : `${op.command} ${op.status}`;
}

/** It waits for something to change. */
function isWaiting(op: AnyOp): boolean {
  return !isRpc(op) && op.command === "SMB2_CHANGE_NOTIFY";
}

const SLOWEST = 20;
/** Of each command and status that failed, the newest. */
const KINDS_OF_FAILURE = 20;

/** Keeps the operations that a server's support would want to look for: the slowest, and one of each kind that failed. */
export class WorstOps {
  #slowest: AnyOp[] = [];
  readonly #failed = new Map<string, AnyOp>();

  push(ops: readonly AnyOp[]): void {
    const least = this.#slowest.length < SLOWEST ? 0 : (this.#slowest.at(-1)?.latencyUs ?? 0);
    const candidates = ops.filter((op) => op.latencyUs > least && !isWaiting(op));
    if (candidates.length > 0) {
      this.#slowest = [...this.#slowest, ...candidates].sort((a, b) => b.latencyUs - a.latencyUs).slice(0, SLOWEST);
    }
    for (const op of ops) {
      const kind = failureOf(op);
      if (kind === undefined) continue;
      if (this.#failed.has(kind) || this.#failed.size < KINDS_OF_FAILURE) this.#failed.set(kind, op);
    }
  }

  /** The slowest first, then the failed ones that are not among them. */
  list(): readonly AnyOp[] {
    return [...new Set([...this.#slowest, ...this.#failed.values()])];
  }
}
