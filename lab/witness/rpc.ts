// ONC RPC over TCP: RFC 5531 section 9 (messages) and 11 (record marking).
import { tcpSegments } from "./pcap.ts";
import { type TcpStream, tcpStreams } from "./tcp-stream.ts";

export interface RpcCall {
  readonly from: string;
  readonly to: string;
  /** When the call's last byte was seen; s since the epoch. */
  readonly time: number;
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  /** How often it was sent on this connection. */
  transmissions: number;
  /** When the reply was complete; absent when the capture has none. */
  replyTime?: number;
  /** Bytes of the reply's record. */
  replyBytes?: number;
}

export interface RpcWitness {
  readonly calls: readonly RpcCall[];
  /** What makes the counts wrong: gaps, streams that do not begin at a record, replies without a call. Empty in a good capture. */
  readonly doubts: readonly string[];
}

export const nfsProgram = 100003;

interface RpcRecord {
  readonly from: string;
  readonly to: string;
  readonly time: number;
  readonly bytes: Buffer;
}

/** Reads the RPC traffic of a capture file (lab/guest/capture.ts). `port` is the server's; calls of the server to the client are in it too. */
export function rpcWitness(file: Buffer, port = 2049): RpcWitness {
  const doubts: string[] = [];
  const records = tcpStreams(tcpSegments(file))
    .filter(({ from, to }) => from.endsWith(`:${port}`) || to.endsWith(`:${port}`))
    .flatMap((stream) => recordsOf(stream, doubts));
  records.sort((left, right) => left.time - right.time || left.bytes.readUInt32BE(4) - right.bytes.readUInt32BE(4));
  const calls: RpcCall[] = [];
  const open = new Map<string, RpcCall>();
  for (const { from, to, time, bytes } of records) {
    const xid = bytes.readUInt32BE(0);
    if (bytes.readUInt32BE(4) === 0) {
      const known = open.get(`${from} ${to} ${xid}`);
      if (known !== undefined) {
        known.transmissions++;
        continue;
      }
      const [program, version, procedure] = [12, 16, 20].map((at) => bytes.readUInt32BE(at));
      if (program === undefined || version === undefined || procedure === undefined) continue;
      const call: RpcCall = { from, to, time, xid, program, version, procedure, transmissions: 1 };
      calls.push(call);
      open.set(`${from} ${to} ${xid}`, call);
    } else {
      const call = open.get(`${to} ${from} ${xid}`);
      if (call === undefined) doubts.push(`${from} to ${to}: a reply without a call`);
      else {
        call.replyTime = time;
        call.replyBytes = bytes.length;
        open.delete(`${to} ${from} ${xid}`);
      }
    }
  }
  return { calls, doubts };
}

/** The records of a stream, their fragments joined; only those that can be a call or a reply. */
function recordsOf(stream: TcpStream, doubts: string[]): RpcRecord[] {
  const { bytes, from, to } = stream;
  const records: RpcRecord[] = [];
  if (stream.missing > 0) doubts.push(`${from} to ${to}: ${stream.missing} bytes are missing`);
  let fragments: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const mark = at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0;
    const length = mark & 0x7fff_ffff;
    if (length === 0 || at + 4 + length > bytes.length) {
      doubts.push(`${from} to ${to}: no whole record at byte ${at} of ${bytes.length}`);
      break;
    }
    fragments.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
    if (mark < 0x8000_0000) continue;
    const record = Buffer.concat(fragments);
    fragments = [];
    const isCall = record.length >= 24 && record.readUInt32BE(4) === 0;
    const isReply = record.length >= 12 && record.readUInt32BE(4) === 1;
    if (isCall || isReply) records.push({ from, to, time: stream.timeAt(at - 1), bytes: record });
    else doubts.push(`${from} to ${to}: a record of ${record.length} bytes is neither call nor reply`);
  }
  return records;
}
