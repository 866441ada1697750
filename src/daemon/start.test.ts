import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseConfig } from "../config/config.ts";
import { op } from "../detect/fixture.ts";
import { parseDebugData } from "../smb/debug-data.ts";
import { systemClock } from "../system/clock.ts";
import { askDaemon } from "./api-client.ts";
import { debugData, FakeProbe } from "./fixture.ts";
import type { IncidentJson } from "./incidents/json.ts";
import { createLog } from "./log.ts";
import { type StartOptions, startDaemon } from "./start.ts";
import type { Status } from "./status.ts";

/** A machine with cifs loaded, a probe that says what it is told, and directories of its own; /proc is the real one. */
function machine(t: TestContext): { readonly root: string; readonly probe: FakeProbe; readonly options: StartOptions } {
  const root = mkdtempSync(join(tmpdir(), "aod-start-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "sys/module/cifs"), { recursive: true });
  const probe = new FakeProbe();
  const config = {
    ...parseConfig("bundles: {min_free: 1KiB}\ncaptures: {exclude: [kernel-log]}", "test.yaml"),
    state_dir: join(root, "state"),
    run_dir: join(root, "run"),
  };
  const options: StartOptions = {
    config,
    configSource: "test.yaml",
    log: createLog({ write: () => {} }),
    version: "0.1.0",
    roots: { procRoot: "/proc", sysRoot: join(root, "sys"), kmsgPath: join(root, "kmsg") },
    debugData: () => parseDebugData(debugData),
    startProbe: (onEvent, onExit) => {
      probe.onEvent = onEvent;
      probe.onExit = onExit;
      return probe;
    },
  };
  return { root, probe, options };
}

test("from its start to its end: socket, status, an incident, its bundle, and nothing left behind", async (t) => {
  const { root, probe, options } = machine(t);
  const running = await startDaemon(options);
  running.beat();
  probe.hello();
  const runDir = options.config.run_dir;
  assert.equal(statSync(runDir).mode & 0o777, 0o750);

  const before = (await askDaemon(runDir, "/status")) as Status;
  assert.equal(before.pid, process.pid);
  assert.equal(before.probes[0]?.state, "running");
  assert.equal(before.probes[0]?.hooks?.[0]?.rung, "fentry");
  assert.deepEqual(
    before.targets.map(({ server, shares, connection }) => ({ server, shares, connection })),
    [{ server: "files.example", shares: ["\\\\files.example\\share"], connection: "good" }],
  );
  assert.deepEqual(before.incidents.open, []);

  probe.completed(op({ seq: 1, latencyMs: 1500, endedNs: systemClock.nowNs() }));
  const [open] = (await askDaemon(runDir, "/incidents")) as IncidentJson[];
  assert.equal(open?.state, "open");
  assert.deepEqual(await askDaemon(runDir, `/incidents/${open?.id}`), open);
  assert.equal(((await askDaemon(runDir, "/status")) as Status).incidents.open.length, 1);

  await assert.rejects(startDaemon(options), {
    message: new RegExp(`^aod is already running as process ${process.pid} `),
  });
  assert.deepEqual(
    (await askDaemon(runDir, "/incidents")) as IncidentJson[],
    [open],
    "the second start changed nothing",
  );

  await running.end();
  assert.deepEqual(readdirSync(runDir), []);
  assert.deepEqual(readdirSync(join(root, "state/bundles")), [`${open?.id}.tar.zst`]);
  assert.equal(probe.stopped, true);

  const again = await startDaemon(options);
  const [remembered] = again.daemon.incidents.list();
  assert.equal(remembered?.state, "closed");
  assert.ok(remembered?.bundle && existsSync(remembered.bundle));
  await again.end();
});

test("a daemon whose end takes too long leaves no packets behind", async (t) => {
  const { root, options } = machine(t);
  const running = await startDaemon({ ...options, rehearse: false });
  const ring = join(root, "state/packet-ring");
  assert.ok(existsSync(ring));
  running.abandon();
  assert.ok(!existsSync(ring));
  await running.end();
});

test("directories that cannot be made are an error that says so", async (t) => {
  const { root, options } = machine(t);
  const config = { ...options.config, state_dir: join(root, "kmsg/state") };
  mkdirSync(join(root, "run"));
  writeFileSync(join(root, "kmsg"), "");
  await assert.rejects(startDaemon({ ...options, config }), /cannot make the daemon's directories: .*ENOTDIR/);
  assert.deepEqual(readdirSync(join(root, "run")), []);
});

test("a start that fails at its socket leaves neither its port nor its locks", async (t) => {
  const { options } = machine(t);
  const { run_dir } = options.config;
  const port = await freePort();
  const config = { ...options.config, metrics: { ...options.config.metrics, listen: { host: "127.0.0.1", port } } };
  mkdirSync(join(run_dir, "aod.sock"), { recursive: true });
  await assert.rejects(startDaemon({ ...options, config }), /EISDIR|is a directory/i);
  assert.deepEqual(readdirSync(run_dir), ["aod.sock"], "no lock is left");
  await listenOnce(port);

  rmSync(join(run_dir, "aod.sock"), { recursive: true });
  const running = await startDaemon({ ...options, config });
  await running.end();
  await listenOnce(port);
});

/** Rejects while somebody else listens there. */
async function listenOnce(port: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

function freePort(): Promise<number> {
  return listenOnce(0);
}

test("a reload keeps the open incident and the probe, and what is wrong or needs a restart changes nothing", async (t) => {
  const { root, probe, options } = machine(t);
  const lines: string[] = [];
  const running = await startDaemon({ ...options, log: createLog({ write: (line) => lines.push(line) }) });
  running.beat();
  probe.hello();
  probe.completed(op({ seq: 1, latencyMs: 1500, endedNs: systemClock.nowNs() }));
  const statusNow = async () => (await askDaemon(options.config.run_dir, "/status")) as Status;
  const [before] = (await statusNow()).incidents.open;

  const loaded = (yaml: string) => ({
    config: { ...options.config, ...parseConfig(yaml, "new.yaml") },
    source: "new.yaml",
  });
  const dirs = { state_dir: options.config.state_dir, run_dir: options.config.run_dir };
  const wrong = running.reload(() => ({ ...loaded(`state_dir: ${root}/other`) }));
  assert.equal(wrong.result, "refused");
  assert.equal((await statusNow()).config, "test.yaml");
  assert.match((await statusNow()).config_reload?.message ?? "", /state_dir.* needs a restart/);
  assert.ok(lines.some((line) => line.includes("the old one goes on")));

  const { config, source } = loaded("detectors: {latency: {threshold: 10ms, single: 20ms}}\nincidents: {max_open: 3}");
  assert.equal(running.reload(() => ({ config: { ...config, ...dirs }, source })).result, "taken");
  const after = await statusNow();
  assert.deepEqual(
    after.incidents.open.map(({ id }) => id),
    [before?.id],
  );
  assert.deepEqual(
    [after.config, after.config_reload?.result, after.probes[0]?.state],
    ["new.yaml", "taken", "running"],
  );
  assert.equal(probe.stopped, false);
  assert.equal(probe.settings.at(-1)?.slowUsOf?.get(9), 10_000);
  probe.completed(op({ seq: 2, latencyMs: 25, endedNs: systemClock.nowNs() }));
  assert.equal((await statusNow()).incidents.anomalies, 2);
  await running.end();
});
