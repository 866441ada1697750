import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OpEvent } from "../probe/codec.ts";
import type { OpBase } from "../probe/op.ts";
import { historyFrame } from "../probe/settings.ts";
import { ReplayedHistory } from "./replayed-history.ts";

const op = (seq: number): OpBase => ({ seq, startedNs: seq, latencyUs: 1, tid: 1, comm: "dd", cgroupId: 1n });
const tick: OpEvent<OpBase> = { type: "tick", tick: { nowNs: 1, recursionMisses: 0 } };

describe("the history of a recorded probe", () => {
  it("is told with the next tick, from where it was asked for", () => {
    const told: OpEvent<OpBase>[] = [];
    const history = new ReplayedHistory<OpBase>((event) => told.push(event));
    history.note({ type: "ops", ops: [op(2), op(1), op(3)] });
    history.request(historyFrame(2, 7));
    history.note({ type: "ops", ops: [op(4)] });
    assert.equal(told.length, 0);
    history.note(tick);
    const [answer] = told;
    assert.ok(answer?.type === "history");
    const { ops, ...rest } = answer.history;
    assert.deepEqual(
      ops.map(({ seq }) => seq),
      [2, 3, 4],
    );
    assert.deepEqual(rest, { head: 4, oldest: 1, torn: 0, token: 7, done: true });
    history.note(tick);
    assert.equal(told.length, 1);
  });

  it("is as long as the probe's, and says from where", () => {
    const told: OpEvent<OpBase>[] = [];
    const history = new ReplayedHistory<OpBase>((event) => told.push(event));
    history.note({ type: "ops", ops: Array.from({ length: 40_000 }, (_, index) => op(index + 1)) });
    history.request(historyFrame(0, 1));
    history.answer();
    const [answer] = told;
    assert.ok(answer?.type === "history");
    assert.equal(answer.history.ops.length, 16_384);
    assert.equal(answer.history.oldest, 40_000 - 16_384 + 1);
  });
});
