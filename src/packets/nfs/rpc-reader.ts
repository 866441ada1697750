// Record marking over TCP: RFC 5531 section 11.
import type { MessageReader, Wanted } from "../message-framer.ts";

const MARK = 4;
/** Header, credentials, and the beginning of the arguments or results. */
const HEAD = 1536;
const MAX_FRAGMENT = 0x0200_0000;

export interface RpcListener {
  /** The beginning of a record; its last byte was seen at this time. */
  record(head: Buffer, timeUs: number, fromClient: boolean): void;
  /** What follows is TLS (`xprtsec=`). */
  tls(): void;
}

/** One direction of a connection of RPC. */
export class RpcReader implements MessageReader {
  readonly #listener: RpcListener;
  readonly #fromClient: boolean;
  #record: Buffer | undefined;
  /** The fragment that is being read continues a record, or is not its last. */
  #continues = false;
  #isLast = true;
  #tls = false;

  constructor(listener: RpcListener, fromClient: boolean) {
    this.#listener = listener;
    this.#fromClient = fromClient;
  }

  size(head: Buffer, at: number): number | undefined | "sealed" {
    // The records of a TLS handshake, of alerts and of data.
    const type = head.readUInt8(at);
    if (type >= 0x14 && type <= 0x17 && head.readUInt8(at + 1) === 3) {
      this.#tls = true;
      this.#listener.tls();
      return "sealed";
    }
    const mark = head.readUInt32BE(at);
    const length = mark & 0x7fff_ffff;
    if (length > MAX_FRAGMENT) return undefined;
    this.#continues = !this.#isLast;
    this.#isLast = mark >>> 31 === 1;
    return MARK + length;
  }

  begins(payload: Buffer): boolean {
    if (this.#tls || payload.length < MARK + 12) return false;
    const mark = payload.readUInt32BE(0);
    const length = mark & 0x7fff_ffff;
    const direction = payload.readUInt32BE(8);
    if (mark >>> 31 !== 1 || length < 12 || length > MAX_FRAGMENT) return false;
    // A call says RPC version 2, a reply whether it was accepted.
    const third = payload.readUInt32BE(12);
    const isOne = direction === 0 ? third === 2 : direction === 1 && third <= 1;
    if (isOne) this.#isLast = true;
    return isOne;
  }

  start(): Wanted {
    return { at: MARK, length: HEAD };
  }

  part(bytes: Buffer): Wanted | undefined | "bad" {
    if (this.#continues) return undefined;
    if (bytes.length >= 8 && bytes.readUInt32BE(4) > 1) {
      this.#isLast = true;
      return "bad";
    }
    this.#record = Buffer.from(bytes);
    return undefined;
  }

  end(timeUs: number): void {
    if (!this.#isLast || this.#record === undefined) return;
    this.#listener.record(this.#record, timeUs, this.#fromClient);
    this.#record = undefined;
  }
}
