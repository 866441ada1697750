import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { op } from "../../detect/fixture.ts";
import type { History, SmbOp } from "../../probe/op.ts";
import { OpRecorder } from "./op-recorder.ts";

const answer = (ops: readonly SmbOp[], facts: Partial<History> = {}): History => ({
  head: Math.max(0, ...ops.map((one) => one.seq)),
  oldest: 1,
  torn: 0,
  token: 1,
  ops,
  done: true,
  ...facts,
});
const closed = (seq: number): SmbOp => ({
  ...op({ seq, latencyMs: 1, endedNs: seq * 1000 + 500 }),
  startedNs: seq * 1000,
});
const open = (seq: number): SmbOp => ({ ...op({ seq, latencyMs: 1, endedNs: undefined }), startedNs: seq * 1000 });
const record = () => {
  const written: SmbOp[] = [];
  return { written, recorder: new OpRecorder<SmbOp>((ops) => written.push(...ops)) };
};
const seqs = (ops: readonly SmbOp[]) => ops.map((one) => one.seq).sort((a, b) => a - b);

test("an op that was open in one answer and closed in the next is written once, closed", () => {
  const { written, recorder } = record();
  recorder.history(answer([closed(1), open(2), closed(3)]));
  assert.deepEqual(seqs(written), [1, 3]);
  recorder.history(answer([closed(2), closed(3), closed(4)]));
  assert.deepEqual(seqs(written), [1, 2, 3, 4]);
  assert.ok(written.every((one) => one.state === "closed"));
  recorder.end();
  assert.equal(recorder.coverage.missed, 0);
  assert.equal(recorder.coverage.written, 4);
});

test("what is open at the end stays open", () => {
  const { written, recorder } = record();
  recorder.history(answer([open(1)]));
  recorder.end();
  assert.deepEqual(
    written.map((one) => one.state),
    ["open"],
  );
});

test("an outlier that came by itself is not written again from the history, nor the other way round", () => {
  const { written, recorder } = record();
  recorder.outliers([closed(7)]);
  recorder.history(answer([5, 6, 7].map(closed), { oldest: 5 }));
  recorder.outliers([closed(6)]);
  assert.deepEqual(seqs(written), [5, 6, 7]);
});

test("after the end of the evidence only what is held completes", () => {
  const { written, recorder } = record();
  recorder.history(answer([closed(1), open(2)]));
  recorder.untilNs = 2500;
  recorder.history(answer([closed(2), closed(3)]));
  recorder.settle();
  recorder.history(answer([closed(4), closed(5)]));
  recorder.end();
  assert.deepEqual(seqs(written), [1, 2]);
  assert.equal(recorder.coverage.missed, 0);
});

test("what the ring overwrote before it was read is counted", () => {
  const { recorder } = record();
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => closed(from + index));
  recorder.history(answer(range(1, 1000)));
  recorder.history(answer(range(3001, 4000), { oldest: 3001 }));
  recorder.end();
  assert.equal(recorder.coverage.missed, 2000);
});

test("outliers while nobody may ask the history are written once, and the ring as it is then is known", () => {
  for (const answered of [false, true]) {
    const { written, recorder } = record();
    if (answered) recorder.history(answer([closed(1)]));
    for (let seq = 2; seq <= 50_000; seq++) recorder.outliers([closed(seq)]);
    const ring = Array.from({ length: 16_384 }, (_, index) => closed(50_000 - 16_383 + index));
    recorder.history(answer(ring, { oldest: 50_000 - 16_383 }));
    recorder.end();
    assert.equal(new Set(seqs(written)).size, written.length);
    // Before the first answer, those that came first wait for it: it tells of all that is not older.
    assert.equal(written.length, answered ? 50_000 : 49_999 - 4096);
    assert.equal(recorder.coverage.missed, 0);
  }
});

test("a new probe counts its ops from 1 again", () => {
  const { written, recorder } = record();
  recorder.history(answer([closed(1), open(2)]));
  recorder.probeEnded();
  assert.equal(recorder.nextFrom, 0);
  recorder.history(answer([closed(1), closed(2)]));
  recorder.end();
  assert.deepEqual(seqs(written), [1, 1, 2, 2]);
  assert.equal(recorder.coverage.missed, 0);
});

test("what turned out to be no op is not missed", () => {
  const { written, recorder } = record();
  recorder.history(answer([closed(1), open(2)], { none: [3] }));
  recorder.history(answer([closed(1), closed(4)], { none: [2, 3] }));
  recorder.end();
  assert.deepEqual([seqs(written), recorder.coverage.missed], [[1, 4], 0]);
});

/** A ring whose ops complete out of order, asked at any moments; some records are torn when they are read. */
test("each op once, in its final state, and every one that is missing counted, however the ring is asked", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("begin" as const), count: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ kind: fc.constant("end" as const), pick: fc.nat() }),
    fc.record({ kind: fc.constant("ask" as const), torn: fc.nat({ max: 3 }), frames: fc.integer({ min: 1, max: 3 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { written, recorder } = record();
      const size = 600;
      let head = 0;
      const isOpen = new Set<number>();
      const ask = (torn: number, frames: number): void => {
        const oldest = Math.max(1, head - size + 1);
        const from = Math.max(oldest, recorder.nextFrom);
        const held = Array.from({ length: Math.max(0, head - from + 1) }, (_, index) => from + index);
        const moved = [...isOpen].filter((seq) => seq < oldest && seq >= recorder.nextFrom);
        const ops = [...moved, ...held]
          .filter((_, index, all) => index < all.length - torn)
          .map((seq) => (isOpen.has(seq) ? open(seq) : closed(seq)));
        const per = Math.ceil(ops.length / frames) || 1;
        for (let frame = 0; frame < frames; frame++) {
          recorder.history(
            answer(ops.slice(frame * per, (frame + 1) * per), { head, oldest, done: frame === frames - 1 }),
          );
        }
      };
      for (const one of steps) {
        if (one.kind === "begin") {
          // All but every tenth end at once.
          for (let index = 0; index < one.count; index++) if (++head % 10 === 0) isOpen.add(head);
        } else if (one.kind === "end") {
          const [picked] = [...isOpen].slice(one.pick % (isOpen.size + 1));
          if (picked === undefined) continue;
          isOpen.delete(picked);
          recorder.outliers([closed(picked)]);
        } else {
          ask(one.torn, one.frames);
        }
      }
      ask(0, 1);
      recorder.end();
      assert.equal(new Set(seqs(written)).size, written.length, "each once");
      for (const one of written) assert.equal(one.state, isOpen.has(one.seq) ? "open" : "closed");
      const first = Math.min(...seqs(written), head + 1);
      const span = head - first + 1;
      // Before the first answer's oldest only ops that were open, or came by themselves, are known.
      assert.ok(recorder.coverage.missed <= span);
      assert.ok(written.length + recorder.coverage.missed <= head);
      assert.equal(recorder.coverage.written, written.length);
    }),
    { numRuns: 150 },
  );
});
