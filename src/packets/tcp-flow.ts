import type { Segment } from "./tcp-segment.ts";

/** Where the bytes of one direction go, in order. */
export interface Sink {
  /** `payload`: what was captured of `length` bytes; valid only during the call. */
  feed(payload: Buffer, length: number, timeUs: number): void;
  /** Bytes that the capture does not have. */
  gap(length: number, timeUs: number): void;
}

/** Room for segments that came too early, shared by all connections of a capture. */
export class HeldBytes {
  left: number;

  constructor(limit: number) {
    this.left = limit;
  }
}

interface Held {
  readonly sequence: number;
  readonly payload: Buffer;
  readonly length: number;
  readonly timeUs: number;
}

/** Of one direction: more means that what is missing does not come any more. */
const MAX_HELD = 1024;
const MAX_HELD_BYTES = 1024 * 1024;
/** Also once the receiver has confirmed what is missing: the capture may have put segments in another order than the network. */
const MAX_HELD_CONFIRMED = 16;
/** No window of TCP is larger: what is further away belongs to something else. */
const MAX_AHEAD = 2 ** 30;
/** Without a handshake to compare with, what comes later than this is sent again and not overtaken. As Wireshark has it. */
const OUT_OF_ORDER_US = 3000;

/** One direction of a connection: puts its segments in order, and counts what went wrong on the way. */
export class TcpFlow {
  packets = 0;
  /** Payload on the wire, with what was sent again. */
  bytes = 0;
  retransmissions = 0;
  retransmittedBytes = 0;
  outOfOrder = 0;
  /** The same packet, captured twice. */
  duplicates = 0;
  keepAlives = 0;
  zeroWindows = 0;
  /** Places where the capture has not what the other side has got. */
  gaps = 0;
  missingBytes = 0;
  /** Round trip of the handshake, once it is known. */
  rttUs: number | undefined;
  #next: number | undefined;
  #held: Held[] = [];
  #heldBytes = 0;
  /** What was seen before of this direction. */
  #last: Pick<Segment, "sequence" | "length" | "acknowledged" | "flags" | "window" | "id"> | undefined;
  #lastUs = 0;
  readonly #sink: Sink;
  readonly #budget: HeldBytes;

  constructor(sink: Sink, budget: HeldBytes) {
    this.#sink = sink;
    this.#budget = budget;
  }

  /** SYN: the stream begins behind it. True: it was sent before. */
  begin(sequence: number): boolean {
    const next = (sequence + 1) >>> 0;
    const again = this.#next === next;
    if (again) this.retransmissions += 1;
    // A capture may have data before the SYN that it followed: what was read is not read again.
    const before = this.#next === undefined ? -1 : (this.#next - next) | 0;
    if (before < 0 || before > MAX_AHEAD) this.#next = next;
    return again;
  }

