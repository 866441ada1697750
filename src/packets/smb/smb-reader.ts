// SMB2 and 3 over TCP: MS-SMB2 2.1 (transport), 2.2.1 (header), 2.2.41 (transform header), 2.2.42 (compression header).
import type { MessageReader, Wanted } from "../message-framer.ts";
import type { Unseal, Unsealer } from "./unseal.ts";

export const HEADER = 64;
const TRANSPORT = 4;
const TRANSFORM = 52;
const MAX_BODY = 32 * 1024;
const LAST_COMMAND = 18;
/** Whose bodies tell something: NEGOTIATE, SESSION_SETUP, TREE_CONNECT. */
const withBody = new Set([0, 1, 3]);

/** A header alone or in a compound chain, with as much of its body as was wanted and captured. */
export interface SmbPart {
  readonly command: number;
  readonly status: number;
  readonly response: boolean;
  readonly async: boolean;
  readonly signed: boolean;
  /** Too large ones are rounded: what matters is that it is the same in the answer. */
  readonly messageId: number;
  readonly sessionId: string;
  readonly treeId: number;
  body: Buffer | undefined;
}

/** Of messages that cannot be looked into. */
export type Opaque = "encrypted" | "compressed" | "smb1";

export interface SmbListener {
  /** `sealed`: it was encrypted, and has been decrypted. */
  message(parts: readonly SmbPart[], timeUs: number, toServer: boolean, sealed: boolean): void;
  sealed(kind: Opaque, bytes: number, sessionId: string | undefined, toServer: boolean): void;
}

/** MessageId of what the server sends unasked. */
export const UNSOLICITED = 2 ** 64;

/** One direction of a connection of SMB2. */
export class SmbReader implements MessageReader {
  readonly #listener: SmbListener;
  readonly #toServer: boolean;
  readonly #unsealer: Unsealer | undefined;
  #size = 0;
  #parts: SmbPart[] = [];
  #opaque: Opaque | undefined;
  #session: string | undefined;
  #unseal: Unseal | undefined;
  /** Where the header begins that is read, or whose body is; where the next member of the chain begins, 0: nowhere. */
  #header = TRANSPORT;
  #next = 0;

  constructor(listener: SmbListener, toServer: boolean, unsealer?: Unsealer) {
    this.#listener = listener;
    this.#toServer = toServer;
    this.#unsealer = unsealer;
  }

  size(head: Buffer, at: number): number | undefined {
    // 0x85: keep-alive of the NetBIOS session service; 0x81 to 0x84 open a session on port 139.
    const type = head.readUInt8(at);
    if (type !== 0 && (type < 0x81 || type > 0x85)) return undefined;
    return TRANSPORT + (head.readUInt32BE(at) & 0xff_ffff);
  }

  begins(payload: Buffer): boolean {
    if (payload.length < TRANSPORT + 16 || payload.readUInt8(0) !== 0) return false;
    const length = payload.readUInt32BE(0);
    const magic = payload.readUInt32BE(TRANSPORT);
    if (magic === 0xfd534d42) return length >= TRANSFORM;
    return magic === 0xfe534d42 && length >= HEADER && isHeader(payload, TRANSPORT);
  }

  start(size: number): Wanted {
    this.#size = size;
    this.#parts = [];
    this.#opaque = undefined;
    this.#session = undefined;
    this.#unseal = undefined;
    this.#header = TRANSPORT;
    return { at: TRANSPORT, length: HEADER };
  }

  part(raw: Buffer, wanted: Wanted): Wanted | undefined | "bad" {
    const bytes = this.#unseal === undefined ? raw : this.#unseal(raw, wanted.at - TRANSPORT - TRANSFORM);
    if (wanted.at !== this.#header) return this.#body(bytes);
    // What was not captured of it is unknown, and so is what comes behind it.
    if (bytes.length < 4) return undefined;
    const magic = bytes.readUInt32BE(0);
    if (magic === 0xfe534d42) return bytes.length < HEADER ? undefined : this.#member(bytes);
    if (this.#parts.length > 0 || this.#unseal !== undefined) return undefined;
    if (magic === 0xfd534d42) return this.#transform(bytes);
    if (magic === 0xff534d42) this.#opaque = "smb1";
    else if (magic === 0xfc534d42) this.#opaque = "compressed";
    else return "bad";
    return undefined;
  }

  end(timeUs: number): void {
    if (this.#parts.length > 0) this.#listener.message(this.#parts, timeUs, this.#toServer, this.#unseal !== undefined);
    else if (this.#opaque !== undefined)
      this.#listener.sealed(this.#opaque, this.#size - TRANSPORT, this.#session, this.#toServer);
  }

  #transform(bytes: Buffer): Wanted | undefined {
    this.#opaque = "encrypted";
    if (bytes.length < TRANSFORM) return undefined;
    this.#session = sessionOf(bytes, 44);
    // Of the message within: what was already captured of it tells whether the key is the right one.
    this.#unseal = this.#unsealer?.(bytes.subarray(0, TRANSFORM), bytes.subarray(TRANSFORM), this.#toServer);
    if (this.#unseal === undefined) return undefined;
    this.#header = TRANSPORT + TRANSFORM;
    return { at: this.#header, length: HEADER };
  }

  #member(bytes: Buffer): Wanted | undefined | "bad" {
    if (!isHeader(bytes, 0)) return this.#parts.length === 0 && this.#unseal === undefined ? "bad" : undefined;
    const flags = bytes.readUInt32LE(16);
    const command = bytes.readUInt16LE(12);
    const next = bytes.readUInt32LE(20);
    const isAsync = (flags & 2) !== 0;
    this.#parts.push({
      command,
      status: bytes.readUInt32LE(8),
      response: (flags & 1) !== 0,
      async: isAsync,
      signed: (flags & 8) !== 0,
      messageId: bytes.readUInt32LE(24) + bytes.readUInt32LE(28) * 2 ** 32,
      sessionId: sessionOf(bytes, 40),
      treeId: isAsync ? 0 : bytes.readUInt32LE(36),
      body: undefined,
    });
    const header = this.#header;
    this.#next = next >= HEADER && next % 8 === 0 ? header + next : 0;
    if (withBody.has(command)) {
      const end = this.#next === 0 ? this.#size : this.#next;
      if (end > header + HEADER) return { at: header + HEADER, length: Math.min(end - header - HEADER, MAX_BODY) };
    }
    return this.#following();
  }

  #body(bytes: Buffer): Wanted | undefined {
    const last = this.#parts.at(-1);
    // Valid only now: the packet's buffer is used again.
    if (last !== undefined) last.body = Buffer.from(bytes);
    return this.#following();
  }

  #following(): Wanted | undefined {
    if (this.#next === 0) return undefined;
    this.#header = this.#next;
    return { at: this.#next, length: HEADER };
  }
}

const sessionOf = (bytes: Buffer, at: number): string => `0x${bytes.readBigUInt64LE(at).toString(16)}`;

/** SERVER_TO_REDIR, ASYNC, RELATED, SIGNED, PRIORITY, DFS, REPLAY: 2.2.1. */
const KNOWN_FLAGS = 0x3000_007f;

/** Of the first 16 bytes, and the flags when they are there. */
function isHeader(bytes: Buffer, at: number): boolean {
  return (
    bytes.readUInt16LE(at + 4) === HEADER &&
    bytes.readUInt16LE(at + 12) <= LAST_COMMAND &&
    (bytes.length < at + 20 || (bytes.readUInt32LE(at + 16) & ~KNOWN_FLAGS) === 0)
  );
}
