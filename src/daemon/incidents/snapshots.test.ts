import assert from "node:assert/strict";
import { test } from "node:test";
import { readManifest } from "../../bundle/reader.ts";
import { op } from "../../detect/fixture.ts";
import { createWorld, S } from "../fixture.ts";

test("a snapshot is evidence from before, and for as long as it was asked for", async (t) => {
  const world = createWorld(t);
  await world.seconds(1);
  world.probe.hello();
  const before = op({ seq: 1, latencyMs: 2, endedNs: world.clock.nowNs() - 5 * S });
  world.probe.ops = [before];
  const { id, anomalies, target } = world.daemon.incidents.snapshot({ note: "users  complain\n", forNs: 10 * S });
  assert.match(id, /-snapshot-/);
  assert.deepEqual(
    [anomalies.map(({ summary }) => summary), target],
    [["a snapshot was asked for: users complain"], {}],
  );
  await world.seconds(9);
  assert.deepEqual([world.captured, world.daemon.incidents.get(id)?.state], [["open"], "open"]);
  await world.seconds(2);
  const closed = world.daemon.incidents.get(id);
  assert.deepEqual([world.captured, closed?.state, closed?.close_reason], [["open", "close"], "closed", "snapshot"]);
  const manifest = await readManifest(closed?.bundle ?? "");
  assert.equal(manifest.anomaly.detector, "snapshot");
  assert.match(manifest.ops_coverage ?? "", /^1 operations, from 5\.0 s before/);
});

test("a snapshot stays one of its own: an anomaly opens an incident beside it", async (t) => {
  const world = createWorld(t);
  await world.seconds(1);
  world.probe.hello();
  const { id } = world.daemon.incidents.snapshot({ forNs: 30 * S });
  world.probe.completed(op({ seq: 3, latencyMs: 1500, endedNs: world.clock.nowNs() }));
  assert.equal(world.daemon.incidents.list().length, 2);
  assert.equal(world.daemon.incidents.get(id)?.anomalies.length, 1);
  await world.daemon.end();
});

test("only so many snapshots at a time, none for ever, and the daemon's end closes them", async (t) => {
  const world = createWorld(t);
  const ids = [
    world.daemon.incidents.snapshot({ forNs: 60 * S }).id,
    world.daemon.incidents.snapshot({ forNs: 60 * S }).id,
  ];
  assert.throws(() => world.daemon.incidents.snapshot({ forNs: S }), /2 snapshots are being taken already/);
  assert.throws(() => createWorld(t).daemon.incidents.snapshot({ forNs: 7200 * S }), /at most 60 minutes/);
  await world.daemon.end();
  for (const id of ids) assert.equal(world.daemon.incidents.get(id)?.close_reason, "end");
});
