import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AodOpFlag, AodOpState, type AodSmbOp } from "../probe/decoders.gen.ts";
import { FrameReader } from "../probe/frames.ts";
import { SmbWireDecoder } from "../probe/smb-wire.ts";
import { historyAnswerFrame, lostFrame, opsFrame, rawOp, T0, tickFrame } from "../probe/testing/make-frames.ts";
import { rawCallback, rawVfsOp, type VfsOpInput } from "../probe/testing/make-vfs-frames.ts";
import { type VfsOp, vfsCallbackOf, vfsOpOf } from "../probe/vfs-op.ts";
import { treeLines } from "./tree-text.ts";
import { WireTree } from "./wire-tree.ts";

const S = 1e9;

/** A call of task 1235 that ran from T0 + 1 s to T0 + 2 s. */
function call(changes: VfsOpInput = {}): VfsOp {
  const callback = vfsCallbackOf(rawCallback());
  assert.ok(callback);
  const { raw, text } = rawVfsOp({ started: T0 + S, ended: T0 + 2 * S, ...changes });
  return vfsOpOf(raw, callback, text, { protocol: "smb", paths: true });
}

/** A request that began `at` s after T0. */
function request(seq: number, at: number, changes: Partial<AodSmbOp> = {}): AodSmbOp {
  const created = T0 + at * S;
  const times = { created, sent: created + 1e5, answered: created + 5e6, closed: created + 5.1e6 };
  return rawOp({ seq, ...times, queueNs: 0, ...changes });
}

function treeWith() {
  const tree = new WireTree();
  const asked: { readonly from: number; readonly token: number }[] = [];
  const decoder = new SmbWireDecoder();
  tree.onStart((frame) => asked.push({ from: Number(frame.readBigUInt64LE(8)), token: frame.readUInt32LE(16) }));
  const wire = (bytes: Buffer): void => {
    for (const frame of new FrameReader().push(bytes)) {
      const event = decoder.decode(frame, T0);
      if (event !== undefined) tree.onWire(event);
    }
  };
  const take = (...ops: readonly VfsOp[]) => tree.take({ type: "ops", ops });
  return { tree, asked, wire, take };
}

describe("--tree", () => {
  it("shows what the same task began while the call ran", () => {
    const { tree, wire, take } = treeWith();
    const one = call();
    assert.deepEqual(take(one), []);
    const answer = [
      request(1, 0.9),
      request(2, 1.1),
      request(3, 1.2, { tid: 7 }),
      request(4, 1.9, { command: 9, status: 0xc000_0022, flags: AodOpFlag.STATUS }),
      request(5, 2.1),
    ];
    wire(historyAnswerFrame(answer, { token: 1, oldest: 1 }));
    assert.deepEqual(take(), [one]);
    const caused = tree.of(one);
    assert.deepEqual(
      caused?.requests.map(({ seq }) => seq),
      [2, 4],
    );
    const lines = treeLines(caused);
    assert.match(
      lines[0] ?? "",
      /^ {2}SMB2_CREATE +5\.100 ms {2}.*send 0\.100, wire 4\.900, wake 0\.100 {2}STATUS_SUCCESS$/,
    );
    assert.match(lines[1] ?? "", /^ {2}SMB2_WRITE .*STATUS_ACCESS_DENIED$/);
  });

  it("asks for what is newer than the last tick before the call, one question at a time", () => {
    const { asked, wire, take } = treeWith();
    wire(tickFrame({ now: T0 + 0.5 * S, head: 100 }));
    wire(tickFrame({ now: T0 + 1.5 * S, head: 200 }));
    const [one, two] = [call(), call({ started: T0 + 1.6 * S })];
    take(one);
    take(two);
    assert.deepEqual(asked, [{ from: 101, token: 1 }]);
    wire(historyAnswerFrame([], { token: 1 }));
    assert.deepEqual(asked[1], { from: 201, token: 2 });
    assert.deepEqual(take(), [one]);
    wire(historyAnswerFrame([], { token: 2 }));
    assert.deepEqual(take(), [two]);
  });

  it("puts an answer of several frames together, and takes no other's", () => {
    const { tree, wire, take } = treeWith();
    const one = call();
    take(one);
    wire(historyAnswerFrame([request(8, 1.1)], { token: 99 }));
    wire(historyAnswerFrame([request(2, 1.1)], { token: 1, done: 0 }));
    assert.deepEqual(take(), []);
    wire(historyAnswerFrame([request(3, 1.2)], { token: 1 }));
    assert.deepEqual(
      tree.of(one)?.requests.map(({ seq }) => seq),
      [2, 3],
    );
  });

  it("says what is not shown: kernel workers, and what the history has no more", () => {
    const { tree, wire, take } = treeWith();
    const one = call();
    take(one);
    const worker = request(50, 1.3, { command: 9, tid: 9, comm: "kworker/u4:1", state: AodOpState.CLOSED });
    wire(historyAnswerFrame([worker], { token: 1, oldest: 50 }));
    assert.deepEqual(treeLines(tree.of(one)), [
      "  (not shown: 1 READ or WRITE by kernel workers meanwhile; whose they are is not known)",
      "  (earlier requests are not in the history any more)",
    ]);
    assert.deepEqual(treeLines({ requests: [], workers: 0, cut: false }), ["  (no request of this task)"]);
  });

  it("finds requests that were told unasked, as a recording has them", () => {
    const { tree, asked, wire, take } = treeWith();
    wire(opsFrame([request(1, 0.9), request(2, 1.1)]));
    const one = call();
    assert.deepEqual(take(one), []);
    wire(opsFrame([request(3, 1.2)]));
    wire(tickFrame({ now: T0 + 3 * S }));
    assert.deepEqual(take(), [one]);
    assert.deepEqual([tree.of(one)?.requests.length, tree.of(one)?.cut, asked], [2, false, []]);
    const late = call({ started: T0 + 1.15 * S });
    take(late);
    assert.deepEqual([tree.flush(), tree.of(late)?.requests.length, tree.losses()], [[late], 1, []]);
  });

  it("at the end what was not looked up is shown without, and counted", async () => {
    const { tree, wire, take } = treeWith();
    wire(lostFrame([{ kind: 5, detail: 0, count: 2 }]));
    const one = call();
    take(one);
    assert.deepEqual(tree.flush(), [one]);
    assert.match(treeLines(tree.of(one))[0] ?? "", /not known/);
    assert.deepEqual(tree.losses(), [
      { kind: "wire ringbuf", count: 2 },
      { kind: "tree", detail: "calls without their requests", count: 1 },
    ]);
    await tree.settled();
  });

  it("is settled when the last answer has come", async () => {
    const { tree, wire, take } = treeWith();
    take(call());
    const settled = tree.settled();
    wire(historyAnswerFrame([], { token: 1 }));
    await settled;
    assert.equal(tree.flush().length, 1);
    assert.deepEqual(tree.losses(), []);
  });

  it("keeps back no more than it can hold", () => {
    const { tree, take } = treeWith();
    take(call());
    const many = Array.from({ length: 5000 }, (_, index) => call({ started: T0 + S + index }));
    assert.equal(take(...many).length, 5000 - 4096);
    assert.equal(tree.losses()[0]?.count, 5000 - 4096);
  });
});
