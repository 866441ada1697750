import type { CapturedPacket } from "./capture-file.ts";
import { OpenRequests } from "./exchanges.ts";
import { RpcConversation } from "./nfs/rpc-conversation.ts";
import { RpcReader } from "./nfs/rpc-reader.ts";
import { SmbConversation } from "./smb/smb-conversation.ts";
import { SmbReader } from "./smb/smb-reader.ts";
import { type SessionKeys, type Unsealer, unsealerOf } from "./smb/unseal.ts";
import { type Readers, TcpConnection } from "./tcp-connection.ts";
import { HeldBytes } from "./tcp-flow.ts";
import { parseFrame, type Segment, TcpFlag } from "./tcp-segment.ts";
import { Totals } from "./totals.ts";

export interface AnalysisOptions {
  /** Ports of SMB servers besides 445 and 139. */
  readonly smbPorts?: Iterable<number>;
  /** Ports of RPC servers besides 2049, 111 and 20048. */
  readonly nfsPorts?: Iterable<number>;
  readonly keys?: readonly SessionKeys[];
  /** How many connections are remembered; default 4096. */
  readonly maxConnections?: number;
}

export type Conversation =
  | { readonly protocol: "smb"; readonly smb: SmbConversation }
  | { readonly protocol: "rpc"; readonly rpc: RpcConversation };

export interface Analysed {
  readonly connection: TcpConnection;
  readonly conversation: Conversation;
}

/** What is remembered at the most, however large the capture is. */
const MAX_CONNECTIONS = 4096;
const HELD_BYTES = 32 * 1024 * 1024;
const MAX_OPEN_REQUESTS = 256 * 1024;

/** Packets in, connections with their conversations out. */
export class Analysis {
  packets = 0;
  bytes = 0;
  firstUs: number | undefined;
  lastUs: number | undefined;
  /** Neither TCP nor of a server that is asked for. */
  other = 0;
  /** Headers that are not whole, or contradict themselves. */
  malformed = 0;
  /** Cut by the snapshot length of the capture. */
  cut = 0;
  /** Packets whose time is before that of the one before. */
  backwards = 0;
  /** Connections that were given up for newer ones. */
  forgotten = 0;
  readonly linkTypes = new Map<number, number>();
  /** Complete after end(). */
  readonly totals = new Totals();
  readonly #open = new Map<string, Analysed>();
  readonly #done: Analysed[] = [];
  readonly #held = new HeldBytes(HELD_BYTES);
  readonly #requests = new OpenRequests(MAX_OPEN_REQUESTS);
  readonly #smbPorts: ReadonlySet<number>;
  readonly #rpcPorts: ReadonlySet<number>;
  readonly #unsealer: Unsealer | undefined;
  readonly #maxConnections: number;
  #previousUs = Number.NEGATIVE_INFINITY;

  constructor({ smbPorts = [], nfsPorts = [], keys = [], maxConnections = MAX_CONNECTIONS }: AnalysisOptions = {}) {
    this.#maxConnections = maxConnections;
    this.#smbPorts = new Set([445, 139, ...smbPorts]);
    this.#rpcPorts = new Set([2049, 111, 20048, ...nfsPorts]);
    this.#unsealer = keys.length === 0 ? undefined : unsealerOf(keys);
  }

  packet({ data, timeUs: time, originalLength, linkType }: CapturedPacket): void {
    const timeUs = Number.isNaN(time) ? (this.lastUs ?? 0) : time;
    this.#seen(timeUs, data.length, originalLength, linkType);
    const { segment, broken } = parseFrame(data, linkType, originalLength);
    if (segment === undefined) {
      if (broken) this.malformed += 1;
      else this.other += 1;
      return;
    }
    const analysed = this.#connectionOf(segment, timeUs);
    if (analysed === undefined) {
      this.other += 1;
      return;
    }
    const payload = data.subarray(segment.payloadAt, segment.payloadAt + segment.captured);
    analysed.connection.packet(segment, payload, timeUs);
  }

  /** All connections, in the order of their first packets. No packet may come after this. */
  end(): readonly Analysed[] {
    const all = [...this.#done, ...this.#open.values()];
    for (const { connection, conversation } of all) {
      connection.end();
      this.totals.add(conversation);
    }
    return all.sort((left, right) => left.connection.firstUs - right.connection.firstUs);
  }

  #seen(timeUs: number, captured: number, originalLength: number, linkType: number): void {
    this.packets += 1;
    this.bytes += originalLength;
    this.firstUs = Math.min(this.firstUs ?? timeUs, timeUs);
    this.lastUs = Math.max(this.lastUs ?? timeUs, timeUs);
    if (timeUs < this.#previousUs) this.backwards += 1;
    this.#previousUs = timeUs;
    if (captured < originalLength) this.cut += 1;
    this.linkTypes.set(linkType, (this.linkTypes.get(linkType) ?? 0) + 1);
  }

  #connectionOf(segment: Segment, timeUs: number): Analysed | undefined {
    const { from, to } = segment;
    const known = this.#open.get(`${from} ${to}`) ?? this.#open.get(`${to} ${from}`);
    if (known !== undefined && !known.connection.isAnother(segment)) return known;
    const server = this.#serverOf(segment);
    if (server === undefined) return undefined;
    const isFromClient = server === segment.toPort && (segment.fromPort !== server || !isAnswer(segment));
    const conversation = this.#conversation(server);
    const connection = new TcpConnection(segment, isFromClient, timeUs, this.#held, this.#readers(conversation));
    const analysed = { connection, conversation };
    const name = isFromClient ? `${from} ${to}` : `${to} ${from}`;
    if (known !== undefined) {
      this.#open.delete(name);
      this.#done.push(known);
      known.connection.end();
    }
    this.#open.set(name, analysed);
    this.#limit();
    return analysed;
  }

  #limit(): void {
    if (this.#open.size + this.#done.length <= this.#maxConnections) return;
    this.forgotten += 1;
    const [name] = this.#open.keys();
    const oldest = this.#done.shift() ?? (name === undefined ? undefined : this.#open.get(name));
    if (oldest === undefined) return;
    if (name !== undefined && this.#open.get(name) === oldest) this.#open.delete(name);
    const { connection, conversation } = oldest;
    connection.end();
    this.totals.add(conversation);
    for (const open of openOf(conversation)) open.close();
  }

  #serverOf({ fromPort, toPort }: Segment): number | undefined {
    return [toPort, fromPort].find((port) => this.#smbPorts.has(port) || this.#rpcPorts.has(port));
  }

  #conversation(port: number): Conversation {
    return this.#smbPorts.has(port)
      ? { protocol: "smb", smb: new SmbConversation(this.#requests) }
      : { protocol: "rpc", rpc: new RpcConversation(this.#requests) };
  }

  #readers(conversation: Conversation): Readers {
    if (conversation.protocol === "smb") {
      const { smb } = conversation;
      return {
        toServer: new SmbReader(smb, true, this.#unsealer),
        toClient: new SmbReader(smb, false, this.#unsealer),
      };
    }
    const { rpc } = conversation;
    return { toServer: new RpcReader(rpc, true), toClient: new RpcReader(rpc, false) };
  }
}

const isAnswer = ({ syn, flags }: Segment): boolean => syn && (flags & TcpFlag.ack) !== 0;

function openOf(conversation: Conversation): readonly { close(): void }[] {
  if (conversation.protocol === "smb") return [conversation.smb.outstanding];
  return [conversation.rpc.outstanding, conversation.rpc.callbacks];
}
