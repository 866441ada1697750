import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import * as gen from "./decoders.gen.ts";
import { FrameReader } from "./frames.ts";
import type { ProbeEvent } from "./op.ts";
import { SmbWireDecoder } from "./smb-wire.ts";
import * as make from "./testing/make-frames.ts";

const { T0 } = make;

function decode(bytes: Buffer, decoder = new SmbWireDecoder()): ProbeEvent | undefined {
  const [frame] = new FrameReader().push(bytes);
  assert.ok(frame);
  return decoder.decode(frame, T0 + 9e6);
}

describe("SmbWireDecoder", () => {
  it("reads a hello with its hooks", () => {
    const why = "not in available_filter_functions";
    const event = decode(
      make.helloFrame([{}, { name: "answer", function: "dequeue_mid", rung: 2, needed: 0, why }, { rung: 0 }]),
    );
    assert.equal(event?.type, "hello");
    assert.deepEqual(event.hello.hooks, [
      { name: "create", function: "smb2_setup_request", rung: "fentry", needed: true },
      { name: "answer", function: "dequeue_mid", rung: "kprobe", needed: false, why },
      { name: "create", function: "smb2_setup_request", rung: "none", needed: true },
    ]);
    assert.equal(event.hello.release, "6.12.0-test");
  });

  it("refuses a helper of another build", () => {
    const event = decode(make.helloFrame([], { opSize: 160 }));
    assert.equal(event?.type, "error");
    assert.match(event.message, /160 bytes/);
  });

  it("reads a tick with its histograms, and leaves out buckets that do not exist", () => {
    const decoder = new SmbWireDecoder();
    const buckets = [
      { histogram: 0, bucket: 20, count: 3 },
      { histogram: 3, bucket: 19, count: 2 },
      { histogram: 9, bucket: 1, count: 1 },
      { histogram: 1, bucket: 200, count: 1 },
    ];
    const events = { reconnects: 4, lastReconnect: T0 };
    const event = decode(
      make.tickFrame({ events, head: 70 }, [{ count: 3, errors: 1, buckets }, { command: 5 }]),
      decoder,
    );
    assert.equal(event?.type, "tick");
    assert.equal(event.tick.reconnects, 4);
    assert.equal(event.tick.head, 70);
    assert.deepEqual(event.tick.entries[0]?.histograms, { latency: new Map([[20, 3]]), wire: new Map([[19, 2]]) });
    assert.deepEqual(event.tick.entries[1]?.histograms, {});
    assert.equal(decoder.discarded.get("bucket"), 2);
  });

  it("reads how many failed with which status, behind the entries", () => {
    const failures = [
      { status: 0xc0000034, count: 12 },
      { status: 0x80000006, count: 1 },
    ];
    const event = decode(make.tickFrame({}, [{ count: 20, errors: 12 }], failures));
    assert.equal(event?.type, "tick");
    assert.deepEqual(
      event.tick.failures.map(({ commandCode, status, count }) => [commandCode, status, count]),
      [
        [5, 0xc0000034, 12],
        [5, 0x80000006, 1],
      ],
    );
    const decoder = new SmbWireDecoder();
    assert.equal(decode(make.tickFrame({ failures: 1 }), decoder), undefined);
    assert.deepEqual([...decoder.discarded], [["malformed", 1]]);
  });

  it("reads what is in flight with the age at the frame's own time", () => {
    const waiter = { asked: T0, connection: 1n, tid: 9, tgid: 8, kind: 2 };
    const open = make.rawOp({ state: gen.AodOpState.OPEN, answered: 0, closed: 0 });
    const event = decode(make.inflightFrame([open], [waiter], { now: T0 + 3e9, open: 5 }));
    assert.equal(event?.type, "inflight");
    assert.equal(event.inflight.open, 5);
    assert.equal(event.inflight.ops[0]?.latencyUs, 3_000_010);
    assert.deepEqual(event.inflight.waiters, [{ kind: "credits", tid: 9, pid: 8, connectionId: 1n, sinceNs: T0 }]);
  });

  it("reads a part of the history, without torn records", () => {
    const decoder = new SmbWireDecoder();
    const torn = make.rawOp({ seq: 4, seqCheck: 3 });
    const event = decode(make.historyAnswerFrame([make.rawOp(), torn], { token: 7, torn: 2, done: 0 }), decoder);
    assert.equal(event?.type, "history");
    assert.deepEqual(
      event.history.ops.map((op) => op.seq),
      [1],
    );
    assert.deepEqual([event.history.token, event.history.torn, event.history.done], [7, 2, false]);
    assert.equal(decoder.discarded.get("torn"), 1);
  });

  it("names the kinds of loss, the command of an unseen begin, and kinds that it does not know", () => {
    const event = decode(
      make.lostFrame([
        { kind: 5, detail: 0, count: 2 },
        { kind: 7, detail: 8, count: 3 },
        { kind: 90, detail: 0, count: 1 },
      ]),
    );
    assert.equal(event?.type, "lost");
    assert.deepEqual(event.losses, [
      { kind: "ringbuf", count: 2 },
      { kind: "unseen", detail: "SMB2_READ", count: 3 },
      { kind: "kind-90", count: 1 },
    ]);
  });

  it("tells what is not supported from what failed", () => {
    assert.deepEqual(decode(make.errorFrame(3, 0, "no BTF")), { type: "error", unsupported: true, message: "no BTF" });
    assert.deepEqual(decode(make.errorFrame(1, 1, "loading")), {
      type: "error",
      unsupported: false,
      message: "loading (EPERM)",
    });
  });

  it("throws away frames whose counts lie about their records", () => {
    const decoder = new SmbWireDecoder();
    const liars = [
      make.helloFrame([{}], { hooks: 0xffff_ffff }),
      make.tickFrame({ entries: 0xffff_ffff }),
      make.tickFrame({ entries: 0 }, [{}]),
      make.inflightFrame([], [], { ops: 0xffff_ffff }),
      make.inflightFrame([make.rawOp()], [], { waiters: 1 }),
      make.historyAnswerFrame([], { ops: 0x7fff_ffff }),
    ];
    for (const liar of liars) assert.equal(decode(liar, decoder), undefined);
    assert.equal(decoder.discarded.get("malformed"), liars.length);
  });

  it("never throws, whatever a payload holds", () => {
    const type = fc.constantFrom(...Object.values(gen.AodFrameType));
    fc.assert(
      fc.property(type, fc.uint8Array({ maxLength: 1_200 }), (type, payload) => {
        const decoder = new SmbWireDecoder();
        const event = decoder.decode({ type, payload: Buffer.from(payload) }, T0);
        assert.ok(event !== undefined || decoder.discarded.size > 0);
      }),
      { numRuns: 1_000 },
    );
  });

  it("never throws when bits of a valid frame are changed", () => {
    const frames = [
      make.helloFrame(),
      make.opsFrame([make.rawOp()]),
      make.tickFrame({}, [{}]),
      make.inflightFrame([make.rawOp()]),
    ];
    const change = fc.record({ at: fc.nat(), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.constantFrom(...frames), fc.array(change, { minLength: 1 }), (frame, changes) => {
        const payload = Buffer.from(frame.subarray(gen.AOD_FRAME_SIZE));
        for (const { at, to } of changes) payload[at % payload.length] = to;
        new SmbWireDecoder().decode({ type: frame.readUInt16LE(4), payload }, T0);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("generated decoders", () => {
  it("read what the encoders wrote", () => {
    const u32 = fc.nat(0xffff_ffff);
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const time = fc.maxSafeNat();
    const fields = {
      seq: time,
      request: u64,
      created: time,
      sent: time,
      answered: time,
      lastAnswer: time,
      closed: time,
      queueNs: time,
      mid: u64,
      connection: u64,
      session: u64,
      asyncId: u64,
      cgroup: u64,
      lead: time,
      tree: u32,
      tid: u32,
      tgid: u32,
      opener: u32,
      status: u32,
      flags: u32,
      command: fc.nat(0xffff),
      target: fc.nat(0xffff),
      state: u32,
      chain: u32,
      uid: u32,
      error: fc.integer({ min: -4095, max: 0 }),
      comm: fc.string({ maxLength: 15 }),
      seqCheck: time,
    };
    const op = fc.record(fields, { noNullPrototype: true });
    fc.assert(
      fc.property(op, (op) => {
        const bytes = Buffer.alloc(gen.AOD_SMB_OP_SIZE + 3, 0xee);
        gen.encodeAodSmbOp(op, bytes, 3);
        assert.deepEqual(gen.decodeAodSmbOp(bytes, 3), op);
      }),
    );
  });

  it("write all ones for what has no end", () => {
    const bytes = Buffer.alloc(gen.AOD_SETTINGS_SIZE);
    gen.encodeAodSettings(
      { smb: { slowNs: [Number.POSITIVE_INFINITY], errorCommands: 0, told: [] }, inflightNs: 5 },
      bytes,
      0,
    );
    assert.equal(bytes.readBigUInt64LE(0), 2n ** 64n - 1n);
    assert.equal(bytes.readBigUInt64LE(8), 0n);
    assert.equal(gen.decodeAodSettings(bytes, 0).inflightNs, 5);
  });
});
