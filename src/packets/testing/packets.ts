// For tests: messages with secrets in them, and captures of what a network makes of them.
import { packetHeader, pcapHeader } from "../pcap.ts";

/** Bytes that are unlike everything else, and whether any eight of them in a row are somewhere. */
export class Secrets {
  readonly #pieces = new Set<bigint>();
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  }

  take(size: number): Buffer {
    const bytes = Buffer.alloc(size);
    for (let index = 0; index < size; index++) {
      this.#state ^= this.#state << 13;
      this.#state ^= this.#state >>> 17;
      this.#state ^= this.#state << 5;
      bytes[index] = 1 + ((this.#state >>> 8) % 255);
    }
    for (let at = 0; at + 8 <= size; at++) this.#pieces.add(bytes.readBigUInt64LE(at));
    return bytes;
  }

  foundIn(bytes: Buffer): number[] {
    const found: number[] = [];
    for (let at = 0; at + 8 <= bytes.length; at++) if (this.#pieces.has(bytes.readBigUInt64LE(at))) found.push(at);
    return found;
  }
}

function smb2(command: number, mid: bigint, response: boolean, structure: number, fixed: number, data: Buffer): Buffer {
  const header = Buffer.alloc(4 + 64 + fixed);
  header.writeUInt32BE(64 + fixed + data.length, 0);
  header.write("\xfeSMB", 4, "latin1");
  header.writeUInt16LE(64, 8);
  header.writeUInt16LE(command, 16);
  header.writeUInt32LE(response ? 1 : 0, 20);
  header.writeBigUInt64LE(mid, 28);
  header.writeBigUInt64LE(0x65n, 44);
  header.writeUInt16LE(structure, 68);
  return Buffer.concat([header, data]);
}

export const createMessage = (mid: bigint, name: Buffer): Buffer => smb2(5, mid, false, 57, 56, name);
export const writeRequest = (mid: bigint, data: Buffer): Buffer => smb2(9, mid, false, 49, 48, data);
export const readResponse = (mid: bigint, data: Buffer): Buffer => smb2(8, mid, true, 17, 16, data);

export function encryptedMessage(sealed: Buffer): Buffer {
  const header = Buffer.alloc(4 + 52);
  header.writeUInt32BE(52 + sealed.length, 0);
  header.write("\xfdSMB", 4, "latin1");
  header.writeBigUInt64LE(0x65n, 48);
  return Buffer.concat([header, sealed]);
}

/** A COMPOUND of an operation with arguments of which nothing is known. */
export function nfsOperationCall(xid: number, operation: number, secret: Buffer): Buffer {
  const words = (...list: readonly number[]): Buffer => Buffer.from(Uint32Array.from(list).buffer).swap32();
  const body = Buffer.concat([words(xid, 0, 2, 100003, 4, 1, 0, 0, 0, 0, 0, 1, 1, operation), secret]);
  return Buffer.concat([words((0x8000_0000 | body.length) >>> 0), body]);
}

/** WRITE of version 3, or a COMPOUND with SEQUENCE, PUTFH and WRITE; handle and credentials are parts of the secret too. */
export function nfsWriteCall(xid: number, version: 3 | 4, secret: Buffer): Buffer {
  const [machine, handle] = [secret.subarray(0, 8), secret.subarray(0, 8)];
  const words = (...list: readonly number[]): Buffer => Buffer.from(Uint32Array.from(list).buffer).swap32();
  const head = [words(xid, 0, 2, 100003, version, version === 3 ? 7 : 1, 1, machine.length), machine, words(0, 0)];
  const data = Buffer.alloc(Math.ceil(secret.length / 4) * 4);
  secret.copy(data);
  const write =
    version === 3
      ? [words(handle.length), handle, words(0, 0, secret.length, 2, secret.length), data]
      : [
          words(0, 1, 3, 53, 1, 2, 3, 4, 5, 6, 7, 8, 22, handle.length),
          handle,
          words(38, 1, 2, 3, 4, 0, 0, 2, secret.length),
          data,
        ];
  const body = Buffer.concat([...head, ...write]);
  return Buffer.concat([words((0x8000_0000 | body.length) >>> 0), body]);
}

/** What the network does: all of it repeats when its list ends. */
export interface Delivery {
  readonly seed: number;
  readonly size: number;
  /** Sizes of segments. */
  readonly cuts: readonly number[];
  /** The capture has the SYN. */
  readonly begun: boolean;
  /** Places whose segment changes with the next, is there twice, is missing. */
  readonly order: readonly number[];
  readonly repeat: readonly number[];
  readonly lose: readonly number[];
}

interface Conversation {
  readonly toServer: readonly Buffer[];
  readonly toClient: readonly Buffer[];
  readonly port: number;
  /** Every message begins a segment. */
  readonly alone?: boolean;
}

interface Sent {
  readonly toServer: boolean;
  readonly port: number;
  readonly sequence: number;
  readonly syn: boolean;
  readonly payload: Buffer;
}

export function deliver({ toServer, toClient, port, alone = false }: Conversation, how: Delivery): readonly Sent[] {
  const sent: Sent[] = [];
  for (const [direction, messages] of [
    [true, toServer],
    [false, toClient],
  ] as const) {
    // Over the end of the numbers, too.
    let sequence = (0xffff_ff00 + (how.seed % 512)) >>> 0;
    if (how.begun)
      sent.push({ toServer: direction, port, sequence: (sequence - 1) >>> 0, syn: true, payload: Buffer.alloc(0) });
    let cut = 0;
    for (const stream of alone ? messages : [Buffer.concat(messages)]) {
      for (let at = 0; at < stream.length; ) {
        const payload = stream.subarray(at, at + (how.cuts[cut++ % how.cuts.length] ?? 1));
        sent.push({ toServer: direction, port, sequence, syn: false, payload });
        sequence = (sequence + payload.length) >>> 0;
        at += payload.length;
      }
    }
  }
  for (const place of how.order) {
    const [one, two] = [sent[place], sent[place + 1]];
    if (one !== undefined && two !== undefined) sent.splice(place, 2, two, one);
  }
  for (const place of how.repeat) {
    const one = sent[place];
    if (one !== undefined) sent.splice(place * 2, 0, one);
  }
  return sent.filter((_, place) => !how.lose.includes(place));
}

export interface FrameOptions {
  readonly snap: number;
  readonly linkType: number;
}

export function capture(sent: readonly Sent[], { snap, linkType }: FrameOptions): Buffer {
  const format = { littleEndian: true, perSecond: 1e6, linkType, snapLength: snap };
  const packets = sent.flatMap((segment, index) => {
    const frame = Buffer.concat([link(linkType), ip(segment), tcp(segment), segment.payload]);
    const data = frame.subarray(0, snap);
    return [packetHeader({ seconds: 1000 + index, fraction: 0, originalLength: frame.length, data }), data];
  });
  return Buffer.concat([pcapHeader(format), ...packets]);
}

function link(type: number): Buffer {
  const header = Buffer.alloc(type === 1 ? 14 : type === 113 ? 16 : type === 276 ? 20 : 0);
  if (header.length > 0) header.writeUInt16BE(0x0800, type === 1 ? 12 : type === 113 ? 14 : 0);
  return header;
}

function ip({ toServer, payload }: Sent): Buffer {
  const header = Buffer.from("4500000000014000400600000a0000010a000002", "hex");
  header.writeUInt16BE(40 + payload.length > 0xffff ? 0 : 40 + payload.length, 2);
  if (!toServer) Buffer.from("0a0000020a000001", "hex").copy(header, 12);
  return header;
}

function tcp({ toServer, port, sequence, syn }: Sent): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(toServer ? 50_000 : port, 0);
  header.writeUInt16BE(toServer ? port : 50_000, 2);
  header.writeUInt32BE(sequence, 4);
  header.writeUInt8(0x50, 12);
  header.writeUInt8(syn ? 2 : 0x18, 13);
  header.writeUInt16BE(0xbeef, 16);
  return header;
}
