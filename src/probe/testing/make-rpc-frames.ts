// Frames as aod-probe would write them for nfs_rpc, for tests.
import * as gen from "../decoders.gen.ts";
import { frameOf } from "../frames.ts";
import { packed, T0 } from "./make-frames.ts";

const { AodFrameType, AodRpcFlag, AodRpcState } = gen;

/** An OPEN of NFSv4.2 that waited 1 ms, was 5 ms on its way and took 0.5 ms more. */
export function rawRpc(changes: Partial<gen.AodRpcOp> = {}): gen.AodRpcOp {
  const seq = changes.seq ?? 1;
  return {
    seq,
    request: 0n,
    created: T0,
    started: T0,
    closed: T0 + 6_500_000,
    backlogNs: 1_000_000,
    rttNs: 5_000_000,
    executeNs: 6_500_000,
    backlogSum: 1_000_000,
    rttSum: 5_000_000,
    executeSum: 6_500_000,
    sent: 276,
    received: 356,
    cgroup: 4_097n,
    inode: 0n,
    offset: 0,
    count: 0,
    xid: 0x1e2a20bc,
    status: 0,
    rpcStatus: 0,
    attempts: 1,
    transmissions: 1,
    timeouts: 0,
    tasks: 1,
    client: 3,
    target: 2,
    device: 38,
    tid: 1_235,
    tgid: 1_234,
    uid: 1_000,
    flags: AodRpcFlag.STATUS | AodRpcFlag.REPLIED,
    state: AodRpcState.CLOSED,
    procedure: 4,
    begunAs: 4,
    wire: 1,
    slot: 7,
    version: 4,
    minor: 3,
    name: "OPEN",
    comm: "cat",
    file: "x",
    seqCheck: seq,
    ...changes,
  };
}

export function rawTarget(changes: Partial<gen.AodRpcTarget> = {}): gen.AodRpcTarget {
  return {
    key: 0n,
    id: 2,
    client: 3,
    parent: 1,
    version: 4,
    minor: 3,
    device: 38,
    server: "files.example",
    address: "192.0.2.7",
    ...changes,
  };
}

export function rpcOpsFrame(ops: readonly gen.AodRpcOp[]): Buffer {
  return frameOf(AodFrameType.FRAME_OPS, packed(ops, gen.AOD_RPC_OP_SIZE, gen.encodeAodRpcOp));
}

export function targetsFrame(targets: readonly gen.AodRpcTarget[]): Buffer {
  return frameOf(AodFrameType.FRAME_RPC_TARGETS, packed(targets, gen.AOD_RPC_TARGET_SIZE, gen.encodeAodRpcTarget));
}

/** `names`: from the file upwards. */
export function pathsFrame(seq: number, names: readonly string[], cut = 0): Buffer {
  const text = Buffer.alloc(512);
  const size = text.write(names.map((name) => `${name}\0`).join(""));
  const bytes = packed([{ seq, size, cut, text }], gen.AOD_RPC_PATH_SIZE, gen.encodeAodRpcPath);
  return frameOf(AodFrameType.FRAME_RPC_PATHS, bytes);
}

export function rpcInflightFrame(now: number, ops: readonly gen.AodRpcOp[]): Buffer {
  const head = packed(
    [{ now, ops: ops.length, waiters: 0, open: ops.length }],
    gen.AOD_INFLIGHT_SIZE,
    gen.encodeAodInflight,
  );
  return frameOf(
    AodFrameType.FRAME_INFLIGHT,
    Buffer.concat([head, packed(ops, gen.AOD_RPC_OP_SIZE, gen.encodeAodRpcOp)]),
  );
}

export function rpcTickFrame(
  entries: readonly (Partial<gen.AodRpcTickEntry> & { readonly of?: readonly gen.AodBucket[] })[],
  failures: readonly Partial<gen.AodRpcFailure>[] = [],
): Buffer {
  const counts = { entries: entries.length, failures: failures.length };
  const head = { now: T0 + 1e9, head: 70, oldest: 1, recursionMisses: 0, ...counts };
  const failed = { target: 2, status: 0x8000_0002, count: 1, procedure: 4, version: 4, name: "OPEN" };
  const failedAs = failures.map((failure) => ({ ...failed, ...failure }));
  const parts = entries.map(({ of: buckets = [], ...changes }) => {
    const entry = {
      target: 2,
      procedure: 4,
      buckets: buckets.length,
      count: 1,
      errors: 0,
      attempts: 1,
      transmissions: 1,
      name: "OPEN",
      ...changes,
    };
    return Buffer.concat([
      packed([entry], gen.AOD_RPC_TICK_ENTRY_SIZE, gen.encodeAodRpcTickEntry),
      packed(buckets, gen.AOD_BUCKET_SIZE, gen.encodeAodBucket),
    ]);
  });
  return frameOf(
    AodFrameType.FRAME_TICK,
    Buffer.concat([
      packed([head], gen.AOD_RPC_TICK_SIZE, gen.encodeAodRpcTick),
      ...parts,
      packed(failedAs, gen.AOD_RPC_FAILURE_SIZE, gen.encodeAodRpcFailure),
    ]),
  );
}
