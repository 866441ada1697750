import assert from "node:assert/strict";
import { test } from "node:test";
import { benignHour } from "./benign-hour.ts";
import { judgedWorld } from "./judge-fixture.ts";

for (const blind of [false, true]) {
  test(`an hour of large copies, many small files, locks, idle time-outs, mounts: not one anomaly${blind ? ", without probes too" : ""}`, () => {
    const world = judgedWorld();
    benignHour(world, { blind });
    assert.deepEqual(
      [...new Set(world.steps.map(({ anomaly }) => `${anomaly.detector} ${anomaly.rule}: ${anomaly.summary}`))],
      [],
    );
    assert.equal(world.judge.counters.anomalies, 0);
    const learnt = world.judge.detectors.find(({ name }) => name === "slowdown")?.state().of_them_learnt;
    if (!blind) assert.ok(typeof learnt === "number" && learnt > 5, "it had something to judge by");
  });

  test(`the same hour with a server that freezes is one incident, and critical${blind ? ", without probes too" : ""}`, () => {
    const world = judgedWorld();
    benignHour(world, { blind, frozenFrom: 1000 });
    const opened = world.steps.filter(({ step }) => step.type === "opened");
    assert.equal(opened[0]?.target.server, "files.example");
    assert.ok(world.steps.some(({ anomaly }) => anomaly.detector === "hang" && anomaly.severity === "critical"));
    const first = world.steps[0]?.anomaly.timeNs ?? 0;
    assert.ok(first >= 1000e9 + 1000e9, "nothing before it froze");
    // At its start, and once more an hour later at most.
    assert.equal(opened.length, 1);
  });
}
