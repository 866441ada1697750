const PIECE_BYTES = 64 * 1024;
/** Two whole rings: one answer, and outliers by themselves while the disk stalls. */
const MAX_BACKLOG = 32_768;

/**
 * Ops in, NDJSON out, for a file that grows while the incident lasts. `backlog` bounds it: whoever fills it asks for more only when what it
 * asked for before has been taken.
 */
export class OpStream<Op> implements AsyncIterable<Buffer> {
  readonly #toJson: (op: Op) => unknown;
  #waiting: (readonly Op[])[] = [];
  #backlog = 0;
  #dropped = 0;
  #wake: (() => void) | undefined;
  #ended = false;
  #abandoned = false;

  constructor(toJson: (op: Op) => unknown) {
    this.#toJson = toJson;
  }

  /** Ops that have not been taken. */
  get backlog(): number {
    return this.#backlog;
  }

  /** The reader has gone: its limit was reached, or its disk failed. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** Ops that were not taken because the reader was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  push(ops: readonly Op[]): void {
    if (this.#ended || this.#abandoned) return;
    if (this.#backlog > MAX_BACKLOG) {
      this.#dropped += ops.length;
      return;
    }
    this.#waiting.push(ops);
    this.#backlog += ops.length;
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
          this.#backlog -= ops.length;
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
      this.#backlog = 0;
    }
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
