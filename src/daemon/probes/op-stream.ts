const PIECE_BYTES = 64 * 1024;
/** Two whole rings: one answer, and outliers by themselves while the disk stalls. */
const MAX_BACKLOG = 32_768;

/** What waits in the streams of all open incidents together: eight incidents of a storm may not hold eight times as much as one. */
export class OpBacklog {
  ops = 0;

  /** For one more answer of the history. */
  get hasRoom(): boolean {
    return this.ops <= MAX_BACKLOG / 2;
  }

  get isFull(): boolean {
    return this.ops > MAX_BACKLOG;
  }
}

/**
 * Ops in, NDJSON out, for a file that grows while the incident lasts. `backlog` bounds it: whoever fills it asks for more only when what it
 * asked for before has been taken.
 */
export class OpStream<Op> implements AsyncIterable<Buffer> {
  readonly #toJson: (op: Op) => unknown;
  readonly #all: OpBacklog;
  #waiting: (readonly Op[])[] = [];
  #backlog = 0;
  #dropped = 0;
  #wake: (() => void) | undefined;
  #ended = false;
  #abandoned = false;

  constructor(toJson: (op: Op) => unknown, all = new OpBacklog()) {
    this.#toJson = toJson;
    this.#all = all;
  }

  /** Ops that have not been taken. */
  get backlog(): number {
    return this.#backlog;
  }

  /** The reader has gone: its limit was reached, or its disk failed. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** It has nothing left to write, and there is room for what an answer of the history brings. */
  get ready(): boolean {
    return this.#backlog === 0 && !this.#abandoned && this.#all.hasRoom;
  }

  /** Ops that were not taken because the readers were too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  push(ops: readonly Op[]): void {
    if (this.#ended || this.#abandoned) return;
    if (this.#all.isFull) {
      this.#dropped += ops.length;
      return;
    }
    this.#waiting.push(ops);
    this.#count(ops.length);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const ops = this.#waiting.shift();
        if (ops !== undefined) {
          yield* this.#pieces(ops);
          this.#count(-ops.length);
        } else if (this.#ended) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#abandoned = true;
      this.#waiting = [];
      this.#count(-this.#backlog);
    }
  }

  #count(ops: number): void {
    this.#backlog += ops;
    this.#all.ops += ops;
  }

  *#pieces(ops: readonly Op[]): Generator<Buffer> {
    let text = "";
    for (const op of ops) {
      text += `${JSON.stringify(this.#toJson(op))}\n`;
      if (text.length < PIECE_BYTES) continue;
      yield Buffer.from(text);
      text = "";
    }
    if (text !== "") yield Buffer.from(text);
  }
}
