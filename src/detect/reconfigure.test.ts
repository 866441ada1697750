import assert from "node:assert/strict";
import { test } from "node:test";
import type { Detector } from "./detector.ts";
import { MS, op, rules, S } from "./fixture.ts";
import { reconfigure } from "./reconfigure.ts";
import { createDetectors, type DetectorRules } from "./registry.ts";

const slow = (detector: Detector | undefined, seq: number, latencyMs: number) =>
  detector?.observe({ type: "ops", nowNs: 100 * S, ops: [op({ seq, latencyMs, endedNs: 100 * S })] }) ?? [];

test("another rule judges what was seen before it too", () => {
  const before = { latency: rules({ count: 5 }) };
  const after = { latency: rules({ count: 2 }) };
  const [detector] = createDetectors(before);
  assert.deepEqual(slow(detector, 1, 600), []);
  const { detectors, anew } = reconfigure(detector === undefined ? [] : [detector], before, after);
  assert.deepEqual([detectors[0] === detector, anew], [true, []]);
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

test("one without configure() stays while its rules do, and begins anew when they change", () => {
  const make = ({ latency }: DetectorRules): Detector[] =>
    latency === undefined
      ? []
      : createDetectors({ latency }).map((one) => Object.assign(one, { configure: undefined }));
  const before = { latency: rules() };
  const current = make(before);
  const same = reconfigure(current, before, { latency: rules() }, make);
  assert.deepEqual([same.detectors[0] === current[0], same.anew], [true, []]);
  const other = reconfigure(current, before, { latency: rules({ count: 3 }) }, make);
  assert.deepEqual([other.detectors[0] === current[0], other.anew], [false, ["latency"]]);
});

test("one that is switched off goes, one that is switched on comes", () => {
  const on = { latency: rules() };
  const current = createDetectors(on);
  assert.deepEqual(reconfigure(current, on, {}).detectors, []);
  assert.deepEqual(
    reconfigure([], {}, on).detectors.map(({ name }) => name),
    ["latency"],
  );
});
