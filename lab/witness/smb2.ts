// SMB2 and 3 over TCP: MS-SMB2 2.1 (transport), 2.2.1 (header), 2.2.41 (transform header).
import { commandName, type SmbCommandName } from "../../src/smb/commands.ts";
import { statusName } from "../../src/smb/status.ts";
import { tcpSegments } from "./pcap.ts";
import { type TcpStream, tcpStreams } from "./tcp-stream.ts";

/** One header of a frame: a request or a response, alone or in a compound chain. */
export interface Smb2Message {
  readonly from: string;
  readonly to: string;
  /** When the frame's last byte was seen; s since the epoch. */
  readonly time: number;
  readonly response: boolean;
  readonly command: number;
  /** Of a response. */
  readonly status: number;
  readonly messageId: bigint;
  readonly sessionId: bigint;
  /** Place in its chain; a message by itself is 0 of 1. */
  readonly member: number;
  readonly members: number;
}

/** A request with the response that belongs to it. */
export interface Smb2Exchange {
  readonly command: SmbCommandName;
  readonly request: Smb2Message;
  /** The final one; absent when the capture has none. */
  readonly response?: Smb2Message;
  /** `STATUS_PENDING` came first. */
  readonly interim: boolean;
}

export interface Smb2Witness {
  /** In the order of the requests. */
  readonly exchanges: readonly Smb2Exchange[];
  /** Messages of the server that no request asked for: oplock and lease breaks. */
  readonly notifications: readonly Smb2Message[];
  /** Frames that cannot be looked into. */
  readonly encrypted: number;
  readonly compressed: number;
  /** Of SMB1, e.g. the first NEGOTIATE of clients that offer both. */
  readonly smb1: number;
  /** What makes the counts wrong: gaps, streams that do not begin at a frame, responses without a request. Empty in a good capture. */
  readonly doubts: readonly string[];
}

const flagResponse = 1;
const statusPending = 0x103;
const unsolicited = 0xffff_ffff_ffff_ffffn;

/** Reads the SMB2 traffic of a capture file (lab/guest/capture.ts). `port` is the server's. */
export function smb2Witness(file: Buffer, port = 445): Smb2Witness {
  const messages: Smb2Message[] = [];
  const doubts: string[] = [];
  const sealed = { encrypted: 0, compressed: 0, smb1: 0 };
  for (const stream of tcpStreams(tcpSegments(file))) {
    if (!stream.from.endsWith(`:${port}`) && !stream.to.endsWith(`:${port}`)) continue;
    readStream(stream, messages, sealed, doubts);
  }
  // The streams of a connection one after the other, so by time; a request is there before its response.
  messages.sort((left, right) => left.time - right.time || Number(left.response) - Number(right.response));
  return { ...paired(messages, doubts), ...sealed, doubts };
}

function readStream(
  stream: TcpStream,
  messages: Smb2Message[],
  sealed: { encrypted: number; compressed: number; smb1: number },
  doubts: string[],
): void {
  const { bytes, from, to } = stream;
  if (stream.missing > 0) doubts.push(`${from} to ${to}: ${stream.missing} bytes are missing`);
  for (let at = 0; at < bytes.length; ) {
    // NetBIOS session service: 0, then the length in 24 bits.
    const length = at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0;
    if (length > 0xff_ffff || at + 4 + length > bytes.length) {
      doubts.push(`${from} to ${to}: no whole frame at byte ${at} of ${bytes.length}`);
      return;
    }
    const frame = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    const protocol = frame.toString("latin1", 0, 4);
    if (protocol === "\xfeSMB") messages.push(...chain(frame, from, to, stream.timeAt(at - 1)));
    else if (protocol === "\xfdSMB") sealed.encrypted++;
    else if (protocol === "\xfcSMB") sealed.compressed++;
    else if (protocol === "\xffSMB") sealed.smb1++;
    else doubts.push(`${from} to ${to}: a frame of ${length} bytes is not SMB`);
  }
}

/** The members of a compound chain, by NextCommand. */
function chain(frame: Buffer, from: string, to: string, time: number): Smb2Message[] {
  const starts: number[] = [];
  for (let at = 0; at + 64 <= frame.length; ) {
    starts.push(at);
    const next = frame.readUInt32LE(at + 20);
    if (next === 0) break;
    at += next;
  }
  return starts.map((at, member) => ({
    from,
    to,
    time,
    response: (frame.readUInt32LE(at + 16) & flagResponse) !== 0,
    status: frame.readUInt32LE(at + 8),
    command: frame.readUInt16LE(at + 12),
    messageId: frame.readBigUInt64LE(at + 24),
    sessionId: frame.readBigUInt64LE(at + 40),
    member,
    members: starts.length,
  }));
}

interface Open {
  readonly request: Smb2Message;
  response?: Smb2Message;
  interim: boolean;
}

function paired(messages: readonly Smb2Message[], doubts: string[]): Pick<Smb2Witness, "exchanges" | "notifications"> {
  const all: Open[] = [];
  const open = new Map<string, Open>();
  const notifications: Smb2Message[] = [];
  for (const message of messages) {
    const name = message.response
      ? `${message.to} ${message.from} ${message.messageId}`
      : `${message.from} ${message.to} ${message.messageId}`;
    if (!message.response) {
      const request: Open = { request: message, interim: false };
      all.push(request);
      // CANCEL takes the id of the request that it is about, and has no response.
      if (commandName(message.command) !== "SMB2_CANCEL") open.set(name, request);
    } else if (message.messageId === unsolicited) notifications.push(message);
    else {
      const asked = open.get(name);
      if (asked === undefined) doubts.push(`${commandName(message.command)}: a response without a request`);
      else if (message.status === statusPending) asked.interim = true;
      else {
        asked.response = message;
        open.delete(name);
      }
    }
  }
  return { exchanges: all.map((one) => ({ command: commandName(one.request.command), ...one })), notifications };
}

/** How often each command was asked for and ended with each status: `SMB2_CREATE` -> `STATUS_SUCCESS` -> 7. `none`: no response. */
export function countSmb2(exchanges: readonly Smb2Exchange[]): Map<SmbCommandName, Map<string, number>> {
  const counts = new Map<SmbCommandName, Map<string, number>>();
  for (const { command, response } of exchanges) {
    const status = response === undefined ? "none" : statusName(response.status);
    const statuses = counts.get(command) ?? new Map<string, number>();
    counts.set(command, statuses.set(status, (statuses.get(status) ?? 0) + 1));
  }
  return counts;
}

/** The same in one: `COMMAND STATUS` -> how often. */
export function flatCounts(counts: ReadonlyMap<string, ReadonlyMap<string, number>>): Record<string, number> {
  return Object.fromEntries(
    [...counts].flatMap(([command, statuses]) =>
      [...statuses].map(([status, count]) => [`${command} ${status}`, count] as const),
    ),
  );
}
