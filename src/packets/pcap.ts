// pcap-savefile(5), as tcpdump writes it.

export interface PcapFormat {
  readonly littleEndian: boolean;
  /** Of the second field of a time: 1e6 or 1e9. */
  readonly perSecond: number;
  readonly linkType: number;
  readonly snapLength: number;
}

export interface PcapPacket {
  readonly seconds: number;
  /** µs or ns, see `perSecond`. */
  readonly fraction: number;
  /** Bytes that it had on the wire. */
  readonly originalLength: number;
  /** What was kept of it: a part of the file's buffer. */
  readonly data: Buffer;
}

const magics: Readonly<Record<number, Pick<PcapFormat, "littleEndian" | "perSecond">>> = {
  2712847316: { littleEndian: false, perSecond: 1e6 },
  3569595041: { littleEndian: true, perSecond: 1e6 },
  2712812621: { littleEndian: false, perSecond: 1e9 },
  1295823521: { littleEndian: true, perSecond: 1e9 },
};
const HEADER = 24;
const PACKET_HEADER = 16;
const MAX_PACKET = 256 * 1024;

/** Undefined when it is no capture file, or has no whole header yet. */
export function readFormat(file: Buffer): PcapFormat | undefined {
  const known = file.length < HEADER ? undefined : magics[file.readUInt32BE(0)];
  if (known === undefined) return undefined;
  const read = (at: number): number => (known.littleEndian ? file.readUInt32LE(at) : file.readUInt32BE(at));
  return { ...known, snapLength: read(16), linkType: read(20) & 0xffff };
}

/** The whole packets of a file, in its order. One that is still being written ends it. */
export function* readPackets(file: Buffer, { littleEndian }: PcapFormat): Generator<PcapPacket> {
  const read = (at: number): number => (littleEndian ? file.readUInt32LE(at) : file.readUInt32BE(at));
  for (let at = HEADER; at + PACKET_HEADER <= file.length; ) {
    const length = read(at + 8);
    const data = file.subarray(at + PACKET_HEADER, at + PACKET_HEADER + length);
    if (length > MAX_PACKET || data.length < length) return;
    yield { seconds: read(at), fraction: read(at + 4), originalLength: read(at + 12), data };
    at += PACKET_HEADER + length;
  }
}

/** The beginning of a file, always little-endian. */
export function pcapHeader({ perSecond, linkType, snapLength }: PcapFormat): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(perSecond === 1e9 ? 0xa1b23c4d : 0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(snapLength, 16);
  header.writeUInt32LE(linkType, 20);
  return header;
}

export function packetHeader({ seconds, fraction, originalLength, data }: PcapPacket): Buffer {
  const header = Buffer.alloc(PACKET_HEADER);
  header.writeUInt32LE(seconds, 0);
  header.writeUInt32LE(fraction, 4);
  header.writeUInt32LE(data.length, 8);
  header.writeUInt32LE(originalLength, 12);
  return header;
}
