import type { History, OpBase } from "../../probe/op.ts";
import { SeqWindow } from "./seq-window.ts";

/** An op of a probe that keeps a history. */
export interface RecordedOp extends OpBase {
  readonly state: string;
}

/** What a recorder passes on: each op once, in its final state where it reached one. */
export type OpSink<Op extends RecordedOp> = (ops: readonly Op[]) => void;

/** What the ops of an incident cover. Times ns of CLOCK_MONOTONIC. */
export interface Coverage {
  readonly written: number;
  readonly fromNs?: number;
  readonly toNs?: number;
  /** Ops in between that were never seen: the ring overwrote them first, or they were being written whenever they were read. */
  readonly missed: number;
  /** The ring had begun to overwrite itself when the incident opened. */
  readonly ringWasFull: boolean;
}

/**
 * Makes one list without repetition out of overlapping answers of the history and out of completed outliers. An op that is still open is
 * held back until it completes, or until the end.
 */
export class OpRecorder<Op extends RecordedOp = RecordedOp> {
  readonly #sink: OpSink<Op>;
  /** Every seq below it is settled: written, or open and held. */
  #from = 0;
  /** Settled seqs from #from on. */
  readonly #done = new SeqWindow();
  #early: Op[] = [];
  #open = new Map<number, Op>();
  #written = 0;
  #fromNs: number | undefined;
  #toNs: number | undefined;
  #missed = 0;
  #lastHead = 0;
  #settling = false;
  #ringWasFull: boolean | undefined;
  #untilNs = Number.POSITIVE_INFINITY;

  constructor(sink: OpSink<Op>) {
    this.#sink = sink;
  }

  /** The first seq that the next question to the history must ask for, to see new ops and the ends of held ones; 0 = everything. */
  get nextFrom(): number {
    let from = this.#from;
    for (const seq of this.#open.keys()) from = Math.min(from, seq);
    return from;
  }

  /** Ops that have not reached an end. */
  get held(): number {
    return this.#open.size;
  }

  /** Newest seq of the last answer. */
  get head(): number {
    return this.#lastHead;
  }

  get settling(): boolean {
    return this.#settling;
  }

  /** Ops that began later than this moment are not the incident's; those that are held still complete. */
  get untilNs(): number {
    return this.#untilNs;
  }

  set untilNs(value: number) {
    this.#untilNs = value;
  }

  get coverage(): Coverage {
    return {
      written: this.#written,
      missed: this.#missed,
      ringWasFull: this.#ringWasFull ?? false,
      ...(this.#fromNs === undefined ? {} : { fromNs: this.#fromNs }),
      ...(this.#toNs === undefined ? {} : { toNs: this.#toNs }),
    };
  }

  /** One frame of an answer; the last one moves `nextFrom`. */
  history(answer: History<Op>): void {
    this.#ringWasFull ??= answer.oldest > 1;
    this.#take(answer.ops);
    for (const seq of answer.none ?? []) {
      this.#open.delete(seq);
      if (seq >= this.#from) this.#settled(seq);
    }
    if (!answer.done || this.#settling) return;
    if (this.#from === 0) this.#from = answer.oldest;
    this.#lastHead = answer.head;
    this.#takeEarly();
    // What was being written while it was read is seen again with the next answer.
    this.#advance(answer.head + 1 - OVERLAP);
  }

  /** From now on only the ends of what is held are taken. */
  settle(): void {
    this.#settling = true;
  }

  /** Completed ops that came by themselves. Until the first answer is whole they wait: it tells of earlier ones. */
  outliers(ops: readonly Op[]): void {
    if (this.#lastHead === 0 && this.#early.length < MAX_EARLY) this.#early.push(...ops);
    else this.#take(ops);
  }

  /** The probe ended: what is open stays open, and the next one counts from 1 again. */
  probeEnded(): void {
    this.end();
    this.#from = 0;
    this.#lastHead = 0;
    this.#done.clear();
  }

  /** Writes what is still open. */
  end(): void {
    this.#takeEarly();
    if (this.#lastHead > 0) this.#advance(this.#lastHead + 1);
    this.#write([...this.#open.values()]);
    this.#open.clear();
  }

  #takeEarly(): void {
    this.#take(this.#early);
    this.#early = [];
  }

  #take(ops: readonly Op[]): void {
    const final: Op[] = [];
    for (const op of ops) {
      const held = this.#open.has(op.seq);
      if (!held && (this.#settling || op.seq < this.#from || this.#done.has(op.seq))) continue;
      const wanted = held || op.startedNs <= this.#untilNs;
      if (wanted && !isFinal(op)) {
        this.#open.set(op.seq, op);
        continue;
      }
      this.#open.delete(op.seq);
      this.#settled(op.seq);
      if (wanted) final.push(op);
    }
    this.#write(final);
  }

  /** A reader that is slow, or has gone, lets nobody ask; what the ring has overwritten by now no answer will tell again. */
  #settled(seq: number): void {
    if (this.#done.add(seq)) return;
    if (this.#from > 0) this.#advance(seq + 1 - RING);
    else this.#done.advance(seq + 1 - RING);
    this.#done.add(seq);
  }

  /** Everything below `next` is settled; what was not seen of it will not be. */
  #advance(next: number): void {
    if (next <= this.#from) return;
    const within = (seq: number): boolean => seq >= this.#from && seq < next;
    this.#done.advance(this.#from);
    let seen = this.#done.advance(next);
    for (const seq of this.#open.keys()) if (within(seq)) seen++;
    this.#missed += next - this.#from - seen;
    this.#from = next;
  }

  #write(ops: readonly Op[]): void {
    if (ops.length === 0) return;
    for (const op of ops) {
      const endNs = op.endedNs ?? op.startedNs;
      this.#fromNs = Math.min(this.#fromNs ?? op.startedNs, op.startedNs);
      this.#toNs = Math.max(this.#toNs ?? endNs, endNs);
    }
    this.#written += ops.length;
    this.#sink(ops);
  }
}

/** Ops that each answer repeats of the one before. */
const OVERLAP = 256;
const MAX_EARLY = 4096;
/** What the ring of a probe holds, at most. */
const RING = 16_384;

function isFinal(op: RecordedOp): boolean {
  return op.state === "closed" || op.state === "ghost";
}
