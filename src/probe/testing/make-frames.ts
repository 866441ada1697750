// Frames as aod-probe would write them, for tests and for the golden files in test/fixtures/frames.
import * as gen from "../decoders.gen.ts";
import { frameOf } from "../frames.ts";

const { AodFrameType, AodOpFlag, AodOpState } = gen;

/** 2026-like moments: CLOCK_MONOTONIC of a machine that has been up for 1,000 s. */
export const T0 = 1_000_000_000_000;

/** A synchronous CREATE that took 10 µs to ask, 100 µs to send, 5,000 µs on the wire and 40 µs to wake its caller. */
export function rawOp(changes: Partial<gen.AodSmbOp> = {}): gen.AodSmbOp {
  const seq = changes.seq ?? 1;
  return {
    seq,
    request: 0n,
    created: T0,
    sent: T0 + 100_000,
    answered: T0 + 5_100_000,
    lastAnswer: 0,
    closed: T0 + 5_140_000,
    queueNs: 10_000,
    mid: 41n,
    connection: 1n,
    session: 0x1b80118000065n,
    asyncId: 0n,
    cgroup: 4_097n,
    lead: 0,
    tree: 5,
    tid: 1_235,
    tgid: 1_234,
    opener: 0,
    status: 0,
    flags: AodOpFlag.STATUS | AodOpFlag.QUEUE,
    command: 5,
    target: 1,
    state: AodOpState.CLOSED,
    chain: 0,
    uid: 1000,
    error: 0,
    comm: "dd",
    seqCheck: seq,
    ...changes,
  };
}

/** Records of one kind, one behind the other. */
export function packed<T>(
  records: readonly T[],
  size: number,
  encode: (value: T, bytes: Buffer, at: number) => void,
): Buffer {
  const bytes = Buffer.alloc(records.length * size);
  records.forEach((record, index) => {
    encode(record, bytes, index * size);
  });
  return bytes;
}

export function helloFrame(hooks: readonly Partial<gen.AodHook>[] = [{}], changes: Partial<gen.AodHello> = {}): Buffer {
  const hello = {
    pid: 4_321,
    hooks: hooks.length,
    ring: 16_384,
    opSize: gen.AOD_SMB_OP_SIZE,
    probe: "smb_wire",
    module: "cifs",
    release: "6.12.0-test",
  };
  const all = hooks.map((hook) => ({
    name: "create",
    function: "smb2_setup_request",
    rung: 1,
    needed: 1,
    why: "",
    ...hook,
  }));
  return frameOf(
    AodFrameType.FRAME_HELLO,
    Buffer.concat([
      packed([{ ...hello, ...changes }], gen.AOD_HELLO_SIZE, gen.encodeAodHello),
      packed(all, gen.AOD_HOOK_SIZE, gen.encodeAodHook),
    ]),
  );
}

export function opsFrame(ops: readonly gen.AodSmbOp[]): Buffer {
  return frameOf(AodFrameType.FRAME_OPS, packed(ops, gen.AOD_SMB_OP_SIZE, gen.encodeAodSmbOp));
}

export interface TickEntryInput extends Partial<Omit<gen.AodTickEntry, "buckets">> {
  readonly buckets?: readonly gen.AodBucket[];
}

export function tickFrame(
  changes: Partial<gen.AodTick> = {},
  entries: readonly TickEntryInput[] = [],
  failures: readonly Pick<gen.AodFailure, "status" | "count">[] = [],
): Buffer {
  const tick = {
    now: T0,
    head: 9,
    oldest: 1,
    recursionMisses: 0,
    events: { reconnects: 0, lastReconnect: 0 },
    entries: entries.length,
    failures: failures.length,
  };
  const parts = entries.map(({ buckets = [], ...entry }) =>
    Buffer.concat([
      packed(
        [{ connection: 1n, session: 2n, tree: 5, command: 9, count: 1, errors: 0, ...entry, buckets: buckets.length }],
        gen.AOD_TICK_ENTRY_SIZE,
        gen.encodeAodTickEntry,
      ),
      packed(buckets, gen.AOD_BUCKET_SIZE, gen.encodeAodBucket),
    ]),
  );
  const failed = failures.map((failure) => ({ connection: 1n, session: 2n, tree: 5, command: 5, ...failure }));
  const head = packed([{ ...tick, ...changes }], gen.AOD_TICK_SIZE, gen.encodeAodTick);
  const counted = packed(failed, gen.AOD_FAILURE_SIZE, gen.encodeAodFailure);
  return frameOf(AodFrameType.FRAME_TICK, Buffer.concat([head, ...parts, counted]));
}

export function inflightFrame(
  ops: readonly gen.AodSmbOp[],
  waiters: readonly gen.AodWaiter[] = [],
  changes: Partial<gen.AodInflight> = {},
): Buffer {
  const head = { now: T0 + 2e9, ops: ops.length, waiters: waiters.length, open: ops.length, ...changes };
  return frameOf(
    AodFrameType.FRAME_INFLIGHT,
    Buffer.concat([
      packed([head], gen.AOD_INFLIGHT_SIZE, gen.encodeAodInflight),
      packed(ops, gen.AOD_SMB_OP_SIZE, gen.encodeAodSmbOp),
      packed(waiters, gen.AOD_WAITER_SIZE, gen.encodeAodWaiter),
    ]),
  );
}

export function historyAnswerFrame(ops: readonly gen.AodSmbOp[], changes: Partial<gen.AodHistory> = {}): Buffer {
  const head = { head: 9, oldest: 1, torn: 0, token: 1, ops: ops.length, done: 1, ...changes };
  return frameOf(
    AodFrameType.FRAME_HISTORY,
    Buffer.concat([
      packed([head], gen.AOD_HISTORY_SIZE, gen.encodeAodHistory),
      packed(ops, gen.AOD_SMB_OP_SIZE, gen.encodeAodSmbOp),
    ]),
  );
}

export function lostFrame(losses: readonly gen.AodLost[]): Buffer {
  return frameOf(AodFrameType.FRAME_LOST, packed(losses, gen.AOD_LOST_SIZE, gen.encodeAodLost));
}

export function errorFrame(code: number, error: number, text: string): Buffer {
  return frameOf(AodFrameType.FRAME_ERROR, packed([{ code, error, text }], gen.AOD_ERROR_SIZE, gen.encodeAodError));
}
