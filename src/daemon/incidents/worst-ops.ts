import type { SmbOp } from "../../probe/op.ts";

const SLOWEST = 20;
/** Of each command and status that failed, the newest. */
const KINDS_OF_FAILURE = 20;

/** Keeps the operations that a server's support would want to look for: the slowest, and one of each kind that failed. */
export class WorstOps {
  #slowest: SmbOp[] = [];
  readonly #failed = new Map<string, SmbOp>();

  push(ops: readonly SmbOp[]): void {
    const least = this.#slowest.length < SLOWEST ? 0 : (this.#slowest.at(-1)?.latencyUs ?? 0);
    const candidates = ops.filter((op) => op.latencyUs > least && op.command !== "SMB2_CHANGE_NOTIFY");
    if (candidates.length > 0) {
      this.#slowest = [...this.#slowest, ...candidates].sort((a, b) => b.latencyUs - a.latencyUs).slice(0, SLOWEST);
    }
    for (const op of ops) {
      if (op.status === undefined || op.status === 0) continue;
      const kind = `${op.command} ${op.status}`;
      if (this.#failed.has(kind) || this.#failed.size < KINDS_OF_FAILURE) this.#failed.set(kind, op);
    }
  }

  /** The slowest first, then the failed ones that are not among them. */
  list(): readonly SmbOp[] {
    return [...new Set([...this.#slowest, ...this.#failed.values()])];
  }
}
