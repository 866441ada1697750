import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { readItem, readManifest } from "../bundle/reader.ts";
import { type BundleWriter, createBundle } from "../bundle/writer.ts";
import { op } from "../detect/fixture.ts";
import type { MountedFileSystem } from "../detect/observation.ts";
import type { Source } from "../sources/source.ts";
import { AodError } from "../system/error.ts";
import type { DaemonDeps } from "./daemon.ts";
import { copyOf, createWorld, S, type World } from "./fixture.ts";

const slow = (world: World, seq: number, latencyMs = 1500) => op({ seq, latencyMs, endedNs: world.clock.nowNs() });
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

async function attached(world: World): Promise<World> {
  await world.seconds(1);
  world.probe.hello();
  return world;
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

test("what a source sees opens an incident, a source that fails stops nothing, and both end with the daemon", async (t) => {
  let closed = 0;
  const text = "nfs: server nas not responding, still trying";
  const message = {
    id: "nfs.not-responding",
    protocol: "nfs",
    kind: "trouble",
    level: 4,
    server: "nas",
    text,
  } as const;
  const base = { summary: "/nowhere", timeoutMs: 1000, everyNs: () => S, close: () => void closed++ };
  let said = false;
  const world = createWorld(t, {
    deps: {
      sources: [
        {
          ...base,
          name: "broken",
          read: () => {
            throw new Error("no permission");
          },
        },
        {
          ...base,
          name: "kernel-log",
          read: () => {
            const nowNs = world.clock.nowNs();
            const messages = said ? [] : [{ ...message, timeNs: nowNs }];
            said = true;
            return { observations: [{ type: "kernel-messages", nowNs, messages }] };
          },
        },
      ],
    },
  });
  await world.seconds(2);
  const [incident] = world.daemon.incidents.list();
  assert.deepEqual([incident?.state, incident?.target.server], ["open", "nas"]);
  assert.deepEqual(
    world.daemon.sources.health.map(({ name, state, why }) => [name, state, why]),
    [
      ["broken", "failed", "no permission"],
      ["kernel-log", "ok", undefined],
    ],
  );
  await world.daemon.end();
  assert.equal(closed, 2);
});

test("what a source sees is dealt when the clock has gone on", async (t) => {
  const order: string[] = [];
  const world = createWorld(t, {
    deps: {
      observed: (observation, deal) => {
        order.push(observation.type);
        deal();
      },
      sources: [
        {
          name: "pressure",
          summary: "/nowhere",
          timeoutMs: 1000,
          everyNs: () => S,
          read: () => ({ observations: [{ type: "pressure", nowNs: 1, sample: { intervalNs: 1 } }] }),
        },
      ],
    },
  });
  await world.seconds(1);
  // How the source does, and what it saw; of the probe, which is starting, nothing can be said yet.
  assert.deepEqual(order, ["source", "pressure"]);
  await world.daemon.end();
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
