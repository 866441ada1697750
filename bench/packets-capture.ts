// A capture of any size, made of a small real one: its connection again and again from other ports, each with its work many times over.
import { closeSync, openSync, writeSync } from "node:fs";
import { type PcapPacket, packetHeader, pcapHeader, readFormat, readPackets } from "../src/packets/pcap.ts";
import { parseFrame, type Segment } from "../src/packets/tcp-segment.ts";
import { AodError } from "../src/system/error.ts";

interface Packet extends PcapPacket {
  readonly segment: Segment;
  readonly toServer: boolean;
}

const IP = 14;
const NOTIFICATION = 0xffff_ffff_ffff_ffffn;
const WRITE_BYTES = 4 * 1024 * 1024;

/** How it is made: `setUp` packets of the file are those of handshake, log-in and the first tree; what follows is repeated. */
export interface Enlarge {
  readonly bytes: number;
  readonly port: number;
  readonly setUp: number;
  readonly repeats: number;
}

/** Returns how many packets and connections it has. The frames are Ethernet with IPv4. */
export function enlarge(
  source: Buffer,
  path: string,
  how: Enlarge,
): { readonly packets: number; readonly connections: number } {
  const format = readFormat(source);
  if (format === undefined) throw new AodError("failed", "the source is no pcap");
  const all = [...readPackets(source, format)].flatMap((packet): Packet[] => {
    const { segment } = parseFrame(packet.data, format.linkType, packet.originalLength);
    return segment === undefined ? [] : [{ ...packet, segment, toServer: segment.toPort === how.port }];
  });
  const [start, work] = [all.slice(0, how.setUp), all.slice(how.setUp)];
  const sent = (toServer: boolean): number =>
    work.filter((packet) => packet.toServer === toServer).reduce((sum, { segment }) => sum + segment.length, 0);
  const ids = work.flatMap(({ data, segment }) =>
    headersIn(data, segment.payloadAt).map((at) => data.readBigUInt64LE(at + 24)),
  );
  const known = ids.filter((id) => id !== NOTIFICATION);
  const [least = 0n, most = 0n] = [known.reduce(lesser, known[0] ?? 0n), known.reduce(greater, 0n)];
  const perRound = { toServer: sent(true), toClient: sent(false), messages: most - least + 1n };
  const writer = new Writer(path, pcapHeader(format));
  let [packets, connections, microseconds] = [0, 0, 0];
  while (writer.bytes < how.bytes) {
    const clientPort = 1024 + (connections % 60_000);
    for (let round = -1; round < how.repeats && writer.bytes < how.bytes; round++) {
      const of = round < 0 ? start : work;
      const first = of[0];
      for (const packet of of) {
        const at = microseconds + between(first, packet);
        writer.write(shifted(packet, at, clientPort, Math.max(0, round), perRound));
        packets += 1;
      }
      microseconds += between(first, of.at(-1)) + 100;
    }
    connections += 1;
  }
  writer.close();
  return { packets, connections };
}

const lesser = (one: bigint, two: bigint): bigint => (one < two ? one : two);
const greater = (one: bigint, two: bigint): bigint => (one > two ? one : two);

/** Where headers of SMB2 are in a packet whose payload begins with a message: the members of its chains. */
function headersIn(data: Buffer, payloadAt: number): number[] {
  const found: number[] = [];
  for (let message = payloadAt; message + 68 <= data.length && data.readUInt8(message) === 0; ) {
    for (let at = message + 4; at + 64 <= data.length && data.readUInt32BE(at) === 0xfe534d42; ) {
      found.push(at);
      const next = data.readUInt32LE(at + 20);
      if (next === 0) break;
      at += next;
    }
    message += 4 + data.readUInt32BE(message);
  }
  return found;
}

function between(first: PcapPacket | undefined, last: PcapPacket | undefined): number {
  if (first === undefined || last === undefined) return 0;
  return (last.seconds - first.seconds) * 1e6 + last.fraction - first.fraction;
}

function shifted(
  { data, segment, toServer, originalLength }: Packet,
  microseconds: number,
  clientPort: number,
  round: number,
  perRound: { readonly toServer: number; readonly toClient: number; readonly messages: bigint },
): Buffer {
  const copy = Buffer.from(data);
  const tcp = IP + ((data[IP] ?? 0) & 15) * 4;
  const [own, other] = toServer ? [perRound.toServer, perRound.toClient] : [perRound.toClient, perRound.toServer];
  copy.writeUInt16BE(clientPort, tcp + (toServer ? 0 : 2));
  copy.writeUInt32BE((segment.sequence + round * own) >>> 0, tcp + 4);
  copy.writeUInt32BE((segment.acknowledged + round * other) >>> 0, tcp + 8);
  for (const at of headersIn(copy, segment.payloadAt)) {
    const id = copy.readBigUInt64LE(at + 24);
    if (id !== NOTIFICATION) copy.writeBigUInt64LE(id + BigInt(round) * perRound.messages, at + 24);
  }
  const seconds = 1_700_000_000 + Math.floor(microseconds / 1e6);
  return Buffer.concat([packetHeader({ seconds, fraction: microseconds % 1e6, originalLength, data: copy }), copy]);
}

class Writer {
  bytes = 0;
  readonly #fd: number;
  #pieces: Buffer[] = [];
  #size = 0;

  constructor(path: string, header: Buffer) {
    this.#fd = openSync(path, "w");
    this.write(header);
  }

  write(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
    this.bytes += piece.length;
    if (this.#size >= WRITE_BYTES) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#fd);
  }

  #flush(): void {
    const all = Buffer.concat(this.#pieces);
    for (let at = 0; at < all.length; ) at += writeSync(this.#fd, all, at);
    this.#pieces = [];
    this.#size = 0;
  }
}
