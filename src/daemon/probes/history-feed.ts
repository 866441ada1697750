import type { History } from "../../probe/op.ts";
import { OpRecorder, type OpSink, type RecordedOp } from "./op-recorder.ts";

/** One incident's part in the history. */
export interface Subscription {
  readonly recorder: Pick<OpRecorder, "coverage" | "untilNs" | "end">;
  /** False: whoever takes the ops is not ready for another answer. */
  readonly ready: () => boolean;
}

interface Subscriber<Op extends RecordedOp> extends Subscription {
  readonly recorder: OpRecorder<Op>;
  /** Token of the question that is not answered yet. */
  asked: number | undefined;
  askedNs: number;
  settled: (() => void) | undefined;
}

/** While the incident lasts. */
const PERIOD_NS = 2e9;
/** A question that has had no answer for this long is taken for lost. */
const ANSWER_LIMIT_NS = 10e9;

/**
 * Asks the flight recorder for the ops of the open incidents: everything at the opening, what is new every two seconds, or sooner when the ring
 * is about to overtake what has been read.
 */
export class HistoryFeed<Op extends RecordedOp> {
  readonly #ask: (from: number) => number | undefined;
  readonly #nowNs: () => number;
  readonly #subscribers = new Set<Subscriber<Op>>();

  /** `ask`: the question to the probe, its token; undefined while no probe runs. */
  constructor(ask: (from: number) => number | undefined, nowNs: () => number) {
    this.#ask = ask;
    this.#nowNs = nowNs;
  }

  /** Asks for everything at once. */
  add(sink: OpSink<Op>, ready: () => boolean): Subscription {
    const subscriber: Subscriber<Op> = {
      recorder: new OpRecorder(sink),
      ready,
      asked: undefined,
      askedNs: 0,
      settled: undefined,
    };
    this.#subscribers.add(subscriber);
    this.#question(subscriber);
    return subscriber;
  }

  /** Nobody takes these ops any more. */
  drop(subscription: Subscription): void {
    for (const subscriber of this.#subscribers) if (subscriber === subscription) this.#subscribers.delete(subscriber);
  }

  /** Call it about once a second. Nothing new is read behind a recorder's `untilNs`. */
  beat(): void {
    const nowNs = this.#nowNs();
    for (const subscriber of this.#subscribers) {
      if (subscriber.asked !== undefined && nowNs - subscriber.askedNs > ANSWER_LIMIT_NS) this.#answered(subscriber);
      const { recorder } = subscriber;
      if (recorder.settling || nowNs > recorder.untilNs) continue;
      if (nowNs - subscriber.askedNs >= PERIOD_NS) this.#question(subscriber);
    }
  }

  /** The ring has reached `head` and holds what is not older than `oldest`. */
  tick(head: number, oldest: number): void {
    for (const subscriber of this.#subscribers) {
      const { recorder } = subscriber;
      const quarter = (head - oldest) / 4;
      const behind = head - recorder.head;
      if (!recorder.settling && this.#nowNs() <= recorder.untilNs && head > 0 && behind > quarter && behind > 1000)
        this.#question(subscriber);
    }
  }

  take(history: History<Op>): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.asked !== history.token) continue;
      subscriber.recorder.history(history);
      if (history.done) this.#answered(subscriber);
    }
  }

  outliers(ops: readonly Op[]): void {
    for (const { recorder } of this.#subscribers) recorder.outliers(ops);
  }

  probeEnded(): void {
    for (const subscriber of this.#subscribers) {
      subscriber.recorder.probeEnded();
      this.#answered(subscriber);
    }
  }

  /** Looks once more for the ends of what is held, then writes the rest as it is. Settles when the probe has answered or cannot. */
  async finish(subscription: Subscription): Promise<void> {
    const subscriber = [...this.#subscribers].find((candidate) => candidate === subscription);
    if (subscriber === undefined) return;
    await this.#quiet(subscriber);
    // What happened until the end of the evidence, if it was not read since.
    if (subscriber.askedNs <= Math.min(this.#nowNs(), subscriber.recorder.untilNs)) {
      this.#question(subscriber, true);
      await this.#quiet(subscriber);
    }
    subscriber.recorder.settle();
    if (subscriber.recorder.held > 0) {
      this.#question(subscriber, true);
      await this.#quiet(subscriber);
    }
    subscriber.recorder.end();
    this.#subscribers.delete(subscriber);
  }

  #quiet(subscriber: Subscriber<Op>): Promise<void> {
    if (subscriber.asked === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      subscriber.settled = resolve;
    });
  }

  #question(subscriber: Subscriber<Op>, last = false): void {
    if (subscriber.asked !== undefined || (!last && !subscriber.ready())) return;
    subscriber.asked = this.#ask(subscriber.recorder.nextFrom);
    subscriber.askedNs = this.#nowNs();
  }

  #answered(subscriber: Subscriber<Op>): void {
    subscriber.asked = undefined;
    subscriber.settled?.();
    subscriber.settled = undefined;
  }
}
