import { setImmediate } from "node:timers/promises";
import {
  type PcapFormat,
  type PcapPacket,
  packetHeader,
  pcapHeader,
  readFormat,
  readPackets,
} from "../packets/pcap.ts";
import { parseFrame, type Segment } from "../packets/tcp-segment.ts";
import { Connection } from "./connection.ts";
import { RpcDissector } from "./rpc-message.ts";
import { Smb2Dissector } from "./smb2-message.ts";

export interface ScrubOptions {
  /** Ports of SMB servers; default 445. */
  readonly smbPorts?: Iterable<number>;
  /** Ports of NFS servers; default 2049. */
  readonly nfsPorts?: Iterable<number>;
  /** Session ids of the SMB client that are known from elsewhere. */
  readonly sessions?: Iterable<bigint>;
  /** Seconds since the epoch: packets from before are left out. */
  readonly since?: number;
}

const PIECE_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 4096;

/**
 * Capture files in, one capture file out, in which every byte is zero that is not a header of the link, IP, TCP, SMB2 or RPC, or a fixed field of a
 * command. Files are given oldest first; the link type is that of the first, others are counted as `skipped`. Gives other work a turn.
 */
export class Scrubber {
  packets = 0;
  /** Files that are no capture, or of another kind. */
  skipped = 0;
  /** Bytes of payload that were kept, and that were zeroed. */
  readonly bytes = { kept: 0, zeroed: 0 };
  readonly #smb: ReadonlySet<number>;
  readonly #nfs: ReadonlySet<number>;
  readonly #sessions: readonly bigint[];
  readonly #since: number;
  readonly #connections = new Map<string, Connection>();
  #format: PcapFormat | undefined;

  constructor(options: ScrubOptions = {}) {
    this.#smb = new Set(options.smbPorts ?? [445]);
    this.#nfs = new Set(options.nfsPorts ?? [2049]);
    this.#sessions = [...(options.sessions ?? [])];
    this.#since = options.since ?? 0;
  }

  async *file(file: Buffer): AsyncGenerator<Buffer> {
    const format = readFormat(file);
    if (format === undefined) {
      this.skipped += 1;
      return;
    }
    if (this.#format === undefined) {
      this.#format = format;
      yield pcapHeader(format);
    } else if (this.#format.linkType !== format.linkType || this.#format.perSecond !== format.perSecond) {
      this.skipped += 1;
      return;
    }
    let piece: Buffer[] = [];
    let size = 0;
    for (const packet of readPackets(file, format)) {
      // Also those that are left out tell where messages begin.
      const clean = this.packet(packet, format.linkType);
      if (packet.seconds < this.#since) continue;
      this.packets += 1;
      piece.push(packetHeader(clean), clean.data);
      size += clean.data.length + 16;
      if (size < PIECE_BYTES) continue;
      yield Buffer.concat(piece);
      piece = [];
      size = 0;
      await setImmediate();
    }
    if (size > 0) yield Buffer.concat(piece);
  }

  /** A copy. */
  packet(packet: PcapPacket, linkType: number): PcapPacket {
    const { keep, segment } = parseFrame(packet.data, linkType, packet.originalLength);
    const data = Buffer.alloc(packet.data.length);
    packet.data.copy(data, 0, 0, keep);
    if (segment !== undefined) this.#payload(segment, packet.data, data);
    return { ...packet, data };
  }

  #payload(segment: Segment, from: Buffer, to: Buffer): void {
    const { payloadAt, captured, length, sequence, checksumAt } = segment;
    const toServer = this.#isServer(segment.toPort);
    const connection = this.#connectionOf(segment, toServer);
    if (segment.syn) connection?.begin(sequence, toServer);
    // A sum over the payload tells something about it.
    if (length > 0) to.fill(0, checksumAt, checksumAt + 2);
    const payload = from.subarray(payloadAt, payloadAt + captured);
    let kept = 0;
    for (const [start, end] of segment.syn ? [] : (connection?.keep(sequence, payload, length, toServer) ?? [])) {
      from.copy(to, payloadAt + start, payloadAt + start, payloadAt + end);
      kept += end - start;
    }
    this.bytes.kept += kept;
    this.bytes.zeroed += captured - kept;
  }

  /** Undefined: neither end is a server that is known. */
  #connectionOf(segment: Segment, toServer: boolean): Connection | undefined {
    const { from, to, fromPort, toPort } = segment;
    if (!toServer && !this.#isServer(fromPort)) return undefined;
    const name = toServer ? `${from} ${to}` : `${to} ${from}`;
    const known = this.#connections.get(name);
    // The client's SYN begins a new one.
    if (known !== undefined && !(segment.syn && toServer)) return known;
    const port = toServer ? toPort : fromPort;
    const fresh = new Connection(this.#smb.has(port) ? new Smb2Dissector(this.#sessions) : new RpcDissector());
    this.#connections.set(name, fresh);
    const [oldest] = this.#connections.keys();
    if (this.#connections.size > MAX_CONNECTIONS && oldest !== undefined) this.#connections.delete(oldest);
    return fresh;
  }

  #isServer(port: number): boolean {
    return this.#smb.has(port) || this.#nfs.has(port);
  }
}
