import type { OpEvent } from "../probe/codec.ts";
import {
  AOD_FRAME_SIZE,
  AOD_HISTORY_REQUEST_SIZE,
  AodFrameType,
  decodeAodHistoryRequest,
} from "../probe/decoders.gen.ts";
import type { OpBase } from "../probe/op.ts";

/** As many as the probe's ring holds. */
const MAX_OPS = 16_384;

/**
 * Answers for a probe of which every operation was recorded, when a tool asks for its history: nobody asked it then. The answer comes with the probe's
 * next tick, when what belongs to a call has been told.
 */
export class ReplayedHistory<Op extends OpBase> {
  private readonly tell: (event: OpEvent<Op>) => void;
  private ops: Op[] = [];
  private dropped = 0;
  private asked: { readonly from: number; readonly token: number }[] = [];

  constructor(tell: (event: OpEvent<Op>) => void) {
    this.tell = tell;
  }

  /** A frame that goes to the probe. */
  request(frame: Buffer): void {
    if (frame.length < AOD_FRAME_SIZE + AOD_HISTORY_REQUEST_SIZE) return;
    if (frame.readUInt16LE(4) === AodFrameType.REQUEST_HISTORY) {
      this.asked.push(decodeAodHistoryRequest(frame, AOD_FRAME_SIZE));
    }
  }

  /** What the probe said. */
  note(event: OpEvent<Op>): void {
    if (event.type === "ops") {
      this.ops.push(...event.ops);
      if (this.ops.length > 2 * MAX_OPS) this.dropped += this.ops.splice(0, this.ops.length - MAX_OPS).length;
    }
    if (event.type === "tick") this.answer();
  }

  answer(): void {
    // An answer may lead to the next question: that waits for the next tick.
    for (const { from, token } of this.asked.splice(0)) {
      const ops = this.ops.filter(({ seq }) => seq >= from).sort((a, b) => a.seq - b.seq);
      const oldest = this.dropped === 0 ? 1 : Math.min(...this.ops.map(({ seq }) => seq));
      const head = this.ops.reduce((most, { seq }) => Math.max(most, seq), 0);
      this.tell({ type: "history", history: { head, oldest, torn: 0, token, ops, done: true } });
    }
  }
}
