import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BoundedMap } from "./bounded-map.ts";
import type { Severity } from "./detector.ts";
import { HistogramSum } from "./histogram-sum.ts";
import { Verdicts } from "./verdicts.ts";
import { WindowCount } from "./window-count.ts";

const S = 1e9;
const verdict = (key: string, atS: number, severity: Severity = "warning", count = 1) =>
  ({ rule: "r", key, severity, timeNs: atS * S, quietNs: 10 * S, count, summary: "s", target: {} }) as const;

test("verdicts that follow each other are one anomaly, with its beginning and how often", () => {
  const verdicts = new Verdicts("d");
  const told = [0, 5, 12, 21].map((atS) => verdicts.tell(verdict("a", atS, "warning", 3)));
  assert.deepEqual(
    told.map(({ stage, firstNs, count }) => [stage, firstNs, count]),
    [
      ["onset", 0, 3],
      ["ongoing", 0, 6],
      ["ongoing", 0, 9],
      ["ongoing", 0, 12],
    ],
  );
  assert.equal(verdicts.tell(verdict("a", 31)).stage, "onset", "quiet for as long as it takes");
  assert.equal(verdicts.tell(verdict("b", 32)).stage, "onset", "another key");
});

test("what gets worse is told anew, what gets better is not", () => {
  const verdicts = new Verdicts("d");
  const severities: Severity[] = ["warning", "critical", "warning", "critical"];
  assert.deepEqual(
    severities.map((severity, index) => verdicts.tell(verdict("a", index, severity)).stage),
    ["onset", "onset", "ongoing", "ongoing"],
  );
});

test("verdicts of any number of keys take the room of their limit", () => {
  const verdicts = new Verdicts("d", 50);
  for (let index = 0; index < 100_000; index++) verdicts.tell(verdict(`k${index % 777}`, index / 1000));
  assert.equal(verdicts.size, 50);
});

test("a bounded map forgets who was not used for longest, and counts", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (keys, limit) => {
      const map = new BoundedMap<number, number>(limit);
      let order: number[] = [];
      for (const key of keys) {
        map.of(key, () => key);
        order = [...order.filter((one) => one !== key), key].slice(-limit);
        assert.deepEqual(
          [...map.entries()].map(([one]) => one),
          order,
        );
      }
      assert.ok(map.size <= limit);
      assert.ok(map.forgotten <= keys.length);
    }),
  );
});

test("a window's count lies between what is surely in it and what may be", () => {
  const events = fc.array(fc.record({ stepMs: fc.nat({ max: 400 }), amount: fc.nat({ max: 5 }) }), { maxLength: 200 });
  fc.assert(
    fc.property(events, (list) => {
      const windowNs = 3200;
      const window = new WindowCount(windowNs);
      let nowNs = 0;
      const all: { readonly atNs: number; readonly amount: number }[] = [];
      for (const { stepMs, amount } of list) {
        nowNs += stepMs;
        window.add(nowNs, amount);
        all.push({ atNs: nowNs, amount });
        const within = (lengthNs: number) =>
          all.filter(({ atNs }) => nowNs - atNs < lengthNs).reduce((sum, one) => sum + one.amount, 0);
        const total = window.total(nowNs);
        assert.ok(total >= within((windowNs * 31) / 32 - 1) && total <= within(windowNs), `${total} at ${nowNs}`);
      }
    }),
  );
});

test("what is told late counts as long as its time is in the window", () => {
  const window = new WindowCount(32);
  window.add(100, 1);
  window.add(90, 1);
  window.add(10, 1);
  assert.equal(window.total(100), 2);
  assert.equal(window.total(125), 1);
  assert.equal(window.total(1000), 0);
});

test("quantiles of a fading distribution stay where they were, and counts fade", () => {
  const sum = new HistogramSum();
  assert.equal(sum.quantile(0.5), undefined);
  sum.add(
    new Map([
      [4, 90],
      [40, 10],
      [-1, 5],
      [4000, 5],
    ]),
  );
  assert.equal(sum.total, 100, "buckets that there are none of are left out");
  const [median, most] = [sum.quantile(0.5), sum.quantile(0.95)];
  assert.ok(median !== undefined && most !== undefined && most > 100 * median);
  sum.fade(0.5);
  assert.deepEqual([sum.quantile(0.5), sum.quantile(0.95), sum.total], [median, most, 50]);
});
