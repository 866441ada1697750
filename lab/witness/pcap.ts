import { AodError } from "../../src/system/error.ts";

/** A TCP segment of a capture. */
export interface TcpSegment {
  /** s since the epoch. */
  readonly time: number;
  /** `ADDRESS:PORT` */
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  readonly syn: boolean;
  readonly payload: Buffer;
}

const magics: Readonly<Record<number, { readonly littleEndian: boolean; readonly perSecond: number }>> = {
  2712847316: { littleEndian: false, perSecond: 1e6 },
  3569595041: { littleEndian: true, perSecond: 1e6 },
  2712812621: { littleEndian: false, perSecond: 1e9 },
  1295823521: { littleEndian: true, perSecond: 1e9 },
};
const ethernet = 1;

/**
 * The TCP segments of a capture file as tcpdump writes it (pcap-savefile(5), Ethernet as on `lo`), in its order. A packet that was cut by
 * the snapshot length is an AodError: what is counted from it would be wrong.
 */
export function* tcpSegments(file: Buffer): Generator<TcpSegment> {
  const format = file.length < 24 ? undefined : magics[file.readUInt32BE(0)];
  if (format === undefined) throw new AodError("failed", "not a capture file");
  const read = (offset: number): number =>
    format.littleEndian ? file.readUInt32LE(offset) : file.readUInt32BE(offset);
  if ((read(20) & 0xffff) !== ethernet) throw new AodError("unsupported", `link type ${read(20) & 0xffff}`);
  for (let at = 24; at < file.length; ) {
    const length = at + 16 <= file.length ? read(at + 8) : 0;
    if (at + 16 + length > file.length) throw new AodError("failed", "the capture ends within a packet");
    if (length < read(at + 12)) throw new AodError("failed", "a packet of the capture was cut");
    const segment = tcpOf(file.subarray(at + 16, at + 16 + length), read(at) + read(at + 4) / format.perSecond);
    if (segment !== undefined) yield segment;
    at += 16 + length;
  }
}

function tcpOf(frame: Buffer, time: number): TcpSegment | undefined {
  const type = frame.readUInt16BE(12);
  const ip = frame.subarray(14);
  if (type === 0x0800 && ip.readUInt8(9) === 6) {
    const header = (ip.readUInt8(0) & 15) * 4;
    // 0: longer than the field can say; then all of the frame belongs to it.
    const total = ip.readUInt16BE(2) || ip.length;
    return segmentOf(ip.subarray(header, total), time, ipv4(ip.subarray(12, 16)), ipv4(ip.subarray(16, 20)));
  }
  if (type === 0x86dd && ip.readUInt8(6) === 6) {
    const total = ip.readUInt16BE(4) === 0 ? ip.length : 40 + ip.readUInt16BE(4);
    return segmentOf(ip.subarray(40, total), time, ipv6(ip.subarray(8, 24)), ipv6(ip.subarray(24, 40)));
  }
  return undefined;
}

const ipv4 = (bytes: Buffer): string => [...bytes].join(".");
const ipv6 = (bytes: Buffer): string => `[${bytes.toString("hex").match(/.{4}/g)?.join(":") ?? ""}]`;

function segmentOf(tcp: Buffer, time: number, source: string, target: string): TcpSegment {
  return {
    time,
    from: `${source}:${tcp.readUInt16BE(0)}`,
    to: `${target}:${tcp.readUInt16BE(2)}`,
    sequence: tcp.readUInt32BE(4),
    syn: (tcp.readUInt8(13) & 2) !== 0,
    payload: tcp.subarray((tcp.readUInt8(12) >> 4) * 4),
  };
}
