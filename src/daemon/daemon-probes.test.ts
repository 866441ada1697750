// The daemon and its probes: modules and mounts that come and go, what dies, what is lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { op } from "../detect/fixture.ts";
import type { MountedFileSystem } from "../detect/observation.ts";
import type { Source } from "../sources/source.ts";
import { attached, createWorld, S, slow } from "./fixture.ts";

test("0 mounts, a module that comes later, a probe that dies and one that cannot run: the daemon goes on", async (t) => {
  const world = createWorld(t);
  world.debugData = undefined;
  world.moduleLoaded = false;
  await world.seconds(5);
  assert.equal(world.daemon.probe.state.state, "waiting");
  world.moduleLoaded = true;
  await attached(world);
  assert.equal(world.daemon.probe.state.state, "running");
  world.probe.completed(slow(world, 1));
  await world.daemon.incidents.idle();
  world.probe.onExit({ requested: false, unsupported: false, message: "aod-probe ended: SIGSEGV" });
  await world.seconds(1);
  world.probe.hello();
  world.probe.completed(slow(world, 1));
  await world.seconds(61);
  assert.ok(world.daemon.incidents.list()[0]?.bundle);
  world.probe.onExit({ requested: false, unsupported: true, message: "no BTF of cifs" });
  await world.seconds(100);
  assert.deepEqual(world.daemon.probe.state, { state: "unsupported", why: "no BTF of cifs" });
});

test("a mount that appears and disappears: its name is learnt, and kept for what it left", async (t) => {
  const world = createWorld(t);
  const { debugData } = world;
  world.debugData = "Servers: \n";
  await attached(world);
  await world.seconds(30);
  world.debugData = debugData;
  const entry = { connectionId: 1n, sessionId: 0x65n, treeId: 5, commandCode: 9, count: 1, errors: 0, histograms: {} };
  const counts = { head: 1, oldest: 1, recursionMisses: 0, reconnects: 0 };
  const tick = { nowNs: world.clock.nowNs(), ...counts, entries: [entry], failures: [] };
  world.probe.onEvent({ type: "tick", tick });
  world.debugData = "Servers: \n";
  await world.seconds(30);
  world.probe.completed(slow(world, 1));
  assert.equal(world.daemon.incidents.list()[0]?.target.server, "files.example");
  await world.daemon.end();
});

test("losses are logged when they are new and when they have doubled, not every second", async (t) => {
  const world = await attached(createWorld(t));
  for (let count = 1; count <= 100; count++)
    world.probe.onEvent({ type: "lost", losses: [{ kind: "ringbuf", count }] });
  const logged = world.log.lines.filter((line) => line.includes("the probe lost something"));
  assert.deepEqual(
    logged.map((line) => JSON.parse(line).losses[0].count),
    [1, 2, 4, 8, 16, 32, 64],
  );
  assert.deepEqual(world.daemon.probe.losses, [{ kind: "ringbuf", count: 100 }]);
});

test("without a mount its probe lets the module go, unless somebody else uses it, and the next mount has it back", async (t) => {
  let table: readonly MountedFileSystem[] = [];
  const mounts: Source = {
    name: "mounts",
    summary: "a mount table",
    timeoutMs: 1000,
    everyNs: () => S,
    read: () => ({ observations: [{ type: "mounts", nowNs: 0, all: table, mounted: [], unmounted: [] }] }),
  };
  let users: number | undefined = 0;
  const world = await attached(createWorld(t, { deps: { sources: [mounts], moduleUsers: () => users } }));
  const { daemon, probe } = world;
  const state = (): string => daemon.probe.state.state;
  await world.seconds(50);
  probe.inFlight(world.clock.nowNs(), op({ seq: 1, latencyMs: 1, endedNs: undefined, nowNs: world.clock.nowNs() }));
  await world.seconds(59);
  assert.equal(state(), "running", "a request was seen");
  await world.seconds(1);
  assert.deepEqual(daemon.probe.state, {
    state: "detached",
    asked: false,
    why: "no SMB mount for 60 s; the next one attaches it again",
  });
  assert.equal(probe.stopped, true);
  table = [{ target: { protocol: "smb" }, mountPoint: "/m", device: "0:1", type: "cifs" }];
  await world.seconds(1);
  probe.hello();
  assert.equal(state(), "running");
  table = [];
  await world.seconds(61);
  assert.equal(state(), "detached");
  await daemon.attachProbes(true);
  await world.seconds(1);
  assert.equal(state(), "starting", "who asks for it has it for another minute");
  users = undefined;
  await world.seconds(1000);
  assert.equal(state(), "starting", "a module that cannot be unloaded is not let go");
});
