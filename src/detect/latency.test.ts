import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SmbOp, Waiter } from "../probe/op.ts";
import type { Anomaly } from "./detector.ts";
import { MS, op, rules, S, waiter } from "./fixture.ts";
import { LatencyDetector } from "./latency.ts";

const completed = (detector: LatencyDetector, ...ops: SmbOp[]): Anomaly[] => {
  const nowNs = Math.max(...ops.map((one) => one.endedNs ?? 0));
  return detector.observe({ type: "ops", nowNs, ops });
};
const hanging = (detector: LatencyDetector, nowNs: number, ops: SmbOp[], waiters: Waiter[] = []): Anomaly[] =>
  detector.observe({ type: "inflight", nowNs, inflight: { ops, waiters } });
const brief = (anomalies: Anomaly[]) => anomalies.map(({ rule, stage }) => `${rule} ${stage}`);

test("one operation over a second is an anomaly, and says which phase took the time", () => {
  const detector = new LatencyDetector(rules());
  const [anomaly, ...more] = completed(detector, op({ latencyMs: 1520, endedNs: 100 * S }));
  assert.equal(more.length, 0);
  assert.equal(anomaly?.rule, "single");
  assert.equal(anomaly?.timeNs, 100 * S);
  assert.equal(anomaly?.summary, "SMB2_WRITE took 1.52 s, 1.52 s of it wire (dd, pid 1234)");
  assert.deepEqual(anomaly?.target, { connectionId: 1n, sessionId: 0x65n, treeId: 5 });
  assert.equal(anomaly?.hang, undefined);
});

test("one at 999 ms is none, one at 1 s is", () => {
  assert.deepEqual(completed(new LatencyDetector(rules()), op({ latencyMs: 999, endedNs: 100 * S })), []);
  assert.equal(completed(new LatencyDetector(rules()), op({ latencyMs: 1000, endedNs: 100 * S })).length, 1);
});

test("ten over 500 ms within 10 s, however they arrive", () => {
  const detector = new LatencyDetector(rules());
  for (let seq = 1; seq <= 9; seq++)
    assert.deepEqual(completed(detector, op({ seq, latencyMs: 600, endedNs: seq * S })), []);
  const [anomaly] = completed(detector, op({ seq: 10, latencyMs: 700, endedNs: 9.5 * S }));
  assert.equal(
    anomaly?.summary,
    "10 operations over 500 ms within 10 s, the slowest SMB2_WRITE 700 ms, 700 ms of it wire (dd, pid 1234)",
  );
});

test("ten within 11 s are none, also in one batch", () => {
  const ops = Array.from({ length: 10 }, (_, index) =>
    op({ seq: index + 1, latencyMs: 600, endedNs: (100 + index * 1.2) * S }),
  );
  assert.deepEqual(completed(new LatencyDetector(rules()), ...ops), []);
});

test("ten of two connections are none", () => {
  const ops = Array.from({ length: 10 }, (_, index) =>
    op({ seq: index + 1, latencyMs: 600, endedNs: 100 * S, connectionId: BigInt(index % 2) }),
  );
  assert.deepEqual(completed(new LatencyDetector(rules()), ...ops), []);
});

test("two shares of a connection count together, and none of them is named", () => {
  const ops = Array.from({ length: 10 }, (_, index) =>
    op({ seq: index + 1, latencyMs: 600, endedNs: 100 * S, treeId: index % 2 }),
  );
  const [anomaly] = completed(
    new LatencyDetector(rules()),
    ...ops,
    op({ seq: 11, latencyMs: 600, endedNs: 100 * S, treeId: 7 }),
  );
  assert.deepEqual(anomaly?.target, { connectionId: 1n, sessionId: 0x65n });
});

