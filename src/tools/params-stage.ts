import type { OpEvent } from "../probe/codec.ts";
import type { Loss, SmbOp, SmbParams } from "../probe/op.ts";
import { type Param, paramsOf } from "../smb/params.ts";
import type { Stage } from "./spec.ts";

/** Requests in flight whose parameters wait for their op: as many as the kernel half can have open, twice. */
const LIMIT = 16_384;

/** Brings what a request asked for together with its op, which comes later. */
export class ParamsStage implements Stage<SmbOp> {
  private readonly limit: number;
  private readonly pending = new Map<number, SmbParams>();
  private readonly known = new WeakMap<SmbOp, SmbParams>();
  private forgotten = 0;

  constructor(limit = LIMIT) {
    this.limit = limit;
  }

  take(event: OpEvent<SmbOp>): readonly SmbOp[] {
    if (event.type === "params") for (const params of event.params) this.keep(params);
    if (event.type !== "ops") return [];
    for (const op of event.ops) {
      const params = this.pending.get(op.seq);
      if (params === undefined) continue;
      this.pending.delete(op.seq);
      this.known.set(op, params);
    }
    return event.ops;
  }

  flush(): readonly SmbOp[] {
    return [];
  }

  losses(): readonly Loss[] {
    return this.forgotten === 0 ? [] : [{ kind: "params-forgotten", count: this.forgotten }];
  }

  /** Undefined when they have not come. */
  of(op: SmbOp): readonly Param[] | undefined {
    const params = this.known.get(op) ?? this.pending.get(op.seq);
    return params === undefined ? undefined : paramsOf(params);
  }

  private keep(params: SmbParams): void {
    this.pending.set(params.seq, params);
    if (this.pending.size <= this.limit) return;
    for (const oldest of this.pending.keys()) {
      this.pending.delete(oldest);
      this.forgotten++;
      return;
    }
  }
}
