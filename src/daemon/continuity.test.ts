import assert from "node:assert/strict";
import { test } from "node:test";
import { ContinuityWatch } from "./continuity.ts";

test("pauses and steps of the wall clock are counted, with the last of each; ordinary beats are neither", () => {
  const world = { nowNs: 5e9, wallMs: 1_000_000 };
  const watch = new ContinuityWatch({ nowNs: () => world.nowNs, wallMs: () => world.wallMs });
  const pass = (seconds: number, wallSeconds = seconds): void => {
    world.nowNs += seconds * 1e9;
    world.wallMs += wallSeconds * 1000;
    watch.beat();
  };
  watch.beat();
  for (let second = 0; second < 100; second++) pass(1, 1.0005);
  pass(4);
  assert.deepEqual(watch.state, { pauses: 0, clock_steps: 0 });
  pass(25);
  assert.deepEqual([watch.state.pauses, watch.state.last_pause?.for_s, watch.state.clock_steps], [1, 25, 0]);
  pass(1, 3601);
  pass(1, -3599);
  assert.deepEqual([watch.state.clock_steps, watch.state.last_clock_step?.by_s], [2, -3600]);
  assert.match(watch.state.last_clock_step?.time ?? "", /^1970-01-01T00:/);
  assert.equal(watch.state.pauses, 1);
});