test("what hangs counts before it completes, says that it rests on that, and counts once", () => {
  const detector = new LatencyDetector(rules());
  const nowNs = 100 * S;
  const open = Array.from({ length: 9 }, (_, index) =>
    op({ seq: index + 1, latencyMs: 600, endedNs: undefined, nowNs, mid: BigInt(index) }),
  );
  assert.deepEqual(hanging(detector, nowNs, open), []);
  const done = open.map((one) => ({ ...one, state: "closed" as const, endedNs: nowNs + 100 * MS, latencyUs: 700_000 }));
  assert.deepEqual(completed(detector, ...done), [], "the same nine");
  const [anomaly] = completed(detector, op({ seq: 10, latencyMs: 600, endedNs: nowNs + S }));
  assert.equal(anomaly?.rule, "count");
  assert.equal(anomaly?.hang, undefined, "all have completed");
});

test("a request that hangs longer than a second fires at once, and goes on as the same anomaly", () => {
  const detector = new LatencyDetector(rules());
  const stuck = op({ seq: 3, latencyMs: 0, endedNs: undefined, nowNs: 98.9 * S, mid: 9n });
  assert.deepEqual(hanging(detector, 99.5 * S, [stuck]), []);
  const [first] = hanging(detector, 100 * S, [stuck]);
  assert.equal(first?.stage, "onset");
  assert.equal(first?.summary, "SMB2_WRITE has been in flight for 1.1 s, 1.1 s of it wire (dd, pid 1234)");
  assert.deepEqual(first?.hang, { needed: 1, ops: [{ seq: 3, connectionId: 1n, mid: 9n }], waiters: [] });
  for (let s = 101; s < 160; s++) assert.deepEqual(brief(hanging(detector, s * S, [stuck])), ["single ongoing"]);
  assert.deepEqual(brief(completed(detector, op({ seq: 3, latencyMs: 60_000, endedNs: 160 * S }))), ["single ongoing"]);
  assert.deepEqual(brief(completed(detector, op({ seq: 4, latencyMs: 2000, endedNs: 200 * S }))), ["single onset"]);
});

test("a rejected request counts again only when it completes", () => {
  const detector = new LatencyDetector(rules());
  const ghost = op({ seq: 3, latencyMs: 5000, endedNs: undefined, nowNs: 100 * S });
  assert.equal(hanging(detector, 100 * S, [ghost]).length, 1);
  detector.reject([3]);
  assert.deepEqual(hanging(detector, 101 * S, [ghost]), []);
  assert.equal(completed(detector, op({ seq: 3, latencyMs: 5000, endedNs: 102 * S })).length, 1);
});

test("an answered request and a ghost do not hang", () => {
  const detector = new LatencyDetector(rules());
  const answered = { ...op({ latencyMs: 5000, endedNs: 100 * S }), state: "answered" as const };
  const ghost = { ...op({ latencyMs: 5000, endedNs: undefined, nowNs: 100 * S }), state: "ghost" as const };
  assert.deepEqual(hanging(detector, 110 * S, [answered, ghost]), []);
});

test("tasks that wait for credits count, with the phase queue", () => {
  const detector = new LatencyDetector(rules());
  const [anomaly] = hanging(detector, 100 * S, [], [waiter({ sinceNs: 98 * S })]);
  assert.equal(anomaly?.summary, "wait for credits has lasted 2 s, 2 s of it queue (cp, pid 77)");
  assert.deepEqual(anomaly?.hang?.waiters, [{ kind: "credits", tid: 77, connectionId: 1n }]);
});

test("a wait for credits and the request that it becomes are one", () => {
  const detector = new LatencyDetector(rules({ count: 2 }));
  assert.deepEqual(hanging(detector, 100 * S, [], [waiter({ sinceNs: 99.4 * S })]), []);
  const became = op({ seq: 8, tid: 77, latencyMs: 900, endedNs: 100.3 * S });
  assert.equal(became.startedNs, 99.4 * S);
  assert.deepEqual(completed(detector, became), []);
  assert.deepEqual(brief(completed(detector, op({ seq: 9, latencyMs: 600, endedNs: 101 * S }))), ["count onset"]);
});

