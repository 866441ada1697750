// Frames of the smb_wire probe -> ProbeEvent. Never throws: what does not hold together is counted and left out.
import { commandName } from "../smb/commands.ts";
import type { ProbeCodec } from "./codec.ts";
import { errorEvent, helloHead, type Layout, layoutsFit, lossAt, namesByValue, records } from "./common-frames.ts";
import * as gen from "./decoders.gen.ts";
import type { Frame } from "./frames.ts";
import type { Failure, HistogramName, Loss, ProbeEvent, SmbOp, SmbParams, TickEntry, Waiter } from "./op.ts";
import { smbOpOf } from "./smb-op.ts";

/**
 * Why a frame or a record was left out. `malformed`: a frame whose length does not fit its own counts. `unexpected`: a request on the answers' stream.
 * `torn`: a record that was being written. `state`: a record that holds no op of its own. `bucket`: a histogram that does not exist.
 */
export type WireDiscard = "malformed" | "unexpected" | "torn" | "state" | "bucket";

const histograms = namesByValue(gen.AodHistogram) as ReadonlyMap<number, HistogramName>;

const layouts: ReadonlyMap<number, Layout> = new Map([
  [gen.AodFrameType.FRAME_HELLO, [gen.AOD_HELLO_SIZE, gen.AOD_HOOK_SIZE]],
  [gen.AodFrameType.FRAME_OPS, [0, gen.AOD_SMB_OP_SIZE]],
  [gen.AodFrameType.FRAME_TICK, [gen.AOD_TICK_SIZE, 8]],
  [gen.AodFrameType.FRAME_INFLIGHT, [gen.AOD_INFLIGHT_SIZE, 8]],
  [gen.AodFrameType.FRAME_HISTORY, [gen.AOD_HISTORY_SIZE, gen.AOD_SMB_OP_SIZE]],
  [gen.AodFrameType.FRAME_LOST, [0, gen.AOD_LOST_SIZE]],
  [gen.AodFrameType.FRAME_ERROR, [gen.AOD_ERROR_SIZE, 0]],
  [gen.AodFrameType.FRAME_PARAMS, [0, gen.AOD_SMB_PARAMS_SIZE]],
]);

/** Whether a payload of that length can be of that type: for FrameReader. */
export const fitsWire = layoutsFit(layouts);

export class SmbWireDecoder {
  readonly discarded = new Map<WireDiscard, number>();

  /** `nowNs`: how far an op in flight has got, where the frame itself does not say when it was made. */
  decode(frame: Frame, nowNs: number): ProbeEvent | undefined {
    const bytes = frame.payload;
    if (!fitsWire(frame.type, bytes.length)) {
      return this.discard(frame.type >= gen.AodFrameType.REQUEST_SET ? "unexpected" : "malformed");
    }
    switch (frame.type) {
      case gen.AodFrameType.FRAME_HELLO:
        return this.hello(bytes);
      case gen.AodFrameType.FRAME_OPS:
        return { type: "ops", ops: this.ops(bytes, 0, bytes.length / gen.AOD_SMB_OP_SIZE, nowNs) };
      case gen.AodFrameType.FRAME_PARAMS: {
        const count = bytes.length / gen.AOD_SMB_PARAMS_SIZE;
        return { type: "params", params: records(bytes, 0, count, gen.AOD_SMB_PARAMS_SIZE, paramsAt) };
      }
      case gen.AodFrameType.FRAME_TICK:
        return this.tick(bytes);
      case gen.AodFrameType.FRAME_INFLIGHT:
        return this.inflight(bytes);
      case gen.AodFrameType.FRAME_HISTORY:
        return this.history(bytes, nowNs);
      case gen.AodFrameType.FRAME_LOST:
        return { type: "lost", losses: records(bytes, 0, bytes.length / gen.AOD_LOST_SIZE, gen.AOD_LOST_SIZE, lossOf) };
      default:
        return errorEvent(bytes);
    }
  }

  private discard(reason: WireDiscard): undefined {
    this.discarded.set(reason, (this.discarded.get(reason) ?? 0) + 1);
    return undefined;
  }

  private hello(bytes: Buffer): ProbeEvent | undefined {
    const head = helloHead(bytes, gen.AOD_SMB_OP_SIZE);
    if (head === undefined || (head.type === "hello" && head.end !== bytes.length)) return this.discard("malformed");
    return head.type === "hello" ? { type: "hello", hello: head.hello } : head;
  }

  private ops(bytes: Buffer, from: number, count: number, nowNs: number): SmbOp[] {
    const ops: SmbOp[] = [];
    for (let index = 0; index < count; index++) {
      const raw = gen.decodeAodSmbOp(bytes, from + index * gen.AOD_SMB_OP_SIZE);
      const op = raw.seq === raw.seqCheck ? smbOpOf(raw, nowNs) : undefined;
      if (op !== undefined) ops.push(op);
      else this.discard(raw.seq === raw.seqCheck ? "state" : "torn");
    }
    return ops;
  }

