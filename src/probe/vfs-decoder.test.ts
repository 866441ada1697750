import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import * as gen from "./decoders.gen.ts";
import { FrameReader } from "./frames.ts";
import { errorFrame, lostFrame, T0 } from "./testing/make-frames.ts";
import * as make from "./testing/make-vfs-frames.ts";
import { smbVfs, VfsDecoder, type VfsEvent } from "./vfs-decoder.ts";
import type { VfsOp } from "./vfs-op.ts";

const F = gen.AodVfsFlag;

function decode(bytes: Buffer, decoder: VfsDecoder): VfsEvent | undefined {
  const [frame] = new FrameReader(smbVfs.fits).push(bytes);
  assert.ok(frame);
  return decoder.decode(frame);
}

/** A decoder that knows these callbacks. */
function decoderWith(...callbacks: readonly gen.AodVfsCallback[]): VfsDecoder {
  const decoder = new VfsDecoder("smb");
  assert.equal(decode(make.vfsHelloFrame(callbacks), decoder)?.type, "hello");
  return decoder;
}

function opOf(raw: make.RawVfsOp, callback = make.rawCallback()): VfsOp {
  const event = decode(make.vfsOpsFrame([raw]), decoderWith(callback));
  assert.ok(event?.type === "ops");
  const [op] = event.ops;
  assert.ok(op);
  return op;
}