test("what lasts as long as it has to is left out", () => {
  const detector = new LatencyDetector(rules());
  assert.deepEqual(completed(detector, op({ command: "SMB2_CHANGE_NOTIFY", latencyMs: 60_000, endedNs: 100 * S })), []);
  assert.deepEqual(
    completed(detector, op({ command: "SMB2_LOCK", async: true, latencyMs: 60_000, endedNs: 100 * S })),
    [],
  );
  assert.deepEqual(
    hanging(detector, 100 * S, [op({ command: "SMB2_LOCK", latencyMs: 60_000, endedNs: undefined, nowNs: 100 * S })]),
    [],
  );
  assert.equal(
    completed(detector, op({ command: "SMB2_LOCK", latencyMs: 2000, endedNs: 100 * S })).length,
    1,
    "a lock that did not wait",
  );
  const all = new LatencyDetector(rules({ blockingLocks: true }));
  assert.equal(
    completed(all, op({ command: "SMB2_LOCK", async: true, latencyMs: 60_000, endedNs: 100 * S })).length,
    1,
  );
});

test("a command's own thresholds hold, and are what the probe is asked for", () => {
  const general = rules();
  const commands = new Map(general.commands)
    .set(9, { thresholdNs: 2 * S, singleNs: 3 * S })
    .set(8, { thresholdNs: S, singleNs: Number.POSITIVE_INFINITY });
  const detector = new LatencyDetector(rules({ commands }));
  assert.deepEqual(completed(detector, op({ latencyMs: 2500, endedNs: 100 * S })), []);
  assert.equal(completed(detector, op({ latencyMs: 3500, endedNs: 100 * S })).length, 1);
  assert.deepEqual(completed(detector, op({ command: "SMB2_READ", latencyMs: 90_000, endedNs: 100 * S })), []);
  assert.equal(detector.needs.slowNs.get(9), 2 * S);
  assert.equal(detector.needs.slowNs.get(8), S);
  assert.equal(detector.needs.slowNs.get(5), 500 * MS);
  assert.equal(detector.needs.slowNs.get(15), undefined, "CHANGE_NOTIFY is never asked for");
  assert.equal(detector.needs.inflightNs, 500 * MS);
});

test("without in_flight only what has completed counts", () => {
  const detector = new LatencyDetector(rules({ inFlight: false }));
  assert.deepEqual(hanging(detector, 100 * S, [op({ latencyMs: 60_000, endedNs: undefined, nowNs: 100 * S })]), []);
  assert.equal(detector.needs.inflightNs, undefined);
});

test("it remembers a bounded number of connections, and counts what it forgets", () => {
  const detector = new LatencyDetector(rules({ maxTargets: 4 }));
  for (let id = 0; id < 100; id++)
    completed(detector, op({ connectionId: BigInt(id), latencyMs: 600, endedNs: id * S }));
  assert.equal(detector.state().targets, 4);
  assert.equal(detector.state().targets_forgotten, 96);
});

test("the count rule, however completed ops are cut into batches and mixed within one, is that of a plain count", () => {
  const slow = fc.record({ atMs: fc.nat({ max: 60_000 }), latencyMs: fc.integer({ min: 400, max: 900 }) });
  fc.assert(
    fc.property(fc.array(slow, { maxLength: 60 }), fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (facts, cuts) => {
      const ops = [...facts]
        .sort((a, b) => a.atMs - b.atMs)
        .map(({ atMs, latencyMs }, index) => op({ seq: index + 1, latencyMs, endedNs: (1_000_000 + atMs) * MS }));
      const ends = ops.filter((one) => one.latencyUs >= 500_000).map((one) => one.endedNs ?? 0);
      const expected = ends.some(
        (endNs) => ends.filter((timeNs) => timeNs <= endNs && endNs - timeNs < 10 * S).length >= 10,
      );
      const detector = new LatencyDetector(rules());
      let fired = false;
      for (let index = 0; index < ops.length; ) {
        const size = cuts.next().value;
        const batch = ops.slice(index, index + size).reverse();
        fired = completed(detector, ...batch).length > 0 || fired;
        index += size;
      }
      assert.equal(fired, expected);
    }),
    { numRuns: 300 },
  );
});
