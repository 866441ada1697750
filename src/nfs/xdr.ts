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

  /** Opaque data whose length the protocol says. */
  fixed(length: number): Buffer | undefined {
    const from = this.#at;
    return this.skip(Math.ceil(length / 4)) ? this.#bytes.subarray(from, from + length) : undefined;
  }

  /** Whether nothing was missing so far. */
  get whole(): boolean {
    return this.#at <= this.#bytes.length;
  }
}

/** Writes XDR. */
export class XdrWriter {
  readonly #pieces: Buffer[] = [];

  words(...words: readonly number[]): this {
    const bytes = Buffer.alloc(4 * words.length);
    for (const [index, word] of words.entries()) bytes.writeUInt32BE(word >>> 0, 4 * index);
    this.#pieces.push(bytes);
    return this;
  }

  /** Behind its length. */
  opaque(data: string | Buffer): this {
    const bytes = Buffer.from(data);
    return this.words(bytes.length).fixed(bytes);
  }

  /** Without its length. */
  fixed(bytes: Buffer): this {
    this.#pieces.push(bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4));
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}
