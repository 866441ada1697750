// The stream of frames from aod-probe: `u32 length, u16 type, u16 version, payload`, little-endian (bpf/include/frames.h).
// Knows nothing of payloads. Never throws, and never allocates on the word of a length.
import { AOD_FRAME_SIZE, AodFrameType, AodLimit } from "./decoders.gen.ts";

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

/**
 * Why bytes were thrown away. `oversized`: a length above AOD_FRAME_MAX. `garbage`: neither type nor version is known. Both mean that the
 * boundaries of frames are lost, and what follows until a header makes sense again is `unsynchronised`. `type`, `version`: a
 * whole frame that is newer than this program, skipped. `truncated`: the stream ended within a frame.
 */
export type DiscardReason = "oversized" | "garbage" | "unsynchronised" | "type" | "version" | "truncated";

export interface Discarded {
  /** Frames, or for `unsynchronised` stretches of bytes. */
  readonly count: number;
  readonly bytes: number;
}

const knownTypes: ReadonlySet<number> = new Set(Object.values(AodFrameType));

/** Cuts a byte stream into frames. Every byte ends in a frame, in `discarded` or, until `end()`, in `buffered`. */
export class FrameReader {
  readonly discarded = new Map<DiscardReason, Discarded>();
  /** False while the boundaries of frames are lost. */
  synchronised = true;
  private parts: Buffer[] = [];
  private size = 0;
  private skip = 0;
  private skipReason: DiscardReason = "type";
  private readonly fits: (type: number, length: number) => boolean;

  /** `fits`: whether a payload of that length can be of that type. Asked only when looking for lost boundaries. */
  constructor(fits: (type: number, length: number) => boolean = () => true) {
    this.fits = fits;
  }

  /** Bytes that wait for the rest of their frame. */
  get buffered(): number {
    return this.size;
  }

  push(chunk: Buffer): readonly Frame[] {
    this.append(chunk);
    const frames: Frame[] = [];
    for (;;) {
      if (!this.synchronised && !this.scan()) break;
      if (this.size < AOD_FRAME_SIZE) break;
      const header = this.peek(AOD_FRAME_SIZE);
      const length = header.readUInt32LE(0);
      const type = header.readUInt16LE(4);
      const known = { type: knownTypes.has(type), version: header.readUInt16LE(6) === AodLimit.FRAME_VERSION };
      if (length > AodLimit.FRAME_MAX || (!known.type && !known.version)) {
        this.lose(length > AodLimit.FRAME_MAX ? "oversized" : "garbage");
      } else if (!known.type || !known.version) {
        this.skipFrame(known.type ? "version" : "type", AOD_FRAME_SIZE + length);
      } else {
        if (this.size < AOD_FRAME_SIZE + length) break;
        frames.push({ type, payload: this.take(AOD_FRAME_SIZE + length).subarray(AOD_FRAME_SIZE) });
      }
    }
    return frames;
  }

  /** The stream is over: what is left was cut off. */
  end(): void {
    if (this.size > 0) this.count("truncated", 1, this.size);
    this.parts = [];
    this.size = 0;
    this.skip = 0;
  }

  private append(chunk: Buffer): void {
    const skipped = Math.min(this.skip, chunk.length);
    this.skip -= skipped;
    this.count(this.skipReason, 0, skipped);
    if (skipped === chunk.length) return;
    this.parts.push(skipped === 0 ? chunk : chunk.subarray(skipped));
    this.size += chunk.length - skipped;
  }

  /** Throws a whole frame away, also the part of it that has not come yet. */
  private skipFrame(reason: DiscardReason, bytes: number): void {
    const here = Math.min(bytes, this.size);
    this.take(here);
    this.count(reason, 1, here);
    this.skipReason = reason;
    this.skip = bytes - here;
  }

  private lose(reason: DiscardReason): void {
    this.count(reason, 1, 1);
    this.count("unsynchronised", 1, 0);
    this.take(1);
    this.synchronised = false;
  }

  /** Looks for the next header that makes sense in every field; true when one was found. */
  private scan(): boolean {
    const bytes = this.peek(this.size);
    let at = 0;
    while (at + AOD_FRAME_SIZE <= bytes.length && !this.plausible(bytes, at)) at++;
    this.take(at);
    this.count("unsynchronised", 0, at);
    this.synchronised = this.size >= AOD_FRAME_SIZE;
    return this.synchronised;
  }

  private plausible(bytes: Buffer, at: number): boolean {
    const length = bytes.readUInt32LE(at);
    const type = bytes.readUInt16LE(at + 4);
    return (
      bytes.readUInt16LE(at + 6) === AodLimit.FRAME_VERSION &&
      knownTypes.has(type) &&
      length <= AodLimit.FRAME_MAX &&
      this.fits(type, length)
    );
  }

  private count(reason: DiscardReason, count: number, bytes: number): void {
    if (count === 0 && bytes === 0) return;
    const before = this.discarded.get(reason) ?? { count: 0, bytes: 0 };
    this.discarded.set(reason, { count: before.count + count, bytes: before.bytes + bytes });
  }

  /** The first `size` buffered bytes in one piece. */
  private peek(size: number): Buffer {
    const first = this.parts[0];
    if (first !== undefined && first.length >= size) return first;
    const whole = Buffer.concat(this.parts, this.size);
    this.parts = [whole];
    return whole;
  }

  private take(size: number): Buffer {
    if (size === 0) return Buffer.alloc(0);
    const from = this.peek(size);
    this.size -= size;
    if (from.length > size) this.parts[0] = from.subarray(size);
    else this.parts.shift();
    return from.subarray(0, size);
  }
}

/** One frame as it goes over the pipe. */
export function frameOf(type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(AOD_FRAME_SIZE);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(AodLimit.FRAME_VERSION, 6);
  return Buffer.concat([head, payload]);
}
