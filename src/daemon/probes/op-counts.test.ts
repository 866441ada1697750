import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tick } from "../../probe/op.ts";
import { OpCounts } from "./op-counts.ts";

function tickOf(connectionId: bigint, treeId: number, commandCode: number, count: number, errors = 0): Tick {
  const entries = [{ connectionId, sessionId: 1n, treeId, commandCode, count, errors, histograms: {} }];
  return { nowNs: 0, head: 0, oldest: 0, recursionMisses: 0, reconnects: 0, entries, failures: [] };
}

test("counts are summed over ticks and shares, apart for connections and commands", () => {
  const counts = new OpCounts();
  for (const tick of [tickOf(1n, 1, 5, 2), tickOf(1n, 2, 5, 3, 1), tickOf(1n, 1, 9, 7), tickOf(2n, 1, 5, 11)])
    counts.take(tick);
  assert.deepEqual(counts.list(), [
    { connection_id: "0x1", command: "SMB2_CREATE", count: 5, errors: 1 },
    { connection_id: "0x1", command: "SMB2_WRITE", count: 7, errors: 0 },
    { connection_id: "0x2", command: "SMB2_CREATE", count: 11, errors: 0 },
  ]);
});

test("connections are bounded, and what is given up is counted", () => {
  const counts = new OpCounts();
  for (let connection = 1; connection <= 1030; connection++) counts.take(tickOf(BigInt(connection), 1, 5, 2));
  assert.equal(counts.list().length, 1024);
  assert.equal(counts.forgotten, 12);
});
