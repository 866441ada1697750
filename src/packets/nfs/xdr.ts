/** Reads XDR (RFC 4506) as far as it was captured. What is not there is undefined, and so is everything behind it. */
export class Xdr {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  word(): number | undefined {
    if (this.#at + 4 > this.#bytes.length) {
      this.#at = Number.MAX_SAFE_INTEGER;
      return undefined;
    }
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  /** Whether it could. */
  skip(words: number): boolean {
    this.#at += 4 * words;
    return this.#at <= this.#bytes.length;
  }

  /** Opaque data or text behind its length, with the padding. */
  opaque(most: number): Buffer | undefined {
    const length = this.word();
    if (length === undefined || length > most || this.#at + length > this.#bytes.length) {
      this.#at = Number.MAX_SAFE_INTEGER;
      return undefined;
    }
    const from = this.#at;
    this.#at += Math.ceil(length / 4) * 4;
    return this.#bytes.subarray(from, from + length);
  }

  text(most: number): string | undefined {
    return this.opaque(most)?.toString("utf8");
  }
}
