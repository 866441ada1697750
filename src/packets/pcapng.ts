// pcapng: https://ietf-opsawg-wg.github.io/draft-ietf-opsawg-pcap/draft-ietf-opsawg-pcapng.html
import type { CapturedPacket } from "./capture-file.ts";

/** Block type of a section's beginning, the same in both byte orders. */
export const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const STATISTICS = 5;
const ENHANCED_PACKET = 6;

const MAGIC = 0x1a2b3c4d;
const MAX_INTERFACES = 1024;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Of a time's unit. */
  readonly perSecond: number;
  readonly offsetSeconds: number;
}

/** Reads block by block; the caller has whole blocks. It never throws. */
export class PcapngReader {
  /** Packets that interfaces or the system counted as lost. */
  dropped = 0;
  /** Blocks that are not what they should be. */
  malformed = 0;
  #littleEndian = true;
  #interfaces: Interface[] = [];

  /** Undefined when fewer than 12 bytes are there. 0: what is there is no block. */
  blockSize(bytes: Buffer, at: number): number | undefined {
    if (at + 12 > bytes.length) return undefined;
    if (bytes.readUInt32LE(at) === SECTION) {
      const little = bytes.readUInt32LE(at + 8) === MAGIC;
      if (!little && bytes.readUInt32BE(at + 8) !== MAGIC) return 0;
      this.#littleEndian = little;
    }
    const size = this.#u32(bytes, at + 4);
    return size < 12 || size % 4 !== 0 ? 0 : size;
  }

  /** The packet of a block, when it is one. */
  block(block: Buffer): CapturedPacket | undefined {
    const type = this.#u32(block, 0);
    switch (type) {
      case SECTION:
        this.#interfaces = [];
        return undefined;
      case INTERFACE:
        this.#addInterface(block);
        return undefined;
      case ENHANCED_PACKET:
        return this.#packet(block, this.#u32(block, 8), 12, 28);
      case OLD_PACKET:
        return this.#packet(block, this.#u16(block, 8), 12, 28);
      case SIMPLE_PACKET:
        return this.#simplePacket(block);
      case STATISTICS:
        this.#statistics(block);
        return undefined;
      default:
        return undefined;
    }
  }

  #addInterface(block: Buffer): void {
    if (block.length < 20 || this.#interfaces.length >= MAX_INTERFACES) {
      this.malformed += 1;
      return;
    }
    let [perSecond, offsetSeconds] = [1e6, 0];
    for (const [code, value] of this.#options(block, 16)) {
      const resolution = value[0];
      if (code === 9 && resolution !== undefined) {
        perSecond = resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution;
      }
      if (code === 14 && value.length >= 8) {
        offsetSeconds = Number(this.#littleEndian ? value.readBigInt64LE(0) : value.readBigInt64BE(0));
      }
    }
    this.#interfaces.push({
      linkType: this.#u16(block, 8),
      snapLength: this.#u32(block, 12),
      perSecond,
      offsetSeconds,
    });
  }

  #packet(block: Buffer, index: number, timeAt: number, dataAt: number): CapturedPacket | undefined {
    const from = this.#interfaces[index];
    const captured = this.#u32(block, timeAt + 8);
    if (from === undefined || dataAt + captured + 4 > block.length) {
      this.malformed += 1;
      return undefined;
    }
    return {
      timeUs:
        from.offsetSeconds * 1e6 + microseconds(this.#u32(block, timeAt), this.#u32(block, timeAt + 4), from.perSecond),
      originalLength: this.#u32(block, timeAt + 12),
      linkType: from.linkType,
      data: block.subarray(dataAt, dataAt + captured),
    };
  }

  #simplePacket(block: Buffer): CapturedPacket | undefined {
    const [from] = this.#interfaces;
    if (from === undefined) {
      this.malformed += 1;
      return undefined;
    }
    const originalLength = this.#u32(block, 8);
    const captured = Math.min(
      originalLength,
      from.snapLength === 0 ? originalLength : from.snapLength,
      block.length - 16,
    );
    return { timeUs: Number.NaN, originalLength, linkType: from.linkType, data: block.subarray(12, 12 + captured) };
  }

  #statistics(block: Buffer): void {
    for (const [code, value] of this.#options(block, 20)) {
      // isb_ifdrop, isb_osdrop
      if ((code !== 5 && code !== 7) || value.length < 8) continue;
      this.dropped += Number(this.#littleEndian ? value.readBigUInt64LE(0) : value.readBigUInt64BE(0));
    }
  }

  *#options(block: Buffer, from: number): Generator<readonly [code: number, value: Buffer]> {
    for (let at = from; at + 8 <= block.length; ) {
      const [code, length] = [this.#u16(block, at), this.#u16(block, at + 2)];
      if (code === 0 || at + 4 + length > block.length - 4) return;
      yield [code, block.subarray(at + 4, at + 4 + length)];
      at += 4 + Math.ceil(length / 4) * 4;
    }
  }

  #u32(bytes: Buffer, at: number): number {
    if (at + 4 > bytes.length) return 0;
    return this.#littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  }

  #u16(bytes: Buffer, at: number): number {
    if (at + 2 > bytes.length) return 0;
    return this.#littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  }
}

/** Nanoseconds since the epoch are more than a number holds exactly. */
function microseconds(high: number, low: number, perSecond: number): number {
  if (perSecond === 1e6) return high * 2 ** 32 + low;
  const ticks = (BigInt(high) << 32n) | BigInt(low);
  const unit = BigInt(perSecond);
  return Number(ticks / unit) * 1e6 + (Number(ticks % unit) / perSecond) * 1e6;
}
