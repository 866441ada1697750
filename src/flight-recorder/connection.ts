import type { Dissector, Range } from "./message.ts";

/** One direction: the sequence number at which the next message begins; undefined: not known. */
interface Direction {
  next: number | undefined;
}

/** Nothing of a direction is trusted that says it leaves this much out: the largest message of SMB2 is 16 MiB. */
const MAX_AHEAD = 0x0100_0000 + 4;

/** A segment as long as this is rather the middle of a transfer. */
const MAX_ALONE = 512;

/**
 * Follows both directions of a connection from message to message, by sequence numbers, and says what of a segment may be kept. It keeps nothing
 * where it does not know that a message begins: the data of a file may look like one.
 *
 * Known is the beginning of the stream, and what comes after a known message. Lost (a segment is missing, or the end of a capture lies in
 * between), it is found again at a segment that begins with a message and either is short and as long as that, or names what only this connection knows.
 */
export class Connection {
  readonly #dissector: Dissector;
  readonly #toServer: Direction = { next: undefined };
  readonly #toClient: Direction = { next: undefined };

  constructor(dissector: Dissector) {
    this.#dissector = dissector;
  }

  /** SYN: the stream begins behind it. */
  begin(sequence: number, toServer: boolean): void {
    this.#direction(toServer).next = (sequence + 1) >>> 0;
  }

  /** `payload`: what was captured of `length` bytes. The ranges are those of the payload, in order, without overlap. */
  keep(sequence: number, payload: Buffer, length: number, toServer: boolean): Range[] {
    const direction = this.#direction(toServer);
    if (length === 0) return [];
    const kept: Range[] = [];
    const ahead = direction.next === undefined ? undefined : (direction.next - sequence) | 0;
    let at: number;
    if (ahead === undefined || ahead < 0 || ahead > MAX_AHEAD) {
      if (!this.#isFound(payload, length, toServer)) {
        // What lies before the known place may still come; what is far from it means that it is wrong.
        if (ahead !== undefined && (ahead > MAX_AHEAD || ahead < -MAX_AHEAD)) direction.next = undefined;
        return [];
      }
      at = 0;
    } else {
      at = ahead;
    }
    // Inside of a message, or sent again.
    if (at >= length) return [];
    while (at < length) {
      const message = this.#dissector.read(payload, at, toServer);
      if (message === "unknown") {
        direction.next = undefined;
        return kept;
      }
      this.#dissector.learn(payload, at, toServer);
      for (const [from, to] of message.keep) kept.push([from, Math.min(to, payload.length)]);
      at += message.size;
    }
    direction.next = (sequence + at) >>> 0;
    return kept;
  }

  #isFound(payload: Buffer, length: number, toServer: boolean): boolean {
    const message = this.#dissector.read(payload, 0, toServer);
    return message !== "unknown" && (message.familiar || (message.size === length && length <= MAX_ALONE));
  }

  #direction(toServer: boolean): Direction {
    return toServer ? this.#toServer : this.#toClient;
  }
}
