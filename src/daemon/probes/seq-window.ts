/** Twice what the ring of a probe holds; a multiple of 32. */
const SIZE = 32_768;

/** Which of the newest numbers of operations have been seen: a bit each, for at most 32,768 numbers. */
export class SeqWindow {
  readonly #bits = new Uint32Array(SIZE / 32);
  /** Nothing below it is known. */
  #from = 0;
  #size = 0;

  /** How many are in it. */
  get size(): number {
    return this.#size;
  }

  /** The first number that there is no place for. */
  get end(): number {
    return this.#from + SIZE;
  }

  has(seq: number): boolean {
    return seq >= this.#from && seq < this.end && this.#bit(seq);
  }

  /** False: there is no place for it. */
  add(seq: number): boolean {
    if (seq < this.#from || seq >= this.end) return false;
    if (this.#bit(seq)) return true;
    const at = (seq % SIZE) >>> 5;
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (seq & 31));
    this.#size++;
    return true;
  }

  /** Forgets what is below `next`; how many there were. */
  advance(next: number): number {
    const before = this.#size;
    if (next >= this.end) {
      this.clear();
    } else {
      for (let seq = this.#from; seq < next; seq++) {
        if (!this.#bit(seq)) continue;
        const at = (seq % SIZE) >>> 5;
        this.#bits[at] = (this.#bits[at] ?? 0) & ~(1 << (seq & 31));
        this.#size--;
      }
    }
    this.#from = Math.max(this.#from, next);
    return before - this.#size;
  }

  /** Numbers begin anew. */
  clear(): void {
    this.#bits.fill(0);
    this.#size = 0;
    this.#from = 0;
  }

  #bit(seq: number): boolean {
    return (((this.#bits[(seq % SIZE) >>> 5] ?? 0) >>> (seq & 31)) & 1) === 1;
  }
}