  /** Counts a packet. False: it was captured twice and is to be left out. */
  count(segment: Segment, timeUs: number): boolean {
    const last = this.#last;
    if (
      last !== undefined &&
      last.sequence === segment.sequence &&
      last.length === segment.length &&
      last.acknowledged === segment.acknowledged &&
      last.id === segment.id &&
      last.flags === segment.flags &&
      last.window === segment.window &&
      // Only IPv4 tells packets apart by themselves; without payload nothing is lost either way.
      (segment.id > 0 ? timeUs - this.#lastUs < 1e6 : timeUs - this.#lastUs < 100) &&
      (segment.length > 0 || segment.syn)
    ) {
      this.duplicates += 1;
      return false;
    }
    this.#last = segment;
    this.#lastUs = timeUs;
    this.packets += 1;
    this.bytes += segment.length;
    return true;
  }

  receive(sequence: number, payload: Buffer, length: number, timeUs: number): void {
    this.#next ??= sequence;
    const ahead = (sequence - this.#next) | 0;
    if (ahead === 0) {
      if (this.#held.length > 0) this.#filled(timeUs, length);
      this.#feed(payload, length, timeUs);
      if (this.#held.length > 0) this.#drain();
    } else if (ahead > 0) {
      this.#hold({ sequence, payload, length, timeUs }, ahead);
    } else if (ahead < -MAX_AHEAD) this.#restart(sequence, payload, length, timeUs);
    else this.#old(payload, length, -ahead, timeUs);
  }

  /** The receiver has everything before this. */
  confirmed(sequence: number): void {
    if (this.#held.length <= MAX_HELD_CONFIRMED || this.#next === undefined) return;
    if (((sequence - this.#next) | 0) > 0) this.#skip();
  }

  /** No more will come. */
  end(): void {
    while (this.#held.length > 0) this.#skip();
  }

  #old(payload: Buffer, length: number, behind: number, timeUs: number): void {
    if (length <= 1 && behind === 1) this.keepAlives += 1;
    else {
      this.retransmissions += 1;
      this.retransmittedBytes += Math.min(length, behind);
      if (length <= behind) return;
      this.#feed(payload.subarray(behind), length - behind, timeUs);
      this.#drain();
    }
  }

  /** What was missing has come. */
  #filled(timeUs: number, length: number): void {
    const since = timeUs - (this.#held[0]?.timeUs ?? timeUs);
    if (since < (this.rttUs ?? OUT_OF_ORDER_US)) this.outOfOrder += 1;
    else {
      this.retransmissions += 1;
      this.retransmittedBytes += length;
    }
  }

  #feed(payload: Buffer, length: number, timeUs: number): void {
    this.#next = ((this.#next ?? 0) + length) >>> 0;
    this.#sink.feed(payload, length, timeUs);
  }

  #hold(segment: Held, ahead: number): void {
    if (ahead > MAX_AHEAD) {
      this.#restart(segment.sequence, segment.payload, segment.length, segment.timeUs);
      return;
    }
    const held = this.#held;
    let place = held.length;
    while (place > 0 && (((held[place - 1]?.sequence ?? 0) - segment.sequence) | 0) > 0) place -= 1;
    const before = held[place - 1];
    if (before !== undefined && before.sequence === segment.sequence && before.length >= segment.length) {
      this.retransmissions += 1;
      this.retransmittedBytes += segment.length;
      return;
    }
    held.splice(place, 0, { ...segment, payload: Buffer.from(segment.payload) });
    this.#heldBytes += segment.payload.length;
    this.#budget.left -= segment.payload.length;
    while (held.length > MAX_HELD || this.#heldBytes > MAX_HELD_BYTES || (this.#budget.left < 0 && held.length > 0)) {
      this.#skip();
    }
  }

  /** Over what is missing, to the first of what is held. */
  #skip(): void {
    const [first] = this.#held;
    if (first === undefined || this.#next === undefined) return;
    const missing = (first.sequence - this.#next) | 0;
    if (missing > 0) {
      this.gaps += 1;
      this.missingBytes += missing;
      this.#next = first.sequence;
      this.#sink.gap(missing, first.timeUs);
    }
    this.#drain();
  }

  #drain(): void {
    for (let first = this.#held[0]; first !== undefined && this.#next !== undefined; first = this.#held[0]) {
      const behind = (this.#next - first.sequence) | 0;
      if (behind < 0) return;
      this.#held.shift();
      this.#heldBytes -= first.payload.length;
      this.#budget.left += first.payload.length;
      if (behind < first.length) this.#feed(first.payload.subarray(behind), first.length - behind, first.timeUs);
    }
  }

  /** The numbers have jumped: another stream, or nonsense. */
  #restart(sequence: number, payload: Buffer, length: number, timeUs: number): void {
    this.end();
    this.gaps += 1;
    // A gap of unknown size: whoever reads messages has to find the next one.
    this.#sink.gap(Number.MAX_SAFE_INTEGER, timeUs);
    this.#next = sequence;
    this.#feed(payload, length, timeUs);
  }
}
