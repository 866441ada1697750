// --tree: the SMB requests that a call caused, from the history of the wire probe. That costs nothing until it is asked.
import { setTimeout } from "node:timers/promises";
import type { OpEvent } from "../probe/codec.ts";
import type { History, Loss, OpBase, SmbOp } from "../probe/op.ts";
import { historyFrame } from "../probe/settings.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import type { Stage } from "./spec.ts";

/** The requests of one call. */
export interface Caused {
  /** Begun by the same task while the call ran, in order. */
  readonly requests: readonly SmbOp[];
  /** READ and WRITE that kernel workers had in flight meanwhile: whose they are is not known. */
  readonly workers: number;
  /** The history did not reach back to its beginning. */
  readonly cut: boolean;
}

/** Calls that wait for an answer; more go without. */
const MAX_PENDING = 4096;
const MAX_TICKS = 4096;
/** As many as the history holds. */
const MAX_TOLD = 16_384;
const SETTLE_MS = 2000;

/** Keeps calls back until the wire probe has told its history of that time. */
export class WireTree implements Stage<VfsOp> {
  private readonly caused = new WeakMap<VfsOp, Caused>();
  private readonly ticks: { readonly nowNs: number; readonly head: number }[] = [];
  private send: ((frame: Buffer) => void) | undefined;
  private waiting: VfsOp[] = [];
  private asked: VfsOp[] = [];
  private ready: VfsOp[] = [];
  private answer: SmbOp[] = [];
  /** Requests that were told unasked, as a recording of all of them has it: nobody answers there. */
  private readonly told: SmbOp[] = [];
  private token = 0;
  private skipped = 0;
  private losses_: readonly Loss[] = [];
  private onSettled = (): void => {};

  /** Undefined for a call that was not looked up. */
  of(op: VfsOp): Caused | undefined {
    return this.caused.get(op);
  }

  onStart(send: (frame: Buffer) => void): void {
    this.send = send;
  }

  take(event: OpEvent<VfsOp>): readonly VfsOp[] {
    for (const op of event.type === "ops" ? event.ops : []) {
      if (this.waiting.length < MAX_PENDING) this.waiting.push(op);
      else {
        this.skipped++;
        this.ready.push(op);
      }
    }
    this.ask();
    return this.ready.splice(0);
  }

  flush(): readonly VfsOp[] {
    this.lookUpTold();
    const rest = [...this.ready, ...this.asked, ...this.waiting];
    this.skipped += this.asked.length + this.waiting.length;
    this.ready = [];
    this.asked = [];
    this.waiting = [];
    return rest;
  }

  losses(): readonly Loss[] {
    const own =
      this.skipped === 0 ? [] : [{ kind: "tree", detail: "calls without their requests", count: this.skipped }];
    return [...this.losses_, ...own];
  }

  async settled(): Promise<void> {
    if (this.asked.length === 0 && this.waiting.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.onSettled = resolve;
    const end = new AbortController();
    await Promise.race([promise, setTimeout(SETTLE_MS, undefined, { signal: end.signal }).catch(() => {})]);
    end.abort();
  }

  /** What the wire probe says. */
  onWire(event: OpEvent<OpBase>): void {
    if (event.type === "tick" && "head" in event.tick && typeof event.tick.head === "number") {
      this.ticks.push({ nowNs: event.tick.nowNs, head: event.tick.head });
      if (this.ticks.length > MAX_TICKS) this.ticks.shift();
      this.lookUpTold();
      this.ask();
    }
    if (event.type === "ops") this.keep(event.ops);
    if (event.type === "lost") this.losses_ = event.losses.map((loss) => ({ ...loss, kind: `wire ${loss.kind}` }));
    if (event.type === "history" && event.history.token === this.token) this.onHistory(event.history);
  }

  private ask(): void {
    if (this.asked.length > 0 || this.waiting.length === 0 || this.send === undefined || this.told.length > 0) return;
    this.asked = this.waiting;
    this.waiting = [];
    this.answer = [];
    this.token = (this.token % 0xffff_ffff) + 1;
    this.send(historyFrame(this.firstSeq(), this.token));
  }

  /** What was made before the calls began is of no use: the newest seq of the last tick before that. */
  private firstSeq(): number {
    const beganNs = Math.min(...this.asked.map(({ startedNs }) => startedNs));
    const before = this.ticks.findLast(({ nowNs }) => nowNs < beganNs);
    return before === undefined ? 0 : before.head + 1;
  }

  private onHistory({ ops, done, oldest }: History<OpBase>): void {
    for (const op of ops) if (isSmbOp(op)) this.answer.push(op);
    if (!done) return;
    this.lookUp(this.answer, oldest);
    this.answer = [];
    this.ask();
    if (this.asked.length === 0) this.onSettled();
  }

  private keep(ops: readonly OpBase[]): void {
    for (const op of ops) if (isSmbOp(op)) this.told.push(op);
    if (this.told.length > MAX_TOLD) this.told.splice(0, this.told.length - MAX_TOLD);
  }

  /** What came before the tick of the wire probe is whole. */
  private lookUpTold(): void {
    const [oldest] = this.told;
    if (oldest === undefined) return;
    this.asked.push(...this.waiting.splice(0));
    if (this.asked.length > 0) this.lookUp(this.told, oldest.seq);
  }

  /** Finds the requests of all calls that were asked about. `oldest`: seq of the first that is still known. */
  private lookUp(known: readonly SmbOp[], oldest: number): void {
    const byTask = Map.groupBy(known, ({ tid }) => tid);
    const workers = known.filter(isWorkers);
    const fromNs = known.reduce((least, op) => (op.seq === oldest ? op.startedNs : least), 0);
    for (const call of this.asked) {
      const own = (byTask.get(call.tid) ?? []).filter((op) => beganWithin(op, call)).sort((a, b) => a.seq - b.seq);
      const others = workers.filter((op) => op.tid !== call.tid && overlaps(op, call)).length;
      this.caused.set(call, { requests: own, workers: others, cut: oldest > 1 && fromNs > call.startedNs });
    }
    this.ready.push(...this.asked.splice(0));
  }
}

function isSmbOp(op: OpBase): op is SmbOp {
  return "commandCode" in op;
}

const READ = 8;
const WRITE = 9;

function isWorkers({ comm, commandCode }: SmbOp): boolean {
  return comm.startsWith("kworker") && (commandCode === READ || commandCode === WRITE);
}

function beganWithin({ startedNs }: SmbOp, call: VfsOp): boolean {
  return startedNs >= call.startedNs && startedNs <= (call.endedNs ?? Number.POSITIVE_INFINITY);
}

function overlaps(op: SmbOp, call: VfsOp): boolean {
  return (
    op.startedNs <= (call.endedNs ?? Number.POSITIVE_INFINITY) &&
    (op.endedNs ?? Number.POSITIVE_INFINITY) >= call.startedNs
  );
}
