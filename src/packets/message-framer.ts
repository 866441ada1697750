/** Bytes of a message that its reader wants to see, counted from the message's first byte. */
export interface Wanted {
  readonly at: number;
  readonly length: number;
}

/** One protocol in one direction. Both that are read here put four bytes with a length before every message. */
export interface MessageReader {
  /** Bytes of the message, these four included. Undefined: no message begins so. "sealed": from here on nothing can be read. */
  size(head: Buffer, at: number): number | undefined | "sealed";
  /** Whether a message surely begins at the payload's first byte: how a stream is found again that was lost. */
  begins(payload: Buffer): boolean;
  /** A message of so many bytes has begun: what of it to see first. */
  start(size: number): Wanted;
  /**
   * What was wanted, or what was captured of it; valid only during the call. What to see next: it may
   * begin within this, and must not be the same. "bad": this is no message.
   */
  part(bytes: Buffer, wanted: Wanted): Wanted | undefined | "bad";
  /** The message is over; its last byte was seen at this time. */
  end(timeUs: number): void;
}

const HEAD = 4;
const MAX_WANTED = 64 * 1024;
const nothing = Buffer.alloc(0);

/**
 * Cuts the bytes of one direction into messages and shows their reader only what it wants of each, so that a message of megabytes costs nothing. Bytes
 * that were not captured are stepped over as long as it is known where the next message begins.
 */
export class MessageFramer {
  /** Messages that began where one was expected and were none; the stream was lost there. */
  bad = 0;
  /** Times that the beginning of the next message was not known any more. */
  lost = 0;
  readonly #reader: MessageReader;
  /** In bytes from the first of the message. */
  #position = 0;
  #size = 0;
  #wanted: Wanted | undefined = { at: 0, length: HEAD };
  readonly #pieces: Buffer[] = [];
  #have = 0;
  /** Bytes of what is wanted are missing: what comes behind them is of no use. */
  #broken = false;
  /** Looking for a beginning. */
  #searching: boolean;

  /** `begun`: the first byte is that of a message. */
  constructor(reader: MessageReader, begun: boolean) {
    this.#reader = reader;
    this.#searching = !begun;
  }

  /** The next bytes of the stream, of which the first were captured. */
  feed(payload: Buffer, length: number, timeUs: number): void {
    if (this.#searching) {
      if (!this.#reader.begins(payload)) return;
      this.#searching = false;
      this.#expect();
    }
    for (let at = 0; at < length && !this.#searching; ) at += this.#take(payload, at, length, timeUs);
  }

  /** So many bytes are missing. */
  gap(length: number, timeUs: number): void {
    if (this.#searching) return;
    if (this.#size === 0 || this.#position + length > this.#size) this.#lose();
    else this.feed(nothing, length, timeUs);
  }

  /** How much of it belongs to the message that is being read. */
  #take(payload: Buffer, at: number, length: number, timeUs: number): number {
    const wanted = this.#wanted;
    const rest = length - at;
    if (wanted === undefined) {
      const taken = Math.min(rest, this.#size - this.#position);
      this.#position += taken;
      if (this.#position >= this.#size) this.#finish(timeUs);
      return taken;
    }
    if (this.#position < wanted.at) {
      const taken = Math.min(rest, wanted.at - this.#position);
      this.#position += taken;
      return taken;
    }
    const taken = Math.min(rest, wanted.length - this.#have);
    this.#keep(payload, at, taken);
    this.#position += taken;
    this.#have += taken;
    if (this.#have < wanted.length) return taken;
    this.#hand(wanted);
    if (!this.#searching && this.#size > 0 && this.#position >= this.#size) this.#finish(timeUs);
    return taken;
  }

  #keep(payload: Buffer, at: number, length: number): void {
    if (this.#broken) return;
    const piece = payload.subarray(at, at + length);
    if (piece.length < length) this.#broken = true;
    // A packet's bytes are there only as long as it is the last one.
    if (this.#have === 0 && length === this.#wanted?.length) this.#pieces.push(piece);
    else if (piece.length > 0) this.#pieces.push(Buffer.from(piece));
  }

  #hand(wanted: Wanted): void {
    const [only] = this.#pieces;
    const bytes = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
    this.#clear();
    if (this.#size === 0) {
      this.#begin(bytes);
      return;
    }
    const next = this.#reader.part(bytes, wanted);
    if (next === "bad") {
      this.bad += 1;
      this.#lose();
      return;
    }
    this.#wanted = this.#clipped(next, wanted.at);
    if (this.#wanted !== undefined && this.#wanted.at < this.#position) this.#again(this.#wanted, wanted, bytes);
  }

  /** What is wanted next begins within what was just shown. */
  #again(next: Wanted, before: Wanted, bytes: Buffer): void {
    const from = next.at - before.at;
    this.#have = Math.min(next.length, this.#position - next.at);
    const piece = bytes.subarray(from, from + this.#have);
    this.#broken = piece.length < this.#have;
    if (piece.length > 0) this.#pieces.push(Buffer.from(piece));
    if (this.#have === next.length) this.#hand(next);
  }

  #begin(head: Buffer): void {
    const size = head.length < HEAD ? undefined : this.#reader.size(head, 0);
    if (size === "sealed") {
      this.#searching = true;
      this.#expect();
      return;
    }
    if (size === undefined) {
      if (head.length >= HEAD) this.bad += 1;
      this.#lose();
      return;
    }
    this.#size = Math.max(size, HEAD);
    this.#wanted = this.#clipped(this.#reader.start(this.#size), HEAD);
  }

  /** Undefined: nothing more is wanted of this message, or there is nothing more. */
  #clipped(wanted: Wanted | undefined, from: number): Wanted | undefined {
    if (wanted === undefined || wanted.at < from || wanted.at >= this.#size) return undefined;
    return { at: wanted.at, length: Math.min(wanted.length, this.#size - wanted.at, MAX_WANTED) };
  }

  #finish(timeUs: number): void {
    this.#reader.end(timeUs);
    this.#expect();
  }

  #lose(): void {
    this.lost += 1;
    this.#searching = true;
    this.#expect();
  }

  #expect(): void {
    this.#position = 0;
    this.#size = 0;
    this.#wanted = { at: 0, length: HEAD };
    this.#clear();
  }

  #clear(): void {
    this.#pieces.length = 0;
    this.#have = 0;
    this.#broken = false;
  }
}
