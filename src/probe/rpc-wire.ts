// Frames of the nfs_rpc probe -> events. Never throws: what does not hold together is counted and left out.
import { procedureName } from "../nfs/procedures.ts";
import { type RpcStatus, rpcStatus } from "../nfs/status.ts";
import type { ProbeCodec, ProbeDecoder } from "./codec.ts";
import { errorEvent, helloHead, type Layout, layoutsFit, lossAt, records } from "./common-frames.ts";
import * as gen from "./decoders.gen.ts";
import type { Frame } from "./frames.ts";
import type { ProbeEvent, TickBase } from "./op.ts";
import { deviceText, type RpcOp, rpcOpOf } from "./rpc-op.ts";
import { ANSWER } from "./rpc-settings.ts";

/** Why a frame or a record was left out: as WireDiscard of smb_wire. */
export type RpcDiscard = "malformed" | "unexpected" | "torn" | "state" | "bucket";

/** Deltas of one (target, procedure) since the tick before. */
export interface RpcTickEntry {
  /** Id of the target; 0 = what found no place. */
  readonly target: number;
  readonly server?: string;
  /** st_dev of the mount, as mountinfo writes it: `0:45`. */
  readonly device?: string;
  readonly clientId?: number;
  readonly version?: number;
  readonly procedure: string;
  readonly count: number;
  readonly errors: number;
  readonly attempts: number;
  readonly transmissions: number;
  /** bucket index -> count, of the whole latency. */
  readonly latency: ReadonlyMap<number, number>;
}

/** Operations of one procedure that ended with one status, within a tick. */
export interface RpcFailure {
  readonly server?: string;
  readonly address?: string;
  readonly device?: string;
  readonly procedure: string;
  readonly status: RpcStatus;
  readonly count: number;
}

export interface RpcTick extends TickBase {
  /** seq of the newest op, and of the oldest that the history still has. */
  readonly head: number;
  readonly oldest: number;
  readonly entries: readonly RpcTickEntry[];
  readonly failures: readonly RpcFailure[];
}

export type RpcEvent = ProbeEvent<RpcOp, RpcTick>;

const layouts: ReadonlyMap<number, Layout> = new Map([
  [gen.AodFrameType.FRAME_HELLO, [gen.AOD_HELLO_SIZE, gen.AOD_HOOK_SIZE]],
  [gen.AodFrameType.FRAME_OPS, [0, gen.AOD_RPC_OP_SIZE]],
  [gen.AodFrameType.FRAME_TICK, [gen.AOD_RPC_TICK_SIZE, 8]],
  [gen.AodFrameType.FRAME_INFLIGHT, [gen.AOD_INFLIGHT_SIZE, gen.AOD_RPC_OP_SIZE]],
  [gen.AodFrameType.FRAME_HISTORY, [gen.AOD_HISTORY_SIZE, gen.AOD_RPC_OP_SIZE]],
  [gen.AodFrameType.FRAME_LOST, [0, gen.AOD_LOST_SIZE]],
  [gen.AodFrameType.FRAME_ERROR, [gen.AOD_ERROR_SIZE, 0]],
  [gen.AodFrameType.FRAME_RPC_TARGETS, [0, gen.AOD_RPC_TARGET_SIZE]],
  [gen.AodFrameType.FRAME_RPC_PATHS, [0, gen.AOD_RPC_PATH_SIZE]],
]);

const fitsRpc = layoutsFit(layouts);

// Both are bounded whatever the stream says: the helper knows 128 targets at a time, and a path is followed by its op at once.
const MAX_TARGETS = 4096;
const MAX_PATHS = 8192;

export class RpcDecoder implements ProbeDecoder<RpcEvent> {
  readonly discarded = new Map<RpcDiscard, number>();
  private readonly targets = new Map<number, gen.AodRpcTarget>();
  private readonly paths = new Map<number, string>();

