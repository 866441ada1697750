import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import * as gen from "./decoders.gen.ts";
import { FrameReader } from "./frames.ts";
import type { RpcOp } from "./rpc-op.ts";
import { rpcSettingsFrame } from "./rpc-settings.ts";
import { RpcDecoder, type RpcEvent } from "./rpc-wire.ts";
import { helloFrame, T0 } from "./testing/make-frames.ts";
import * as make from "./testing/make-rpc-frames.ts";

const { AodRpcFlag: F, AodRpcState: S } = gen;

function events(frames: readonly Buffer[], decoder = new RpcDecoder()): readonly RpcEvent[] {
  return new FrameReader().push(Buffer.concat(frames)).flatMap((frame) => decoder.decode(frame, T0 + 9e6) ?? []);
}

function opOf(changes: Partial<gen.AodRpcOp>, ...before: readonly Buffer[]): RpcOp {
  const event = events([...before, make.rpcOpsFrame([make.rawRpc(changes)])]).at(-1);
  assert.equal(event?.type, "ops");
  const [op] = event.ops;
  assert.ok(op);
  return op;
}

describe("an RPC", () => {
  it("has the RPC layer's own figures as its phases", () => {
    const op = opOf({});
    assert.deepEqual(op.phasesUs, { queue: 1_000, wire: 5_000, wake: 500 });
    assert.deepEqual([op.latencyUs, op.executeUs, op.delayUs], [6_500, 6_500, undefined]);
    assert.deepEqual([op.procedure, op.version, op.minor, op.xid], ["OPEN", 4, 2, 0x1e2a20bc]);
    assert.deepEqual(op.status, { nfs: "NFS4_OK", code: 0, errno: 0 });
  });

  it("with retries is one op from the first begin to the last end", () => {
    const op = opOf({
      attempts: 3,
      transmissions: 4,
      tasks: 2,
      started: T0 + 300_000_000,
      closed: T0 + 306_500_000,
      backlogSum: 3_000_000,
      rttSum: 15_000_000,
      executeSum: 19_500_000,
    });
    assert.equal(op.latencyUs, 306_500);
    assert.equal(op.delayUs, 287_000);
    assert.deepEqual([op.attempts, op.retransmissions], [3, 1]);
    const { queue = 0, wire = 0, wake = 0 } = op.phasesUs;
    assert.equal(queue + wire + wake + (op.delayUs ?? 0), op.latencyUs);
  });

  it("that the server has told to come again is in flight", () => {
    const op = opOf({ state: S.HELD, status: -10008, attempts: 2 });
    assert.equal(op.state, "held");
    assert.equal(op.endedNs, undefined);
    assert.equal(op.latencyUs, 9_000);
    assert.equal(op.status?.nfs, "NFS4ERR_DELAY");
  });

  it("ends with an errno when the RPC layer fails, and with a status when the server says no", () => {
    assert.deepEqual(opOf({ flags: F.STATUS, status: -110 }).status, { errno: 110 });
    // A reply of the RPC layer that denies is no status of NFS.
    assert.deepEqual(opOf({ status: -13, rpcStatus: -13 }).status, { errno: 13 });
    assert.equal(opOf({ status: -13 }).status?.nfs, "NFS4ERR_ACCESS");
    assert.equal(opOf({ flags: 0, state: S.OPEN }).status, undefined);
  });

  it("has no round trip when no answer came", () => {
    assert.deepEqual(opOf({ rttSum: 0, rttNs: 0, flags: F.STATUS, status: -110 }).phasesUs, {
      queue: 1_000,
      wake: 5_500,
    });
    assert.deepEqual(opOf({ attempts: 0, flags: F.STATUS, status: -4 }).phasesUs, {});
  });

  it("takes the name of what the kernel leaves nameless from the lists here", () => {
    assert.equal(opOf({ name: "", procedure: 0 }).procedure, "NULL");
    assert.equal(opOf({ name: "", procedure: 90 }).procedure, "PROC_90");
  });

  it("knows its server, and its mount where the record does not", () => {
    const { target, minor } = opOf({ device: 0, minor: 0 }, make.targetsFrame([make.rawTarget()]));
    assert.deepEqual(target, {
      clientId: 3,
      parentId: 1,
      server: "files.example",
      address: "192.0.2.7",
      device: "0:38",
    });
    assert.equal(minor, 2);
    assert.deepEqual(opOf({ target: 9, device: 0 }, make.targetsFrame([make.rawTarget()])).target, { clientId: 3 });
  });

  it("leaves out what the trace points do not tell: bytes, and whose clone a client is", () => {
    const flags = F.STATUS | F.REPLIED | F.NO_BYTES;
    const op = opOf({ flags, sent: 0, received: 0 }, make.targetsFrame([make.rawTarget({ parent: 0xffff_ffff })]));
    assert.deepEqual([op.bytesSent, op.bytesReceived, op.target.parentId], [undefined, undefined, undefined]);
    const known = opOf({}, make.targetsFrame([make.rawTarget({ parent: 0 })]));
    assert.deepEqual([known.bytesSent, known.bytesReceived, known.target.parentId], [276, 356, 0]);
  });

  it("has the path that came before it, once", () => {
    assert.equal(opOf({ seq: 5 }, make.pathsFrame(5, ["f", "e", "d"])).path, "d/e/f");
    assert.equal(opOf({ seq: 5 }, make.pathsFrame(5, ["f", "e"], 1)).path, "…/e/f");
    assert.equal(opOf({ seq: 6 }, make.pathsFrame(5, ["f"])).path, undefined);
  });

  it("what ended before it was sent was not answered", () => {
    const at = (attempts: number) => opOf({ state: S.ANSWERED, attempts });
    assert.deepEqual([at(0).state, at(0).xid, at(0).endedNs], ["unsent", undefined, undefined]);
    assert.equal(at(1).state, "answered");
  });

  it("an OPEN that needed none is no op", () => {
    const decoder = new RpcDecoder();
    const event = events([make.rpcOpsFrame([make.rawRpc({ state: S.UNSENT })])], decoder)[0];
    assert.deepEqual(event, { type: "ops", ops: [] });
    assert.deepEqual([...decoder.discarded], []);
  });
});