describe("VfsDecoder", () => {
  it("HELLO names the callbacks", () => {
    const callbacks = [
      make.rawCallback(),
      make.rawCallback({ id: 7, type: 2, rung: 0, function: "cifs_lookup", member: "lookup", why: "not in kallsyms" }),
    ];
    const event = decode(make.vfsHelloFrame(callbacks, { types: 0b0011, shared: 1 }), new VfsDecoder("smb"));
    assert.ok(event?.type === "hello");
    assert.deepEqual([event.hello.types, event.hello.shared], [["FILE", "INODE"], true]);
    const [open, lookup] = event.hello.callbacks;
    assert.deepEqual(open, {
      id: 0,
      type: "FILE",
      function: "cifs_open",
      member: "open",
      table: "cifs_file_ops",
      module: "cifs",
      shared: false,
      rung: "fentry",
      returns: "INT",
      kinds: ["INODE", "FILE"],
    });
    assert.deepEqual([lookup?.type, lookup?.rung, lookup?.why], ["INODE", "none", "not in kallsyms"]);
  });

  it("HELLO of another build is an error, not a guess", () => {
    const event = decode(make.vfsHelloFrame([], {}, { opSize: 8 }), new VfsDecoder("smb"));
    assert.ok(event?.type === "error");
    assert.match(event.message, /different builds/);
  });

  it("a call has everything that is known of it", () => {
    const op = opOf(make.rawVfsOp({ pos: 4096, size: 100, flags: F.OPLOCK | F.POS | F.SIZE, oplock: 3 }));
    const { callback, ...rest } = op;
    assert.equal(callback.function, "cifs_open");
    assert.deepEqual(rest, {
      seq: T0,
      protocol: "smb",
      startedNs: T0,
      endedNs: T0 + 5_000_000,
      latencyUs: 5_000,
      pid: 1_234,
      tid: 1_235,
      comm: "dd",
      uid: 1000,
      cgroupId: 4_097n,
      retval: 0,
      failed: false,
      errno: 0,
      queued: false,
      inode: 131n,
      device: "0:45",
      object: { name: "file", path: "/dir/file" },
      alias: false,
      cut: false,
      pos: 4096,
      size: 100,
      oplock: 3,
      args: [0n, 0n, 0n, 0n, 0n, 0n],
      extra: [0n, 0n, 0n, 0n],
      depth: 0,
    });
  });

  it("an absent fact is absent", () => {
    const op = opOf(make.rawVfsOp({ object: [], inode: 0n, device: 0, flags: 0 }), make.rawCallback({ returns: 0 }));
    for (const key of ["object", "second", "text", "inode", "device", "pos", "size", "oplock", "retval", "errno"]) {
      assert.equal(key in op, false, key);
    }
  });

  it("two names and a string are told apart", () => {
    const op = opOf(make.rawVfsOp({ object: ["a", "b"], second: ["数据", "c", "d"], text: "../where" }));
    assert.deepEqual([op.object?.path, op.second?.path, op.text], ["/b/a", "/d/c/数据", "../where"]);
  });

  it("the root has a path too; a name that is cut has none", () => {
    assert.deepEqual(opOf(make.rawVfsOp({ object: ["/"] })).object, { name: "/", path: "/" });
    assert.deepEqual(opOf(make.rawVfsOp({ flags: F.CUT })).object, { name: "file" });
  });

  it("names without directories are no paths", () => {
    const decoder = new VfsDecoder("nfs");
    decode(make.vfsHelloFrame([make.rawCallback()], { paths: 0 }), decoder);
    const event = decode(make.vfsOpsFrame([make.rawVfsOp({ object: ["file"] })]), decoder);
    assert.ok(event?.type === "ops");
    assert.deepEqual([event.ops[0]?.object, event.ops[0]?.protocol], [{ name: "file" }, "nfs"]);
  });

  it("an error is its errno; what was only started is none", () => {
    const failed = opOf(make.rawVfsOp({ retval: -13, flags: F.ERROR }));
    assert.deepEqual([failed.retval, failed.errno, failed.failed], [-13, 13, true]);
    const queued = opOf(make.rawVfsOp({ retval: -529, flags: F.QUEUED }));
    assert.deepEqual([queued.errno, queued.failed, queued.queued], [undefined, false, true]);
    const again = opOf(make.rawVfsOp({ retval: -10, flags: 0 }));
    assert.deepEqual([again.retval, again.errno, again.failed], [-10, undefined, false]);
    const bool = opOf(make.rawVfsOp({ retval: 1 }), make.rawCallback({ returns: gen.AodVfsReturn.BOOL }));
    assert.deepEqual([bool.retval, bool.errno], [1, undefined]);
  });

  it("records of several lengths stand one behind the other", () => {
    const ops = [0, 7, 8, 9].map((length, index) =>
      make.rawVfsOp({ started: T0 + index, object: length === 0 ? [] : ["x".repeat(length)] }),
    );
    const event = decode(make.vfsOpsFrame(ops), decoderWith(make.rawCallback()));
    assert.ok(event?.type === "ops");
    assert.deepEqual(
      event.ops.map(({ seq, object }) => [seq - T0, object?.name.length]),
      [
        [0, undefined],
        [1, 7],
        [2, 8],
        [3, 9],
      ],
    );
  });

  it("of a callback that HELLO did not name nothing is made up", () => {
    const decoder = decoderWith(make.rawCallback());
    const event = decode(make.vfsOpsFrame([make.rawVfsOp({ callback: 9 }), make.rawVfsOp()]), decoder);
    assert.ok(event?.type === "ops");
    assert.equal(event.ops.length, 1);
    assert.deepEqual([...decoder.discarded], [["callback", 1]]);
  });

  it("TICK counts by callback and device", () => {
    const decoder = decoderWith(make.rawCallback());
    const buckets = [
      { histogram: 0, bucket: 40, count: 2 },
      { histogram: 0, bucket: 41, count: 1 },
      { histogram: 3, bucket: 1, count: 1 },
    ];
    const event = decode(make.vfsTickFrame([{ count: 3, errors: 1, buckets }, { device: 0 }]), decoder);
    assert.ok(event?.type === "tick");
    const [first, second] = event.tick.entries;
    assert.deepEqual(
      [first?.callback.function, first?.device, first?.count, first?.errors],
      ["cifs_open", "0:45", 3, 1],
    );
    assert.deepEqual(
      [...(first?.latency ?? [])],
      [
        [40, 2],
        [41, 1],
      ],
    );
    assert.equal(second?.device, undefined);
    assert.deepEqual([...decoder.discarded], [["bucket", 1]]);
  });

  it("INFLIGHT has calls that still run", () => {
    const event = decode(make.vfsInflightFrame([{ started: T0 + 1e9 }]), decoderWith(make.rawCallback()));
    assert.ok(event?.type === "inflight");
    const [op] = event.inflight.ops;
    assert.deepEqual([op?.seq, op?.latencyUs, op?.endedNs, op?.inode], [T0 + 1e9, 1e6, undefined, 131n]);
  });

  it("LOST names the callback", () => {
    const losses = [
      { kind: gen.AodLostKind.UNSEEN, detail: 0, count: 2 },
      { kind: gen.AodLostKind.DEPTH, detail: 0, count: 1 },
      { kind: gen.AodLostKind.UNSEEN, detail: 88, count: 1 },
    ];
    const event = decode(lostFrame(losses), decoderWith(make.rawCallback()));
    assert.deepEqual(event, {
      type: "lost",
      losses: [
        { kind: "unseen", detail: "cifs_open", count: 2 },
        { kind: "depth", count: 1 },
        { kind: "unseen", detail: "callback 88", count: 1 },
      ],
    });
  });

  it("ERROR says what is missing", () => {
    const event = decode(errorFrame(3, 0, "addresses are hidden"), new VfsDecoder("smb"));
    assert.deepEqual(event, { type: "error", unsupported: true, message: "addresses are hidden" });
  });

  it("throws away frames whose counts lie about their records", () => {
    const decoder = decoderWith(make.rawCallback());
    const liars = [
      make.vfsHelloFrame([], { callbacks: 0xffff_ffff }),
      make.vfsHelloFrame([], {}, { hooks: 0xffff_ffff }),
      make.vfsTickFrame([], { entries: 0xffff_ffff }),
      make.vfsTickFrame([{}], { entries: 0 }),
      make.vfsInflightFrame([], { ops: 0xffff_ffff }),
    ];
    for (const liar of liars) assert.equal(decode(liar, decoder), undefined);
    assert.equal(decoder.discarded.get("malformed"), liars.length);
    const long = make.rawVfsOp();
    const event = decode(make.vfsOpsFrame([{ ...long, raw: { ...long.raw, textSize: 60_000 } }]), decoder);
    assert.deepEqual(event, { type: "ops", ops: [] });
    assert.equal(decoder.discarded.get("malformed"), liars.length + 1);
  });

  it("never throws, whatever a payload holds", () => {
    const type = fc.constantFrom(...Object.values(gen.AodFrameType));
    fc.assert(
      fc.property(type, fc.uint8Array({ maxLength: 1_200 }), (type, payload) => {
        const decoder = decoderWith(make.rawCallback());
        const event = decoder.decode({ type, payload: Buffer.from(payload) });
        assert.ok(event !== undefined || decoder.discarded.size > 0);
      }),
      { numRuns: 1_000 },
    );
  });

  it("never throws when bits of a valid frame are changed", () => {
    const frames = [
      make.vfsHelloFrame(),
      make.vfsOpsFrame([make.rawVfsOp(), make.rawVfsOp({ text: "t" })]),
      make.vfsTickFrame([{ buckets: [{ histogram: 0, bucket: 1, count: 1 }] }]),
      make.vfsInflightFrame([{}]),
    ];
    const change = fc.record({ at: fc.nat(), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.constantFrom(...frames), fc.array(change, { minLength: 1 }), (frame, changes) => {
        const payload = Buffer.from(frame.subarray(gen.AOD_FRAME_SIZE));
        for (const { at, to } of changes) payload[at % payload.length] = to;
        decoderWith(make.rawCallback()).decode({ type: frame.readUInt16LE(4), payload });
      }),
      { numRuns: 1_000 },
    );
  });
});