  /** `nowNs`: how far an op in flight has got, where the frame itself does not say when it was made. */
  decode(frame: Frame, nowNs: number): RpcEvent | undefined {
    const bytes = frame.payload;
    if (!fitsRpc(frame.type, bytes.length)) {
      return this.discard(frame.type >= gen.AodFrameType.REQUEST_SET ? "unexpected" : "malformed");
    }
    switch (frame.type) {
      case gen.AodFrameType.FRAME_HELLO:
        return this.hello(bytes);
      case gen.AodFrameType.FRAME_RPC_TARGETS:
        return this.takeTargets(bytes);
      case gen.AodFrameType.FRAME_RPC_PATHS:
        return this.takePaths(bytes);
      case gen.AodFrameType.FRAME_OPS:
        return { type: "ops", ops: this.ops(bytes, 0, bytes.length / gen.AOD_RPC_OP_SIZE, nowNs) };
      case gen.AodFrameType.FRAME_TICK:
        return this.tick(bytes);
      case gen.AodFrameType.FRAME_INFLIGHT:
        return this.inflight(bytes);
      case gen.AodFrameType.FRAME_HISTORY:
        return this.history(bytes, nowNs);
      case gen.AodFrameType.FRAME_LOST: {
        const count = bytes.length / gen.AOD_LOST_SIZE;
        return { type: "lost", losses: records(bytes, 0, count, gen.AOD_LOST_SIZE, (from, at) => lossAt(from, at)) };
      }
      default:
        return errorEvent(bytes);
    }
  }

  private discard(reason: RpcDiscard): undefined {
    this.discarded.set(reason, (this.discarded.get(reason) ?? 0) + 1);
    return undefined;
  }

  private hello(bytes: Buffer): RpcEvent | undefined {
    const head = helloHead(bytes, gen.AOD_RPC_OP_SIZE);
    if (head === undefined) return this.discard("malformed");
    if (head.type === "error") return head;
    return head.end === bytes.length ? { type: "hello", hello: head.hello } : this.discard("malformed");
  }

  private takeTargets(bytes: Buffer): undefined {
    for (let at = 0; at < bytes.length; at += gen.AOD_RPC_TARGET_SIZE) {
      const target = gen.decodeAodRpcTarget(bytes, at);
      remember(this.targets, target.id, target, MAX_TARGETS);
    }
  }

  private takePaths(bytes: Buffer): undefined {
    for (let at = 0; at < bytes.length; at += gen.AOD_RPC_PATH_SIZE) {
      const { seq, size, cut, text } = gen.decodeAodRpcPath(bytes, at);
      const names = text.toString("utf8", 0, Math.min(size, text.length)).split("\0");
      const path = names
        .filter((name) => name !== "")
        .reverse()
        .join("/");
      if (path !== "") remember(this.paths, seq, cut === 0 ? path : `…/${path}`, MAX_PATHS);
    }
  }

  /** `none`: takes the seqs of what turned out to be no op. */
  private ops(bytes: Buffer, from: number, count: number, nowNs: number, none: number[] = []): RpcOp[] {
    const ops: RpcOp[] = [];
    for (let index = 0; index < count; index++) {
      const raw = gen.decodeAodRpcOp(bytes, from + index * gen.AOD_RPC_OP_SIZE);
      const whole = raw.seq === raw.seqCheck;
      // The history has them; nobody has asked the server for anything.
      if (whole && raw.state === gen.AodRpcState.UNSENT) {
        none.push(raw.seq);
        continue;
      }
      const op = whole ? rpcOpOf(raw, nowNs, this.targets.get(raw.target), this.paths.get(raw.seq)) : undefined;
      this.paths.delete(raw.seq);
      if (op !== undefined) ops.push(op);
      else this.discard(whole ? "state" : "torn");
    }
    return ops;
  }

  private tick(bytes: Buffer): RpcEvent | undefined {
    const { now, head, oldest, recursionMisses, entries: count, failures: failed } = gen.decodeAodRpcTick(bytes, 0);
    const entries: RpcTickEntry[] = [];
    let at = gen.AOD_RPC_TICK_SIZE;
    for (let index = 0; index < count; index++) {
      if (at + gen.AOD_RPC_TICK_ENTRY_SIZE > bytes.length) return this.discard("malformed");
      const entry = gen.decodeAodRpcTickEntry(bytes, at);
      at += gen.AOD_RPC_TICK_ENTRY_SIZE;
      const end = at + entry.buckets * gen.AOD_BUCKET_SIZE;
      if (end > bytes.length) return this.discard("malformed");
      entries.push(this.entryOf(entry, this.latency(bytes, at, end)));
      at = end;
    }
    if (at + failed * gen.AOD_RPC_FAILURE_SIZE !== bytes.length) return this.discard("malformed");
    const failures = records(bytes, at, failed, gen.AOD_RPC_FAILURE_SIZE, (from, where) => this.failureAt(from, where));
    return { type: "tick", tick: { nowNs: now, head, oldest, recursionMisses, entries, failures } };
  }

