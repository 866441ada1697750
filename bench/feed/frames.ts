import * as gen from "../../src/probe/decoders.gen.ts";
import { frameOf } from "../../src/probe/frames.ts";
import type { FeedPhase } from "./plan.ts";

const { AodFrameType, AodOpFlag, AodOpState } = gen;
const ACCESS_DENIED = 0xc000_0022;
const SLOW_NS = 2e9;
/** CREATE, CLOSE, READ, WRITE, QUERY_DIRECTORY, QUERY_INFO */
const commands = [5, 6, 8, 9, 14, 16] as const;
/** As many ops as the helper puts into a frame. */
export const MAX_OPS = 512;

/** As a helper with one hook says it. */
export function hello(pid: number): Buffer {
  const head = {
    pid,
    hooks: 1,
    ring: gen.AodLimit.RING,
    opSize: gen.AOD_SMB_OP_SIZE,
    probe: "smb_wire",
    module: "cifs",
  };
  const hook = { name: "create", function: "smb2_setup_request", rung: gen.AodRung.FENTRY, needed: 1, why: "" };
  const bytes = Buffer.alloc(gen.AOD_HELLO_SIZE + gen.AOD_HOOK_SIZE);
  gen.encodeAodHello({ ...head, release: "feeder" }, bytes, 0);
  gen.encodeAodHook(hook, bytes, gen.AOD_HELLO_SIZE);
  return frameOf(AodFrameType.FRAME_HELLO, bytes);
}

/** A request that is over, as the kernel writes it. */
export function opAt(seq: number, nowNs: number, connection: number, kind: FeedPhase["kind"]): gen.AodSmbOp {
  const tookNs = kind === "slow" ? SLOW_NS : 1e6;
  const created = nowNs - tookNs;
  return {
    ...{ seq, request: 0n, created, sent: created + 50_000, answered: nowNs - 50_000, lastAnswer: 0, closed: nowNs },
    ...{ queueNs: 0, mid: BigInt(seq), connection: BigInt(connection), session: BigInt(connection) << 8n, asyncId: 0n },
    ...{ cgroup: 4097n, lead: 0, tree: 5, tid: 1235, tgid: 1234, opener: 0, uid: 1000, error: 0, comm: "make" },
    ...{ status: kind === "failed" ? ACCESS_DENIED : 0, flags: AodOpFlag.STATUS | AodOpFlag.QUEUE },
    ...{ command: commands[seq % commands.length] ?? 5, target: connection, state: AodOpState.CLOSED, chain: 0 },
    seqCheck: seq,
  };
}

/** OPS frames of so many requests, from `seq` on. */
export function ops(seq: number, count: number, nowNs: number, phase: FeedPhase): Buffer[] {
  const frames: Buffer[] = [];
  for (let done = 0; done < count; done += MAX_OPS) {
    const bytes = Buffer.alloc(Math.min(MAX_OPS, count - done) * gen.AOD_SMB_OP_SIZE);
    for (let i = 0; i * gen.AOD_SMB_OP_SIZE < bytes.length; i++) {
      const op = opAt(seq + done + i, nowNs, 1 + ((seq + done + i) % phase.connections), phase.kind);
      gen.encodeAodSmbOp(op, bytes, i * gen.AOD_SMB_OP_SIZE);
    }
    frames.push(frameOf(AodFrameType.FRAME_OPS, bytes));
  }
  return frames;
}

/** A tick of all connections and commands, with latencies around what is usual, and what is in flight. */
export function tick(nowNs: number, head: number, requests: number, failed: number, phase: FeedPhase): Buffer[] {
  const each = Math.max(1, Math.round(requests / (phase.connections * commands.length)));
  const entries: Buffer[] = [];
  for (let connection = 1; connection <= phase.connections; connection++)
    for (const command of commands) entries.push(entry(connection, command, each));
  const bytes = Buffer.alloc(gen.AOD_TICK_SIZE);
  const oldest = Math.max(1, head - gen.AodLimit.RING + 1);
  const events = { reconnects: 0, lastReconnect: 0 };
  const counts = { entries: entries.length, failures: failed === 0 ? 0 : 1 };
  gen.encodeAodTick({ now: nowNs, head, oldest, recursionMisses: 0, events, ...counts }, bytes, 0);
  const failures = failed === 0 ? [] : [failure(failed)];
  const flight = Buffer.alloc(gen.AOD_INFLIGHT_SIZE);
  gen.encodeAodInflight({ now: nowNs, ops: 0, waiters: 0, open: 3 }, flight, 0);
  return [
    frameOf(AodFrameType.FRAME_TICK, Buffer.concat([bytes, ...entries, ...failures])),
    frameOf(AodFrameType.FRAME_INFLIGHT, flight),
  ];
}

function entry(connection: number, command: number, count: number): Buffer {
  const buckets = [0, 1, 2, 3, 4, 5].flatMap((i) =>
    [0, 3].map((histogram) => ({ histogram, bucket: 34 + i + Math.floor(Math.random() * 3), count: 1 })),
  );
  const bytes = Buffer.alloc(gen.AOD_TICK_ENTRY_SIZE + buckets.length * gen.AOD_BUCKET_SIZE);
  const target = { connection: BigInt(connection), session: BigInt(connection) << 8n, tree: 5, command };
  gen.encodeAodTickEntry({ ...target, buckets: buckets.length, count, errors: 0 }, bytes, 0);
  for (const [i, bucket] of buckets.entries())
    gen.encodeAodBucket(bucket, bytes, gen.AOD_TICK_ENTRY_SIZE + i * gen.AOD_BUCKET_SIZE);
  return bytes;
}

function failure(count: number): Buffer {
  const bytes = Buffer.alloc(gen.AOD_FAILURE_SIZE);
  const target = { connection: 1n, session: 256n, tree: 5, command: 5 };
  gen.encodeAodFailure({ ...target, status: ACCESS_DENIED, count }, bytes, 0);
  return bytes;
}

const CHUNK = 1024;

/** The answer to a question for the history: all that the ring would hold. */
export function* history(token: number, from: number, head: number, nowNs: number): Generator<Buffer> {
  const oldest = Math.max(1, head - gen.AodLimit.RING + 1);
  let next = Math.max(from, oldest);
  do {
    const count = Math.max(0, Math.min(CHUNK, head - next + 1));
    const bytes = Buffer.alloc(gen.AOD_HISTORY_SIZE + count * gen.AOD_SMB_OP_SIZE);
    const done = next + count > head;
    gen.encodeAodHistory({ head, oldest, torn: 0, token, ops: count, done: done ? 1 : 0 }, bytes, 0);
    for (let i = 0; i < count; i++)
      gen.encodeAodSmbOp(opAt(next + i, nowNs, 1, "failed"), bytes, gen.AOD_HISTORY_SIZE + i * gen.AOD_SMB_OP_SIZE);
    next += count;
    yield frameOf(AodFrameType.FRAME_HISTORY, bytes);
  } while (next <= head);
}
