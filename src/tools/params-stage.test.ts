import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SmbOp, SmbParams } from "../probe/op.ts";
import { smbOpOf } from "../probe/smb-op.ts";
import { rawOp, T0 } from "../probe/testing/make-frames.ts";
import { ParamsStage } from "./params-stage.ts";

function op(seq: number): SmbOp {
  const found = smbOpOf(rawOp({ seq }), T0);
  assert.ok(found);
  return found;
}

function params(...seqs: readonly number[]): { readonly type: "params"; readonly params: readonly SmbParams[] } {
  const fixed = Buffer.alloc(24);
  const all = seqs.map((seq) => {
    const own = Buffer.from(fixed);
    own.writeUInt16LE(seq, 2);
    return { seq, commandCode: 6, fixed: own, text: Buffer.alloc(0) };
  });
  return { type: "params", params: all };
}

describe("what a request asked for", () => {
  it("is found by its op, before and after the op has ended", () => {
    const stage = new ParamsStage();
    stage.take(params(1, 2));
    const [first, second] = [op(1), op(2)];
    assert.deepEqual(stage.take({ type: "ops", ops: [first] }), [first]);
    assert.equal(stage.of(first)?.[0]?.value, "0x1");
    assert.equal(stage.of(second)?.[0]?.value, "0x2", "still in flight");
    assert.equal(stage.of(op(3)), undefined);
    assert.deepEqual(stage.losses(), []);
  });

  it("is given up oldest first when too much waits, and counted", () => {
    const stage = new ParamsStage(2);
    stage.take(params(1, 2, 3));
    assert.equal(stage.of(op(1)), undefined);
    assert.ok(stage.of(op(3)));
    assert.deepEqual(stage.losses(), [{ kind: "params-forgotten", count: 1 }]);
  });
});