  private failureAt(bytes: Buffer, at: number): RpcFailure {
    const { target, procedure, version, name, status, count } = gen.decodeAodRpcFailure(bytes, at);
    const known = this.targets.get(target);
    const device = deviceText(known?.device ?? 0);
    const replied = status >= ANSWER;
    return {
      ...(known === undefined || known.server === "" ? undefined : { server: known.server }),
      ...(known === undefined || known.address === "" ? undefined : { address: known.address }),
      ...(device === undefined ? undefined : { device }),
      procedure: name || (procedureName(version, procedure) ?? `PROC_${procedure}`),
      status: rpcStatus(version, -(replied ? status - ANSWER : status), replied),
      count,
    };
  }

  private entryOf(entry: gen.AodRpcTickEntry, latency: ReadonlyMap<number, number>): RpcTickEntry {
    const { target, count, errors, attempts, transmissions, name, procedure } = entry;
    const known = this.targets.get(target);
    const device = deviceText(known?.device ?? 0);
    return {
      target,
      ...(known === undefined ? undefined : { server: known.server, clientId: known.client, version: known.version }),
      ...(device === undefined ? undefined : { device }),
      procedure: name || `PROC_${procedure}`,
      count,
      errors,
      attempts,
      transmissions,
      latency,
    };
  }

  private latency(bytes: Buffer, from: number, to: number): ReadonlyMap<number, number> {
    const found = new Map<number, number>();
    for (let at = from; at < to; at += gen.AOD_BUCKET_SIZE) {
      const { histogram, bucket, count } = gen.decodeAodBucket(bytes, at);
      if (histogram !== gen.AodHistogram.LATENCY || bucket >= gen.AodLimit.BUCKETS) this.discard("bucket");
      else found.set(bucket, (found.get(bucket) ?? 0) + count);
    }
    return found;
  }

  private inflight(bytes: Buffer): RpcEvent | undefined {
    const head = gen.decodeAodInflight(bytes, 0);
    if (bytes.length !== gen.AOD_INFLIGHT_SIZE + head.ops * gen.AOD_RPC_OP_SIZE) return this.discard("malformed");
    const ops = this.ops(bytes, gen.AOD_INFLIGHT_SIZE, head.ops, head.now);
    return { type: "inflight", inflight: { nowNs: head.now, open: head.open, ops, waiters: [] } };
  }

  private history(bytes: Buffer, nowNs: number): RpcEvent | undefined {
    const { head, oldest, torn, token, ops: count, done } = gen.decodeAodHistory(bytes, 0);
    if (bytes.length !== gen.AOD_HISTORY_SIZE + count * gen.AOD_RPC_OP_SIZE) return this.discard("malformed");
    const none: number[] = [];
    const ops = this.ops(bytes, gen.AOD_HISTORY_SIZE, count, nowNs, none);
    const rest = none.length === 0 ? {} : { none };
    return { type: "history", history: { head, oldest, torn, token, ops, ...rest, done: done !== 0 } };
  }
}

/** The one that was seen last stays longest. */
function remember<K, V>(values: Map<K, V>, key: K, value: V, most: number): void {
  values.delete(key);
  values.set(key, value);
  if (values.size <= most) return;
  for (const oldest of values.keys()) {
    values.delete(oldest);
    return;
  }
}

export const nfsRpc: ProbeCodec<RpcOp, RpcEvent> = {
  name: "nfs_rpc",
  object: "nfs_rpc",
  module: "nfs",
  fits: fitsRpc,
  decoder: () => new RpcDecoder(),
};
