// Frames of smb_vfs and nfs_vfs -> ProbeEvent. Never throws: what does not hold together is counted and left out.
import type { ProbeCodec } from "./codec.ts";
import { errorEvent, helloHead, type Layout, layoutsFit, lossAt, records } from "./common-frames.ts";
import * as gen from "./decoders.gen.ts";
import type { Frame } from "./frames.ts";
import type { Hello, Loss, ProbeEvent, TickBase } from "./op.ts";
import {
  deviceText,
  type VfsCallback,
  type VfsOp,
  type VfsProtocol,
  type VfsType,
  vfsCallbackOf,
  vfsOpOf,
  vfsTypes,
} from "./vfs-op.ts";

/**
 * Why a frame or a record was left out. `malformed`: a frame whose length does not fit its own counts. `unexpected`: a request on the answers'
 * stream, or what this probe does not say. `callback`: of a callback that HELLO did not name. `bucket`: a histogram that does not exist.
 */
export type VfsDiscard = "malformed" | "unexpected" | "callback" | "bucket";

export interface VfsHello extends Hello {
  readonly callbacks: readonly VfsCallback[];
  /** What was asked for. */
  readonly types: readonly VfsType[];
  readonly shared: boolean;
}

export function isVfsHello(hello: Hello): hello is VfsHello {
  return "callbacks" in hello;
}

/** Deltas of one callback on one file system since the tick before. */
export interface VfsTickEntry {
  readonly callback: VfsCallback;
  /** Absent for those that found no place. */
  readonly device?: string;
  readonly count: number;
  readonly errors: number;
  /** bucket index -> count; see bucketBounds() in histogram.ts. */
  readonly latency: ReadonlyMap<number, number>;
}

export interface VfsTick extends TickBase {
  readonly entries: readonly VfsTickEntry[];
}

export type VfsEvent = ProbeEvent<VfsOp, VfsTick, VfsHello>;

const { AodFrameType } = gen;

const layouts: ReadonlyMap<number, Layout> = new Map([
  [AodFrameType.FRAME_HELLO, [gen.AOD_HELLO_SIZE + gen.AOD_VFS_HELLO_SIZE, 8]],
  [AodFrameType.FRAME_OPS, [0, 8]],
  [AodFrameType.FRAME_TICK, [gen.AOD_VFS_TICK_SIZE, 8]],
  [AodFrameType.FRAME_INFLIGHT, [gen.AOD_INFLIGHT_SIZE, gen.AOD_VFS_RUNNING_SIZE]],
  [AodFrameType.FRAME_LOST, [0, gen.AOD_LOST_SIZE]],
  [AodFrameType.FRAME_ERROR, [gen.AOD_ERROR_SIZE, 0]],
]);

const fits = layoutsFit(layouts);

export class VfsDecoder {
  readonly discarded = new Map<VfsDiscard, number>();
  private readonly protocol: VfsProtocol;
  private callbacks: ReadonlyMap<number, VfsCallback> = new Map();
  private paths = false;

  constructor(protocol: VfsProtocol) {
    this.protocol = protocol;
  }

  /** No moment of observation is needed: INFLIGHT says its own. */
  decode({ type, payload }: Frame): VfsEvent | undefined {
    if (!fits(type, payload.length)) return this.discard(layouts.has(type) ? "malformed" : "unexpected");
    switch (type) {
      case AodFrameType.FRAME_HELLO:
        return this.hello(payload);
      case AodFrameType.FRAME_OPS:
        return { type: "ops", ops: this.ops(payload) };
      case AodFrameType.FRAME_TICK:
        return this.tick(payload);
      case AodFrameType.FRAME_INFLIGHT:
        return this.inflight(payload);
      case AodFrameType.FRAME_LOST: {
        const count = payload.length / gen.AOD_LOST_SIZE;
        return { type: "lost", losses: records(payload, 0, count, gen.AOD_LOST_SIZE, (b, at) => this.loss(b, at)) };
      }
      default:
        return errorEvent(payload);
    }
  }

  private discard(reason: VfsDiscard): undefined {
    this.discarded.set(reason, (this.discarded.get(reason) ?? 0) + 1);
    return undefined;
  }

  private hello(bytes: Buffer): VfsEvent | undefined {
    const head = helloHead(bytes, gen.AOD_VFS_OP_SIZE);
    if (head === undefined) return this.discard("malformed");
    if (head.type === "error") return head;
    const at = head.end + gen.AOD_VFS_HELLO_SIZE;
    if (at > bytes.length) return this.discard("malformed");
    const vfs = gen.decodeAodVfsHello(bytes, head.end);
    if (bytes.length !== at + vfs.callbacks * gen.AOD_VFS_CALLBACK_SIZE) return this.discard("malformed");
    const callbacks: VfsCallback[] = [];
    for (const raw of records(bytes, at, vfs.callbacks, gen.AOD_VFS_CALLBACK_SIZE, gen.decodeAodVfsCallback)) {
      const callback = vfsCallbackOf(raw);
      if (callback === undefined) this.discard("callback");
      else callbacks.push(callback);
    }
    this.callbacks = new Map(callbacks.map((callback) => [callback.id, callback]));
    this.paths = vfs.paths !== 0;
    const types = vfsTypes.filter((type) => vfs.types & (1 << (gen.AodVfsType[type] - 1)));
    return { type: "hello", hello: { ...head.hello, callbacks, types, shared: vfs.shared !== 0 } };
  }