describe("RpcDecoder", () => {
  it("reads a hello, and refuses a helper of another build", () => {
    const hello = (size: number) => events([helloFrame([{}], { opSize: size, probe: "nfs_rpc" })])[0];
    assert.equal(hello(gen.AOD_RPC_OP_SIZE)?.type, "hello");
    assert.equal(hello(8)?.type, "error");
  });

  it("reads with which statuses operations of a tick ended", () => {
    const answer = 0x8000_0000;
    const tick = make.rpcTickFrame(
      [{ count: 9, errors: 9 }],
      [
        { status: answer + 116, count: 4 },
        { status: 110, count: 2 },
        { target: 0, version: 3, procedure: 3, name: "", status: answer + 528, count: 3 },
      ],
    );
    const event = events([make.targetsFrame([make.rawTarget()]), tick])[0];
    assert.equal(event?.type, "tick");
    const known = { server: "files.example", address: "192.0.2.7", device: "0:38", procedure: "OPEN" };
    assert.deepEqual(event.tick.failures, [
      { ...known, status: { nfs: "NFS4ERR_STALE", code: 70, errno: 116 }, count: 4 },
      { ...known, status: { errno: 110 }, count: 2 },
      { procedure: "LOOKUP", status: { nfs: "NFS3ERR_JUKEBOX", code: 10_008, errno: 528 }, count: 3 },
    ]);
    const decoder = new RpcDecoder();
    const cut = tick.subarray(0, tick.length - 8);
    cut.writeUInt32LE(cut.length - 8, 0);
    assert.deepEqual(events([cut], decoder), []);
    assert.deepEqual([...decoder.discarded], [["malformed", 1]]);
  });

  it("reads a tick", () => {
    const latency = { histogram: 0, bucket: 20, count: 3 };
    const tick = make.rpcTickFrame([
      { count: 3, attempts: 5, of: [latency] },
      { target: 9, name: "", procedure: 80 },
    ]);
    const event = events([make.targetsFrame([make.rawTarget()]), tick])[0];
    assert.equal(event?.type, "tick");
    const [first, second] = event.tick.entries;
    assert.deepEqual(
      [first?.server, first?.procedure, first?.count, first?.attempts, first?.latency.get(20)],
      ["files.example", "OPEN", 3, 5, 3],
    );
    assert.deepEqual([second?.server, second?.procedure], [undefined, "PROC_80"]);
  });

  it("reads what is in flight with the age at the frame's own time", () => {
    const frame = make.rpcInflightFrame(T0 + 2e9, [make.rawRpc({ state: S.OPEN, attempts: 0, flags: 0 })]);
    const event = events([frame])[0];
    assert.equal(event?.type, "inflight");
    assert.equal(event.inflight.ops[0]?.latencyUs, 2_000_000);
  });

  it("counts torn records", () => {
    const decoder = new RpcDecoder();
    events([make.rpcOpsFrame([make.rawRpc({ seqCheck: 2 })])], decoder);
    assert.deepEqual([...decoder.discarded], [["torn", 1]]);
  });

  it("never throws, whatever comes", () => {
    const types = fc.constantFrom(...Object.values(gen.AodFrameType));
    fc.assert(
      fc.property(fc.array(fc.tuple(types, fc.uint8Array({ maxLength: 1_500 })), { maxLength: 4 }), (frames) => {
        const decoder = new RpcDecoder();
        for (const [type, payload] of frames) decoder.decode({ type, payload: Buffer.from(payload) }, T0);
      }),
      { numRuns: 1_000 },
    );
    const whole = [
      make.rpcOpsFrame([make.rawRpc(), make.rawRpc({ seq: 2 })]),
      make.targetsFrame([make.rawTarget()]),
      make.pathsFrame(2, ["a", "b"]),
      make.rpcTickFrame([{ of: [{ histogram: 0, bucket: 1, count: 1 }] }]),
      make.rpcInflightFrame(T0, [make.rawRpc()]),
    ];
    const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.constantFrom(...whole), fc.array(change, { minLength: 1 }), (frame, changes) => {
        const payload = Buffer.from(frame.subarray(gen.AOD_FRAME_SIZE));
        for (const { at, to } of changes) payload[at % payload.length] = to;
        new RpcDecoder().decode({ type: frame.readUInt16LE(4), payload }, T0);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("the settings of nfs_rpc", () => {
  const slowOf = (settings: Partial<Parameters<typeof rpcSettingsFrame>[0]>) => {
    const frame = rpcSettingsFrame({ slowUs: null, errors: false, paths: true, inflightUs: null, ...settings });
    return gen.decodeAodRpcSettings(frame, gen.AOD_FRAME_SIZE);
  };

  it("name a procedure in both versions", () => {
    const { rpc } = slowOf({ slowUsOf: new Map([["READ", 5]]) });
    assert.equal(rpc.slowNs[6], 5_000);
    assert.equal(rpc.slowNs[gen.AodLimit.RPC_PROCEDURES + 1], 5_000);
    assert.equal(rpc.slowNs.filter((ns) => ns === 5_000).length, 2);
  });

  it("make errors outliers", () => {
    assert.deepEqual(new Set(slowOf({ errors: true }).rpc.errors), new Set([1]));
    assert.deepEqual(new Set(slowOf({}).rpc.errors), new Set([0]));
  });

  /** AOD_TOLD_BIT() of what the server has answered. */
  const isTold = (words: readonly number[], number: number): boolean => {
    const bit = Number((BigInt(0x8000_0000 + number) * 0x9e3779b1n) & 0xffff_ffffn) >>> 22;
    return (((words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  };

  it("have a bit for each status that is wanted one by one, by the kernel's numbers of it", () => {
    assert.ok(slowOf({ errors: true }).rpc.told.every((word) => word === 0xffff_ffff));
    assert.ok(slowOf({ errors: true, errorStatuses: [] }).rpc.told.every((word) => word === 0));
    const { told } = slowOf({ errors: true, errorStatuses: [70, 10_008] }).rpc;
    assert.deepEqual(
      [116, 528, 10_008, 70, 2].map((number) => isTold(told, number)),
      [true, true, true, false, false],
    );
  });

  it("a time is a number", () => {
    assert.throws(() => slowOf({ slowUs: -1 }), RangeError);
  });
});
