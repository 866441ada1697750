import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld } from "./fixture.ts";
import { stuckParts } from "./health.ts";
import { furtherKinds, type Hears } from "./probes/further-probes.ts";
import { pulsesOf } from "./pulses.ts";

test("a probe that runs and says nothing is stuck, also one beside smb_wire; one that does not run is not", async (t) => {
  let hears: Hears | undefined;
  const kinds = furtherKinds.filter(({ name }) => name === "nfs_rpc");
  const start = (_: unknown, by: Hears) => {
    hears = by;
    return { set: () => {}, history: () => 0, stop: () => Promise.resolve() };
  };
  const world = createWorld(t, { yaml: "probes: {smb_wire: false}", deps: { further: { kinds, start } } });
  const stuck = () => stuckParts(pulsesOf(world.daemon), world.clock.nowNs());
  await world.seconds(60);
  assert.deepEqual(stuck(), []);
  hears?.event({
    type: "hello",
    hello: { pid: 1, probe: "nfs_rpc", module: "nfs", release: "6.12.0", ring: 16_384, hooks: [] },
  });
  await world.seconds(20);
  assert.deepEqual(stuck(), []);
  await world.seconds(1);
  assert.deepEqual(stuck(), ["the probe nfs_rpc gave no sign of life for 21 s"]);
  const tick = { nowNs: world.clock.nowNs(), recursionMisses: 0, entries: [], failures: [] };
  hears?.event({ type: "tick", tick });
  assert.deepEqual(stuck(), []);
});
