import assert from "node:assert/strict";
import { test } from "node:test";
import type { Detector } from "./detector.ts";
import { MS, op, rules, S } from "./fixture.ts";
import { reconfigure } from "./reconfigure.ts";
import { createDetectors } from "./registry.ts";

const slow = (detector: Detector | undefined, seq: number, latencyMs: number) =>
  detector?.observe({ type: "ops", nowNs: 100 * S, ops: [op({ seq, latencyMs, endedNs: 100 * S })] }) ?? [];

test("another rule judges what was seen before it too", () => {
  const before = { latency: rules({ count: 5 }) };
  const after = { latency: rules({ count: 2 }) };
  const [detector] = createDetectors(before);
  assert.deepEqual(slow(detector, 1, 600), []);
  const detectors = reconfigure(detector === undefined ? [] : [detector], before, after);
  assert.equal(detectors[0], detector);
  assert.deepEqual(
    slow(detector, 2, 600).map(({ rule }) => rule),
    ["count"],
  );
});

test("a threshold that was lowered is asked of the probe", () => {
  const before = { latency: rules() };
  const commands = new Map([[9, { thresholdNs: 10 * MS, singleNs: 20 * MS }]]);
  const [detector] = createDetectors(before);
  reconfigure(detector === undefined ? [] : [detector], before, { latency: rules({ commands }) });
  assert.deepEqual(detector?.needs.slowNs, new Map([[9, 10 * MS]]));
  assert.deepEqual(
    slow(detector, 1, 25).map(({ rule }) => rule),
    ["single"],
  );
});

test("detectors stay in the order in which they are told", () => {
  const all = { latency: rules(), hang: { afterNs: 10 * S, exclude: new Set<number>(), locks: false, maxTracked: 64 } };
  const names = (detectors: readonly Detector[]) => detectors.map(({ name }) => name);
  const current = createDetectors(all);
  assert.deepEqual(names(reconfigure(current, all, { ...all, latency: rules({ count: 3 }) })), names(current));
});

test("one that is switched off goes, one that is switched on comes", () => {
  const on = { latency: rules() };
  const current = createDetectors(on);
  assert.deepEqual(reconfigure(current, on, {}), []);
  assert.deepEqual(
    reconfigure([], {}, on).map(({ name }) => name),
    ["latency"],
  );
});
