import assert from "node:assert/strict";
import { test } from "node:test";
import { groupBy, median, summary, table } from "./numbers.ts";

test("the median of an odd and of an even number of values", () => {
  assert.equal(median([5, 1, 3]), 3);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test("a summary names the extremes", () => {
  assert.deepEqual(summary([10, 2, 7]), { median: 7, min: 2, max: 10 });
});

test("groups keep the order of first appearance", () => {
  const groups = groupBy(["b1", "a1", "b2"], (value) => value[0]);
  assert.deepEqual(
    [...groups],
    [
      ["b", ["b1", "b2"]],
      ["a", ["a1"]],
    ],
  );
});

test("a table aligns names to the left and figures to the right", () => {
  assert.equal(
    table([
      ["set", "ns"],
      ["ours", "7"],
      ["x", "1,000"],
    ]),
    "set      ns\nours      7\nx     1,000",
  );
});
