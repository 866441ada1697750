import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { readItem, readManifest } from "../bundle/reader.ts";
import { type BundleWriter, createBundle } from "../bundle/writer.ts";
import { op } from "../detect/fixture.ts";
import { AodError } from "../system/error.ts";
import type { DaemonDeps } from "./daemon.ts";
import { attached, copyOf, createWorld, S, slow, type World } from "./fixture.ts";

const fast = (world: World, seq: number, agoS: number) =>
  op({ seq, latencyMs: 2, endedNs: world.clock.nowNs() - agoS * S });

async function opsOf(
  bundle: string,
): Promise<{ seq?: number; command: string; latency_us: number; state?: string; time: string; share?: string }[]> {
  const text = (await readItem(bundle, "ops.ndjson")).toString();
  return text
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

test("a slow operation becomes an incident, and a bundle with what came before it", async (t) => {
  const world = await attached(createWorld(t));
  const { daemon, probe } = world;
  probe.ops = [fast(world, 1, 20), fast(world, 2, 10)];
  probe.completed(slow(world, 3));
  assert.equal(daemon.judge.incidents.open.length, 1, "in the same turn");
  assert.deepEqual(probe.asked, [0], "the history is asked for in the same turn");
  await world.daemon.incidents.idle();
  assert.deepEqual(world.captured, ["open"]);
  const [open] = daemon.incidents.list();
  assert.equal(open?.state, "open");
  assert.equal(open?.closed, null);
  assert.equal(open?.bundle, null);
  assert.deepEqual(open?.target, { server: "files.example", share: "\\\\files.example\\share", connection_id: "0x1" });

  await world.seconds(59);
  assert.equal(daemon.judge.incidents.open.length, 1);
  await world.seconds(2);
  const [closed] = daemon.incidents.list();
  assert.equal(closed?.state, "closed");
  assert.equal(closed?.close_reason, "quiet");
  assert.ok(closed?.bundle, "it has a bundle");
  const manifest = await readManifest(closed.bundle);
  assert.equal(manifest.anomaly.summary, "SMB2_WRITE took 1.5 s, 1.5 s of it wire (dd, pid 1234)");
  assert.equal(manifest.target.share, "\\\\files.example\\share");
  assert.match(
    manifest.ops_coverage ?? "",
    /^3 operations, from 20\.0 s before the incident opened: everything since the probe was attached$/,
  );
  assert.deepEqual(manifest.items.map((item) => item.name).sort(), ["close/DebugData", "open/DebugData", "ops.ndjson"]);
  const ops = await opsOf(closed.bundle);
  assert.deepEqual(
    ops.map((one) => one.latency_us),
    [2000, 2000, 1_500_000],
  );
  assert.ok(ops.every((one) => one.share === "\\\\files.example\\share"));
});

test("a fault that lasts is one incident with one bundle, and holds what happened during it once", async (t) => {
  const world = await attached(createWorld(t, { yaml: "incidents: {cool_down: 20s, post: 5s}" }));
  const { daemon, probe } = world;
  for (let seq = 1; seq <= 60; seq++) {
    probe.completed(slow(world, seq));
    await world.seconds(1);
  }
  await world.seconds(25);
  const incidents = daemon.incidents.list();
  assert.equal(incidents.length, 1);
  const bundle = incidents[0]?.bundle;
  assert.ok(bundle);
  assert.equal((await opsOf(bundle)).length, 60);
  assert.equal(daemon.judge.incidents.open.length, 0);
});

test("a request that hangs opens an incident while it hangs, and is in its bundle as open", async (t) => {
  const world = await attached(createWorld(t));
  const { daemon, probe } = world;
  const hanging = { ...op({ seq: 1, latencyMs: 1100, endedNs: undefined, nowNs: world.clock.nowNs(), mid: 41n }) };
  probe.ops = [hanging];
  probe.inFlight(world.clock.nowNs(), hanging);
  assert.equal(daemon.judge.incidents.open.length, 1);
  await world.daemon.incidents.idle();
  await daemon.end();
  const [closed] = daemon.incidents.list();
  assert.ok(closed?.bundle);
  assert.deepEqual(
    (await opsOf(closed.bundle)).map((one) => one.state),
    ["open"],
  );
});

test("what only the probe takes for hanging opens none, and is counted", async (t) => {
  const world = await attached(createWorld(t));
  const { daemon, probe } = world;
  const ghost = op({ seq: 1, latencyMs: 60_000, endedNs: undefined, nowNs: world.clock.nowNs(), mid: 999n });
  probe.inFlight(world.clock.nowNs(), ghost);
  probe.inFlight(world.clock.nowNs() + S, ghost);
  assert.equal(daemon.judge.incidents.open.length, 0);
  assert.equal(daemon.judge.counters.ghostAnomalies, 1, "it is not asked for again");
});

test("the end of the daemon closes what is open, with its bundle", async (t) => {
  const world = await attached(createWorld(t));
  world.probe.completed(slow(world, 1));
  await world.daemon.end();
  const [closed] = world.daemon.incidents.list();
  assert.equal(closed?.close_reason, "end");
  assert.ok(closed?.bundle);
  const manifest = await readManifest(closed.bundle);
  assert.equal(manifest.state, "complete");
  assert.deepEqual(manifest.notes, ["The daemon ended while the incident was open."]);
  assert.equal(world.probe.stopped, true);
});

test("a daemon that ends opens no incident any more", async (t) => {
  const world = await attached(createWorld(t));
  const ended = world.daemon.end();
  world.probe.completed(slow(world, 1));
  await ended;
  assert.deepEqual(world.daemon.incidents.list(), []);
});

test("a daemon that ends while its probe does not answer still writes what it has", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const world = await attached(createWorld(t));
  world.probe.answers = false;
  world.probe.completed(slow(world, 1));
  await world.daemon.incidents.idle();
  const ended = world.daemon.end();
  t.mock.timers.tick(6000);
  await ended;
  const [closed] = world.daemon.incidents.list();
  assert.ok(closed?.bundle);
  assert.equal((await opsOf(closed.bundle)).length, 1, "the outlier that came by itself");
});

