import { MessageFramer, type MessageReader } from "./message-framer.ts";
import { type HeldBytes, TcpFlow } from "./tcp-flow.ts";
import { addressOf, type Segment, TcpFlag } from "./tcp-segment.ts";

export type Side = "client" | "server";

/** What reads the messages of a connection, made once it is known what they are. */
export interface Readers {
  readonly toServer: MessageReader;
  readonly toClient: MessageReader;
}

/** One TCP connection: handshake, both directions, how it ended. */
export class TcpConnection {
  readonly client: { readonly address: string; readonly port: number };
  readonly server: { readonly address: string; readonly port: number };
  readonly toServer: TcpFlow;
  readonly toClient: TcpFlow;
  readonly firstUs: number;
  lastUs: number;
  /** The capture has its SYN. */
  begun = false;
  /** From the SYN to what completes the handshake, wherever it was captured. */
  rttUs: number | undefined;
  /** SYN sent again. */
  synRetransmissions = 0;
  /** Neither answered nor refused. */
  established: boolean;
  closedBy: Side | undefined;
  resetBy: Side | undefined;
  resets = 0;
  malformed = 0;
  readonly framers: MessageFramer[] = [];
  readonly #clientName: string;
  #synUs: number | undefined;
  #synSequence: number | undefined;
  #synAckUs: number | undefined;

  constructor(first: Segment, isFromClient: boolean, timeUs: number, budget: HeldBytes, readers: Readers) {
    const [client, server] = isFromClient ? [first.from, first.to] : [first.to, first.from];
    this.#clientName = client;
    this.client = addressOf(client);
    this.server = addressOf(server);
    this.firstUs = timeUs;
    this.lastUs = timeUs;
    this.begun = first.syn;
    this.established = !first.syn;
    this.toServer = new TcpFlow(this.#sink(readers.toServer), budget);
    this.toClient = new TcpFlow(this.#sink(readers.toClient), budget);
  }

  isFromClient(segment: Segment): boolean {
    return segment.from === this.#clientName;
  }

  /** Whether a SYN of the client begins another connection between the same ports. */
  isAnother(segment: Segment): boolean {
    return (
      segment.syn &&
      (segment.flags & TcpFlag.ack) === 0 &&
      this.isFromClient(segment) &&
      segment.sequence !== this.#synSequence
    );
  }

  packet(segment: Segment, payload: Buffer, timeUs: number): void {
    const fromClient = this.isFromClient(segment);
    const [flow, other] = fromClient ? [this.toServer, this.toClient] : [this.toClient, this.toServer];
    this.lastUs = Math.max(this.lastUs, timeUs);
    if (!flow.count(segment, timeUs)) return;
    if (segment.syn) this.#syn(segment, fromClient, timeUs, flow);
    else {
      if (this.#synAckUs !== undefined && this.rttUs === undefined && fromClient) this.#shaken(timeUs);
      if (segment.length > 0) flow.receive(segment.sequence, payload, segment.length, timeUs);
    }
    if ((segment.flags & TcpFlag.ack) !== 0) other.confirmed(segment.acknowledged);
    this.#ending(segment, fromClient ? "client" : "server");
    if (segment.window === 0 && (segment.flags & TcpFlag.rst) === 0 && !segment.syn) flow.zeroWindows += 1;
  }

  end(): void {
    this.toServer.end();
    this.toClient.end();
  }

  #syn(segment: Segment, fromClient: boolean, timeUs: number, flow: TcpFlow): void {
    if (flow.begin(segment.sequence)) this.synRetransmissions += 1;
    else if (fromClient) {
      this.#synUs = timeUs;
      this.#synSequence = segment.sequence;
    } else this.#synAckUs = timeUs;
  }

  #shaken(timeUs: number): void {
    this.established = true;
    // A SYN that was sent again makes the time meaningless.
    if (this.#synUs === undefined || this.synRetransmissions > 0) return;
    this.rttUs = timeUs - this.#synUs;
    this.toServer.rttUs = this.rttUs;
    this.toClient.rttUs = this.rttUs;
  }

  #ending(segment: Segment, side: Side): void {
    if ((segment.flags & TcpFlag.rst) !== 0) {
      this.resets += 1;
      this.resetBy ??= side;
    }
    if ((segment.flags & TcpFlag.fin) !== 0) this.closedBy ??= side;
  }

  #sink(reader: MessageReader): MessageFramer {
    const framer = new MessageFramer(reader, this.begun);
    this.framers.push(framer);
    return framer;
  }
}
