// A credential cache of type FILE, version 3 or 4: MIT Kerberos, doc/formats/ccache_file_format. Its keys and tickets are passed over, never taken out.

import { encryptionName } from "./names.ts";

/** When a ticket is good, in s since 1970; 0: not told. */
export interface CachedTicket {
  /** `krbtgt/REALM@REALM` */
  readonly service: string;
  readonly end: number;
  readonly renewUntil: number;
  /** Of its session key: `aes256-cts-hmac-sha1-96`. */
  readonly encryption?: string;
}

export interface Ccache {
  readonly client: string;
  readonly tickets: readonly CachedTicket[];
  /** It was understood to its end. */
  readonly whole: boolean;
}

const MAX_TICKETS = 256;
const MAX_NAME = 1024;

/** Undefined when it is none. Never throws. */
export function parseCcache(bytes: Buffer): Ccache | undefined {
  const version = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0;
  if (version !== 0x0503 && version !== 0x0504) return undefined;
  const reader = new Reader(bytes, 2);
  if (version === 0x0504) reader.skip(reader.u16());
  const client = reader.principal();
  const tickets: CachedTicket[] = [];
  while (!reader.failed && !reader.atEnd && tickets.length < MAX_TICKETS) {
    const ticket = credential(reader, version);
    if (reader.failed) break;
    // Settings of the library's own.
    if (!ticket.service.endsWith("@X-CACHECONF:")) tickets.push(ticket);
  }
  return client === "" && reader.failed ? undefined : { client, tickets, whole: !reader.failed && reader.atEnd };
}

function credential(reader: Reader, version: number): CachedTicket {
  reader.principal();
  const service = reader.principal();
  const encryption = encryptionName(reader.u16());
  if (version === 0x0503) reader.skip(2);
  reader.skip(reader.u32());
  reader.skip(8);
  const end = reader.u32();
  const renewUntil = reader.u32();
  reader.skip(5);
  for (const _ of ["addresses", "authorization data"]) {
    for (let left = reader.u32(); left > 0 && !reader.failed; left--) {
      reader.skip(2);
      reader.skip(reader.u32());
    }
  }
  reader.skip(reader.u32());
  reader.skip(reader.u32());
  return { service, end, renewUntil, encryption };
}

class Reader {
  failed = false;
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u16(): number {
    return this.#has(2) ? this.#bytes.readUInt16BE(this.#step(2)) : 0;
  }

  u32(): number {
    return this.#has(4) ? this.#bytes.readUInt32BE(this.#step(4)) : 0;
  }

  skip(count: number): void {
    if (this.#has(count)) this.#step(count);
  }

  principal(): string {
    this.skip(4);
    const count = this.u32();
    const realm = this.#text();
    const parts: string[] = [];
    for (let index = 0; index < count && !this.failed; index++) {
      const part = this.#text();
      if (parts.length < 8) parts.push(part);
    }
    return this.failed ? "" : `${parts.join("/")}@${realm}`;
  }

  #text(): string {
    const length = this.u32();
    if (!this.#has(length)) return "";
    const at = this.#step(length);
    return this.#bytes.toString("utf8", at, at + Math.min(length, MAX_NAME));
  }

  #has(count: number): boolean {
    if (this.#at + count > this.#bytes.length) this.failed = true;
    return !this.failed;
  }

  #step(count: number): number {
    const at = this.#at;
    this.#at += count;
    return at;
  }
}
