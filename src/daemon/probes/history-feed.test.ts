import assert from "node:assert/strict";
import { test } from "node:test";
import { op } from "../../detect/fixture.ts";
import type { SmbOp } from "../../probe/op.ts";
import { HistoryFeed } from "./history-feed.ts";

const S = 1e9;
const closed = (seq: number): SmbOp => op({ seq, latencyMs: 1, endedNs: seq });

function setUp() {
  const world = { nowNs: 100 * S, running: true, asked: [] as number[], ready: true, written: [] as number[] };
  const feed = new HistoryFeed(
    (from) => (world.running ? world.asked.push(from) : undefined),
    () => world.nowNs,
  );
  const add = () =>
    feed.add(
      (ops) => world.written.push(...ops.map((one) => one.seq)),
      () => world.ready,
    );
  const answer = (...ops: SmbOp[]): void => {
    const head = Math.max(0, ...ops.map((one) => one.seq));
    feed.take({ head, oldest: 1, torn: 0, token: world.asked.length, ops, done: true });
  };
  const seconds = (count: number): void => {
    for (let second = 0; second < count; second++) {
      world.nowNs += S;
      feed.beat();
    }
  };
  return { world, feed, add, answer, seconds };
}

test("everything is asked for at once, and what is new every two seconds", () => {
  const { world, add, answer, seconds } = setUp();
  add();
  assert.deepEqual(world.asked, [0]);
  answer(closed(1), closed(2));
  for (let round = 0; round < 3; round++) {
    seconds(2);
    answer(closed(3 + round));
  }
  assert.equal(world.asked.length, 4);
  assert.deepEqual(world.written, [1, 2, 3, 4, 5]);
});

test("one question at a time, and none before the last answer has been taken", () => {
  const { world, add, answer, seconds } = setUp();
  add();
  seconds(8);
  assert.equal(world.asked.length, 1, "not answered");
  answer(closed(1));
  world.ready = false;
  seconds(8);
  assert.equal(world.asked.length, 1, "answered, not written");
  world.ready = true;
  seconds(1);
  assert.equal(world.asked.length, 2);
});

test("an answer that never comes is given up after ten seconds", () => {
  const { world, add, seconds } = setUp();
  add();
  seconds(11);
  assert.equal(world.asked.length, 2);
});

test("when a quarter of the ring is new it is asked at once", () => {
  const { world, feed, add, answer } = setUp();
  add();
  answer(closed(1));
  feed.tick(4000, 1);
  assert.equal(world.asked.length, 2);
});

test("after the end of the evidence nothing is asked, until the incident grows", () => {
  const { world, add, answer, seconds } = setUp();
  const { recorder } = add();
  answer(closed(1));
  recorder.untilNs = world.nowNs + 5 * S;
  seconds(5);
  answer(closed(2));
  const { length } = world.asked;
  seconds(60);
  assert.equal(world.asked.length, length);
  recorder.untilNs = world.nowNs + 5 * S;
  seconds(1);
  assert.equal(world.asked.length, length + 1);
});

test("at the end it asks for what is held, writes the rest as it is, and takes no more", async () => {
  const { world, feed, add, answer, seconds } = setUp();
  const subscription = add();
  const open = { ...op({ seq: 2, latencyMs: 1, endedNs: undefined }), startedNs: 5 };
  answer(closed(1), open);
  subscription.recorder.untilNs = world.nowNs;
  seconds(10);
  assert.deepEqual(world.written, [1]);
  const finished = feed.finish(subscription);
  for (let turn = 0; turn < 3; turn++) {
    answer(closed(1), open);
    await Promise.resolve();
  }
  await finished;
  assert.deepEqual(world.written, [1, 2]);
  feed.outliers([closed(3)]);
  assert.deepEqual(world.written, [1, 2]);
});

test("without a probe it ends with what there is", async () => {
  const { world, feed, add, answer } = setUp();
  const subscription = add();
  answer(closed(1));
  world.running = false;
  feed.probeEnded();
  await feed.finish(subscription);
  assert.deepEqual(world.written, [1]);
});
