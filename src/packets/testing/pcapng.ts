// For tests: a pcapng of packets.
import type { PcapPacket } from "../pcap.ts";

export interface PcapngOptions {
  readonly linkType: number;
  readonly littleEndian?: boolean;
  /** if_tsresol: 6 for microseconds, 9 for nanoseconds. */
  readonly resolution?: number;
  readonly perSecond: number;
  readonly dropped?: number;
}

export function pcapngOf(packets: Iterable<PcapPacket>, options: PcapngOptions): Buffer {
  const { linkType, littleEndian = true, resolution = 6, perSecond, dropped } = options;
  const words = (...values: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(4 * values.length);
    for (const [index, value] of values.entries()) {
      if (littleEndian) bytes.writeUInt32LE(value >>> 0, 4 * index);
      else bytes.writeUInt32BE(value >>> 0, 4 * index);
    }
    return bytes;
  };
  const halves = (first: number, second: number): number =>
    littleEndian ? first | (second << 16) : (first << 16) | second;
  const block = (type: number, ...parts: readonly Buffer[]): Buffer => {
    const body = Buffer.concat(parts);
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    const size = padded.length + 12;
    return Buffer.concat([words(type, size), padded, words(size)]);
  };
  const unit = 10n ** BigInt(resolution);
  const blocks = [
    block(0x0a0d0d0a, words(0x1a2b3c4d, halves(1, 0), 0xffff_ffff, 0xffff_ffff)),
    block(1, words(halves(linkType, 0), 262_144, halves(9, 1)), Buffer.from([resolution, 0, 0, 0]), words(0)),
  ];
  for (const { seconds, fraction, originalLength, data } of packets) {
    const ticks = BigInt(seconds) * unit + (BigInt(fraction) * unit) / BigInt(perSecond);
    const [high, low] = [Number(ticks >> 32n), Number(ticks & 0xffff_ffffn)];
    blocks.push(block(6, words(0, high, low, data.length, originalLength), data));
  }
  if (dropped !== undefined) {
    const count = Buffer.alloc(8);
    if (littleEndian) count.writeBigUInt64LE(BigInt(dropped));
    else count.writeBigUInt64BE(BigInt(dropped));
    blocks.push(block(5, words(0, 0, 0, halves(5, 8)), count, words(0)));
  }
  return Buffer.concat(blocks);
}