  /** Each record is followed by its text, which ends at a multiple of 8. */
  private ops(bytes: Buffer): VfsOp[] {
    const ops: VfsOp[] = [];
    const context = { protocol: this.protocol, paths: this.paths };
    for (let at = 0; at < bytes.length; ) {
      const textAt = at + gen.AOD_VFS_OP_SIZE;
      const raw = textAt > bytes.length ? undefined : gen.decodeAodVfsOp(bytes, at);
      if (raw === undefined || textAt + raw.textSize > bytes.length) {
        this.discard("malformed");
        break;
      }
      const callback = this.callbacks.get(raw.callback);
      const text = bytes.subarray(textAt, textAt + raw.textSize);
      if (callback === undefined) this.discard("callback");
      else ops.push(vfsOpOf(raw, callback, text, context));
      at = textAt + Math.ceil(raw.textSize / 8) * 8;
    }
    return ops;
  }

  private tick(bytes: Buffer): VfsEvent | undefined {
    const tick = gen.decodeAodVfsTick(bytes, 0);
    const entries: VfsTickEntry[] = [];
    let at = gen.AOD_VFS_TICK_SIZE;
    for (let index = 0; index < tick.entries; index++) {
      const bucketsAt = at + gen.AOD_VFS_TICK_ENTRY_SIZE;
      if (bucketsAt > bytes.length) return this.discard("malformed");
      const raw = gen.decodeAodVfsTickEntry(bytes, at);
      at = bucketsAt + raw.buckets * gen.AOD_BUCKET_SIZE;
      if (at > bytes.length) return this.discard("malformed");
      const callback = this.callbacks.get(raw.callback);
      const device = deviceText(raw.device);
      const latency = this.histogram(bytes, bucketsAt, at);
      if (callback === undefined) {
        this.discard("callback");
        continue;
      }
      const { count, errors } = raw;
      entries.push({ callback, ...(device === undefined ? undefined : { device }), count, errors, latency });
    }
    if (at !== bytes.length) return this.discard("malformed");
    return { type: "tick", tick: { nowNs: tick.now, recursionMisses: tick.recursionMisses, entries } };
  }

  private histogram(bytes: Buffer, from: number, to: number): ReadonlyMap<number, number> {
    const buckets = new Map<number, number>();
    for (let at = from; at < to; at += gen.AOD_BUCKET_SIZE) {
      const { histogram, bucket, count } = gen.decodeAodBucket(bytes, at);
      if (histogram === gen.AodHistogram.LATENCY && bucket < gen.AodLimit.BUCKETS) {
        buckets.set(bucket, (buckets.get(bucket) ?? 0) + count);
      } else this.discard("bucket");
    }
    return buckets;
  }

  private inflight(bytes: Buffer): VfsEvent | undefined {
    const { now, ops: count, open } = gen.decodeAodInflight(bytes, 0);
    if (bytes.length !== gen.AOD_INFLIGHT_SIZE + count * gen.AOD_VFS_RUNNING_SIZE) return this.discard("malformed");
    const running = records(bytes, gen.AOD_INFLIGHT_SIZE, count, gen.AOD_VFS_RUNNING_SIZE, gen.decodeAodVfsRunning);
    const ops = running.flatMap((raw) => this.running(raw, now) ?? []);
    return { type: "inflight", inflight: { nowNs: now, open, ops, waiters: [] } };
  }

  private running(raw: gen.AodVfsRunning, nowNs: number): VfsOp | undefined {
    const callback = this.callbacks.get(raw.callback);
    if (callback === undefined) return this.discard("callback");
    const device = deviceText(raw.device);
    return {
      seq: raw.started,
      protocol: this.protocol,
      callback,
      startedNs: raw.started,
      latencyUs: Math.max(0, Math.floor((nowNs - raw.started) / 1000)),
      pid: raw.tgid,
      tid: raw.tid,
      comm: raw.comm,
      cgroupId: 0n,
      failed: false,
      queued: false,
      ...(raw.inode === 0n ? undefined : { inode: raw.inode }),
      ...(device === undefined ? undefined : { device }),
      alias: false,
      cut: false,
      args: [],
      extra: [],
      depth: raw.depth,
    };
  }

  /** `unseen` counts by callback. */
  private loss(bytes: Buffer, at: number): Loss {
    return lossAt(bytes, at, (kind, detail) => {
      if (kind !== gen.AodLostKind.UNSEEN) return undefined;
      return this.callbacks.get(detail)?.function ?? `callback ${detail}`;
    });
  }
}

export const smbVfs: ProbeCodec<VfsOp, VfsEvent> = {
  name: "smb_vfs",
  object: "vfs",
  module: "cifs",
  fits,
  decoder: () => new VfsDecoder("smb"),
};

export const nfsVfs: ProbeCodec<VfsOp, VfsEvent> = {
  name: "nfs_vfs",
  object: "vfs",
  module: "nfs",
  fits,
  decoder: () => new VfsDecoder("nfs"),
};
