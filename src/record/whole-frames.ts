import { AOD_FRAME_SIZE, AodLimit } from "../probe/decoders.gen.ts";

/**
 * Cuts a byte stream at the ends of frames, so that a piece that gets lost takes whole frames with it. Where no frames are to be
 * recognised, everything goes on as it came.
 */
export class WholeFrames {
  private rest: Buffer = Buffer.alloc(0);

  /** What is complete now; empty when nothing is. */
  push(piece: Buffer): Buffer {
    const bytes = this.rest.length === 0 ? piece : Buffer.concat([this.rest, piece]);
    let end = 0;
    while (bytes.length - end >= AOD_FRAME_SIZE) {
      const length = bytes.readUInt32LE(end);
      if (length > AodLimit.FRAME_MAX) {
        end = bytes.length;
      } else if (bytes.length - end - AOD_FRAME_SIZE >= length) {
        end += AOD_FRAME_SIZE + length;
      } else {
        break;
      }
    }
    this.rest = bytes.subarray(end);
    return bytes.subarray(0, end);
  }

  /** The stream is over: what is left of it. */
  end(): Buffer {
    const rest = this.rest;
    this.rest = Buffer.alloc(0);
    return rest;
  }
}