  private tick(bytes: Buffer): ProbeEvent | undefined {
    const tick = gen.decodeAodTick(bytes, 0);
    const entries: TickEntry[] = [];
    let at = gen.AOD_TICK_SIZE;
    for (let index = 0; index < tick.entries; index++) {
      if (at + gen.AOD_TICK_ENTRY_SIZE > bytes.length) return this.discard("malformed");
      const entry = gen.decodeAodTickEntry(bytes, at);
      at += gen.AOD_TICK_ENTRY_SIZE;
      const end = at + entry.buckets * gen.AOD_BUCKET_SIZE;
      if (end > bytes.length) return this.discard("malformed");
      entries.push({
        connectionId: entry.connection,
        sessionId: entry.session,
        treeId: entry.tree,
        commandCode: entry.command,
        count: entry.count,
        errors: entry.errors,
        histograms: this.histograms(bytes, at, end),
      });
      at = end;
    }
    if (at + tick.failures * gen.AOD_FAILURE_SIZE !== bytes.length) return this.discard("malformed");
    const failures = records(bytes, at, tick.failures, gen.AOD_FAILURE_SIZE, failureAt);
    const { now, head, oldest, recursionMisses, events } = tick;
    return {
      type: "tick",
      tick: { nowNs: now, head, oldest, recursionMisses, reconnects: events.reconnects, entries, failures },
    };
  }

  private histograms(bytes: Buffer, from: number, to: number): TickEntry["histograms"] {
    const found: Partial<Record<HistogramName, Map<number, number>>> = {};
    for (let at = from; at < to; at += gen.AOD_BUCKET_SIZE) {
      const { histogram, bucket, count } = gen.decodeAodBucket(bytes, at);
      const name = histograms.get(histogram);
      if (name === undefined || bucket >= gen.AodLimit.BUCKETS) {
        this.discard("bucket");
        continue;
      }
      const buckets = found[name] ?? new Map<number, number>();
      found[name] = buckets.set(bucket, (buckets.get(bucket) ?? 0) + count);
    }
    return found;
  }

  private inflight(bytes: Buffer): ProbeEvent | undefined {
    const head = gen.decodeAodInflight(bytes, 0);
    const waitersAt = gen.AOD_INFLIGHT_SIZE + head.ops * gen.AOD_SMB_OP_SIZE;
    if (bytes.length !== waitersAt + head.waiters * gen.AOD_WAITER_SIZE) return this.discard("malformed");
    const ops = this.ops(bytes, gen.AOD_INFLIGHT_SIZE, head.ops, head.now);
    const waiters = records(bytes, waitersAt, head.waiters, gen.AOD_WAITER_SIZE, waiterAt);
    return { type: "inflight", inflight: { nowNs: head.now, open: head.open, ops, waiters } };
  }

  private history(bytes: Buffer, nowNs: number): ProbeEvent | undefined {
    const { head, oldest, torn, token, ops: count, done } = gen.decodeAodHistory(bytes, 0);
    if (bytes.length !== gen.AOD_HISTORY_SIZE + count * gen.AOD_SMB_OP_SIZE) return this.discard("malformed");
    const ops = this.ops(bytes, gen.AOD_HISTORY_SIZE, count, nowNs);
    return { type: "history", history: { head, oldest, torn, token, ops, done: done !== 0 } };
  }
}

export const smbWire: ProbeCodec<SmbOp, ProbeEvent> = {
  name: "smb_wire",
  object: "smb_wire",
  module: "cifs",
  fits: fitsWire,
  decoder: () => new SmbWireDecoder(),
};

function paramsAt(bytes: Buffer, at: number): SmbParams {
  const { seq, command, fixed, fixedSize, text, textSize } = gen.decodeAodSmbParams(bytes, at);
  return { seq, commandCode: command, fixed: fixed.subarray(0, fixedSize), text: text.subarray(0, textSize) };
}

function failureAt(bytes: Buffer, at: number): Failure {
  const { connection, session, tree, command, status, count } = gen.decodeAodFailure(bytes, at);
  return { connectionId: connection, sessionId: session, treeId: tree, commandCode: command, status, count };
}

function waiterAt(bytes: Buffer, at: number): Waiter {
  const { tid, tgid, connection, asked } = gen.decodeAodWaiter(bytes, at);
  return { kind: "credits", tid, pid: tgid, connectionId: connection, sinceNs: asked };
}

/** `unseen` counts by command. */
function lossOf(bytes: Buffer, at: number): Loss {
  return lossAt(bytes, at, (kind, detail) => (kind === gen.AodLostKind.UNSEEN ? commandName(detail) : undefined));
}