test("after a crash the next start packs what was there, and the incident is closed", async (t) => {
  const first = await attached(createWorld(t));
  first.probe.completed(slow(first, 1));
  await first.daemon.incidents.idle();
  const crashed = copyOf(t, first.config.state_dir);
  await first.daemon.end();

  const { daemon } = createWorld(t, { stateDir: crashed });
  await daemon.recover();
  const [incident] = daemon.incidents.list();
  assert.equal(incident?.state, "closed");
  assert.equal(incident?.close_reason, "crash");
  assert.ok(incident?.bundle);
  assert.equal((await readManifest(incident.bundle)).state, "recovered");
  assert.equal(daemon.recovered[0]?.action, "finished");
});

test("a disk that is full: no bundle, nothing half, the reason in the incident and the status, and it goes on", async (t) => {
  const full = async (): Promise<never> => {
    throw new AodError("failed", "bundle x could not be written: no space left below /state");
  };
  const world = await attached(createWorld(t, { deps: { createBundle: full } }));
  world.probe.completed(slow(world, 1));
  await world.seconds(61);
  const [closed] = world.daemon.incidents.list();
  assert.equal(closed?.state, "closed");
  assert.equal(closed?.bundle, null);
  assert.equal(closed?.bundle_error, "bundle x could not be written: no space left below /state");
  assert.match(world.daemon.incidents.lastBundleError?.message ?? "", /no space left/);
  assert.deepEqual(readdirSync(join(world.config.state_dir, "bundles")), []);
  world.probe.completed(slow(world, 2));
  assert.equal(world.daemon.judge.incidents.open.length, 1);
  await world.daemon.end();
});

test("a step of the wall clock moves no incident: they live by the other clock", async (t) => {
  const world = await attached(createWorld(t));
  world.probe.completed(slow(world, 1));
  await world.seconds(10);
  const opened = world.daemon.incidents.list()[0]?.opened;
  world.clock.stepWall(-86_400_000);
  await world.seconds(40);
  assert.equal(world.daemon.judge.incidents.open.length, 1, "not closed early or late");
  assert.equal(world.daemon.incidents.list()[0]?.opened, opened);
  world.clock.stepWall(2 * 86_400_000);
  await world.seconds(11);
  assert.equal(world.daemon.judge.incidents.open.length, 0);
});

test("the operations of a bundle follow one clock, and the bundle says that it was set", async (t) => {
  const world = await attached(createWorld(t));
  world.probe.completed(slow(world, 1));
  await world.seconds(2);
  world.clock.stepWall(3_600_000);
  world.probe.completed(slow(world, 2));
  await world.seconds(2);
  world.clock.stepWall(-3_600_000);
  world.probe.completed(slow(world, 3));
  await world.seconds(60);
  const closed = world.daemon.incidents.list()[0];
  assert.ok(closed?.bundle);
  const ops = (await readItem(closed.bundle, "ops.ndjson")).toString().trim().split("\n");
  const times = ops.map((line) => (JSON.parse(line) as { time: string }).time);
  assert.equal(times.length, 3);
  assert.deepEqual(times, [...times].sort());
  assert.ok(closed.anomalies.every(({ time }) => time >= closed.opened && time < (closed.closed ?? "")));
  const notes = (await readManifest(closed.bundle)).notes.join("\n");
  assert.match(notes, /clock was set by \+3600\.0 s/);
  assert.match(notes, /clock was set by -3600\.0 s/);
});

test("while the disk stalls, what is to be written of an open incident waits once, not once for each second", async (t) => {
  let updates = 0;
  let resume = (): void => undefined;
  const stalling = (writer: BundleWriter): BundleWriter =>
    new Proxy(writer, {
      get: (target, name) => {
        if (name === "update")
          return () => {
            updates++;
            return new Promise<void>((resolve) => {
              resume = resolve;
            });
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const root: { dir?: string } = {};
  const create: DaemonDeps["createBundle"] = async (meta) =>
    stalling(await createBundle(root.dir ?? "", meta, { clock: world.clock, minFreeBytes: 0 }));
  const world = createWorld(t, { deps: { createBundle: create } });
  root.dir = world.config.state_dir;
  await attached(world);
  for (let seq = 1; seq <= 20; seq++) {
    world.probe.completed(slow(world, seq));
    await world.seconds(1);
    await setImmediate();
  }
  assert.equal(updates, 1);
  resume();
  await setImmediate();
  world.probe.completed(slow(world, 21));
  await world.seconds(1);
  await setImmediate();
  assert.equal(updates, 2);
  resume();
});
