// A real Prometheus, Debian's, against the daemon's metrics.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Prometheus, prometheusPrograms } from "../lab/prometheus.ts";
import { parseConfig } from "../src/config/config.ts";
import { debugData, FakeProbe } from "../src/daemon/fixture.ts";
import { createLog } from "../src/daemon/log.ts";
import { type RunningDaemon, startDaemon } from "../src/daemon/start.ts";
import { bucketOf } from "../src/probe/histogram.ts";
import { parseDebugData } from "../src/smb/debug-data.ts";
import { systemClock } from "../src/system/clock.ts";
import { messageOf } from "../src/system/error.ts";

const programs = await prometheusPrograms().catch((error: unknown) => messageOf(error));
const skip = typeof programs === "string" ? `Debian's prometheus could not be fetched: ${programs}` : false;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A daemon that has seen 3 CREATEs and 40 WRITEs of one share, and one failure. */
async function startWithTraffic(t: TestContext, maxSeries = 1000) {
  const root = mkdtempSync(join(tmpdir(), "aod-metrics-"));
  mkdirSync(join(root, "sys/module/cifs"), { recursive: true });
  const port = await freePort();
  const probe = new FakeProbe();
  const config = {
    ...parseConfig(
      `bundles: {min_free: 1KiB}\nmetrics: {listen: "127.0.0.1:${port}", max_series: ${maxSeries}}`,
      "test.yaml",
    ),
    state_dir: join(root, "state"),
    run_dir: join(root, "run"),
  };
  const running = await startDaemon({
    config,
    configSource: "test.yaml",
    log: createLog({ write: () => {} }),
    version: "0.1.0",
    roots: { procRoot: "/proc", sysRoot: join(root, "sys"), kmsgPath: join(root, "kmsg"), fsRoot: root },
    debugData: () => parseDebugData(debugData),
    startProbe: (onEvent, onExit) => {
      probe.onEvent = onEvent;
      probe.onExit = onExit;
      return probe;
    },
  });
  t.after(async () => {
    await running.end();
    rmSync(root, { recursive: true, force: true });
  });
  running.beat();
  probe.hello();
  const entry = (commandCode: number, count: number, errors: number, ns: number) => ({
    ...{ connectionId: 1n, sessionId: 0x65n, treeId: 5, commandCode, count, errors },
    histograms: { latency: new Map([[bucketOf(ns), count]]) },
  });
  const failure = (commandCode: number, status: number, count: number) => ({
    ...{ connectionId: 1n, sessionId: 0x65n, treeId: 5, commandCode, status, count },
  });
  probe.onEvent({
    type: "tick",
    tick: {
      ...{ nowNs: systemClock.nowNs(), recursionMisses: 0, head: 43, oldest: 1, reconnects: 0 },
      entries: [entry(5, 3, 1, 4e6), entry(9, 40, 0, 20e6)],
      failures: [failure(5, 0xc0000034, 1), failure(14, 0x80000006, 7)],
    },
  });
  probe.onEvent({ type: "inflight", inflight: { nowNs: systemClock.nowNs(), open: 2, ops: [], waiters: [] } });
  nfsTraffic(running);
  return { root, port, running, runDir: config.run_dir };
}

/** 7 READs of one export, of which one failed, and one operation in flight. */
function nfsTraffic({ daemon: { nfsOps } }: RunningDaemon): void {
  const nowNs = systemClock.nowNs();
  const mount = {
    target: { protocol: "nfs", server: "nas", export: "/home" },
    mountPoint: "/h",
    device: "0:45",
    type: "nfs4",
  } as const;
  nfsOps.observed({ type: "mounts", nowNs, all: [mount], mounted: [mount], unmounted: [] });
  const latency = new Map([[bucketOf(20e6), 7]]);
  const entry = { target: 1, server: "nas", device: "0:45", procedure: "READ", count: 7, errors: 1, attempts: 8 };
  const status = { nfs: "NFS4ERR_STALE", code: 70, errno: 116 };
  const nfsFailure = { server: "nas", device: "0:45", procedure: "READ", status, count: 1 };
  nfsOps.take({
    type: "tick",
    tick: {
      nowNs,
      recursionMisses: 0,
      head: 7,
      oldest: 1,
      entries: [{ ...entry, transmissions: 8, latency }],
      failures: [nfsFailure],
    },
  });
  nfsOps.take({ type: "inflight", inflight: { nowNs, open: 1, ops: [], waiters: [] } });
}

function ask(
  options: { readonly port?: number; readonly socketPath?: string },
  headers: Readonly<Record<string, string>> = {},
  path = "/metrics",
): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", path, headers, ...options }, (response) => {
      let text = "";
      response.on("data", (piece: Buffer) => {
        text += piece.toString();
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, type: String(response.headers["content-type"]), text }),
      );
    })
      .on("error", reject)
      .end();
  });
}

test("the socket and the port serve both formats, the port to localhost alone", async (t) => {
  const { port, runDir } = await startWithTraffic(t);
  const socketPath = join(runDir, "aod.sock");
  const plain = await ask({ socketPath });
  assert.match(plain.type, /^text\/plain; version=0\.0\.4/);
  const open = await ask({ port }, { accept: "application/openmetrics-text; version=1.0.0" });
  assert.match(open.type, /^application\/openmetrics-text/);
  assert.match(open.text, /# EOF\n$/);
  const share = 'server="files.example",share="\\\\\\\\files.example\\\\share"';
  for (const line of [
    `aod_smb_request_duration_seconds_count{${share},command="SMB2_WRITE"} 40`,
    `aod_smb_request_duration_seconds_bucket{${share},command="SMB2_WRITE",le="0.033554432"} 40`,
    `aod_smb_requests_failed_total{${share},command="SMB2_CREATE"} 1`,
    `aod_smb_errors_total{${share},command="SMB2_CREATE",status="STATUS_OBJECT_NAME_NOT_FOUND"} 1`,
    "aod_smb_requests_in_flight 2",
    'aod_nfs_request_duration_seconds_count{server="nas",export="/home",operation="READ"} 7',
    'aod_nfs_request_duration_seconds_bucket{server="nas",export="/home",operation="READ",le="0.033554432"} 7',
    'aod_nfs_requests_failed_total{server="nas",export="/home",operation="READ"} 1',
    'aod_nfs_errors_total{server="nas",export="/home",operation="READ",status="NFS4ERR_STALE"} 1',
    "aod_nfs_requests_in_flight 1",
    'aod_smb_connection_good{server="files.example",connection="0x1"} 1',
    'aod_probe_up{probe="smb_wire"} 1',
  ])
    assert.ok(open.text.split("\n").includes(line), `${line}\n${open.text}`);
  assert.ok(!open.text.includes("STATUS_NO_MORE_FILES"), "the end of a listing is no error");
  assert.equal((await ask({ port }, { host: "attacker.example" })).status, 403);
  assert.equal((await ask({ port }, {}, "/status")).status, 404);
});

test("more series than allowed are counted", async (t) => {
  const { port, running } = await startWithTraffic(t, 10);
  feed(running);
  const { text } = await ask({ port });
  assert.match(text, /^aod_metrics_left_out\{metric="smb_requests"\} 20$/m);
  assert.equal(text.split("\n").filter((line) => /^aod_smb_request_duration_seconds_count/.test(line)).length, 10);
  assert.match(text, /^aod_metrics_left_out\{metric="nfs_requests"\} 9$/m);
  assert.equal(text.split("\n").filter((line) => /^aod_nfs_request_duration_seconds_count/.test(line)).length, 10);
});

function feed({ daemon }: RunningDaemon): void {
  const entries = Array.from({ length: 18 }, (_, code) => ({
    ...{ connectionId: 1n, sessionId: 0x65n, treeId: 77, commandCode: code, count: 2, errors: 0, histograms: {} },
  }));
  const nowNs = systemClock.nowNs();
  daemon.smbMetrics.take({
    type: "tick",
    tick: { nowNs, recursionMisses: 0, head: 1, oldest: 1, reconnects: 0, entries, failures: [] },
  });
  const rpcs = Array.from({ length: 12 }, (_, code) => ({
    ...{ target: 1, server: "nas", procedure: `PROC_${code}`, count: 3, errors: 0, attempts: 3, transmissions: 3 },
    latency: new Map<number, number>(),
  }));
  daemon.nfsOps.take({
    type: "tick",
    tick: { nowNs, recursionMisses: 0, head: 1, oldest: 1, entries: rpcs, failures: [] },
  });
}

test("promtool check metrics has nothing to say", { skip }, async (t) => {
  const { port } = await startWithTraffic(t);
  const { text } = await ask({ port });
  const { promtool } = programs as Prometheus;
  const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], { input: text, encoding: "utf8" });
  assert.deepEqual([status, stdout, stderr], [0, "", ""]);
});

test("Prometheus scrapes it", { skip }, async (t) => {
  const { root, port } = await startWithTraffic(t);
  const own = await freePort();
  writeFileSync(
    join(root, "prometheus.yml"),
    `scrape_configs: [{job_name: aod, scrape_interval: 1s, static_configs: [{targets: ["127.0.0.1:${port}"]}]}]\n`,
  );
  const { prometheus } = programs as Prometheus;
  const child = spawn(
    prometheus,
    [
      `--config.file=${root}/prometheus.yml`,
      `--storage.tsdb.path=${root}/tsdb`,
      `--web.listen-address=127.0.0.1:${own}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const said: Buffer[] = [];
  child.stderr.on("data", (piece: Buffer) => said.push(piece));
  t.after(async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  const query = async (what: string): Promise<string | undefined> => {
    const answer = await ask({ port: own }, {}, `/api/v1/query?query=${encodeURIComponent(what)}`).catch(
      () => undefined,
    );
    return answer?.status === 200 ? JSON.parse(answer.text).data.result[0]?.value[1] : undefined;
  };
  const end = Date.now() + 60_000;
  while ((await query('up{job="aod"}')) !== "1" && Date.now() < end) await sleep(300);
  assert.equal(await query('up{job="aod"}'), "1", Buffer.concat(said).toString());
  assert.equal(await query('sum(aod_smb_request_duration_seconds_count{command="SMB2_WRITE"})'), "40");
  assert.equal(await query('aod_nfs_request_duration_seconds_count{operation="READ"}'), "7");
  assert.equal(await query('aod_smb_errors_total{status="STATUS_OBJECT_NAME_NOT_FOUND"}'), "1");
  assert.equal(await query("aod_smb_requests_in_flight"), "2");
});

test("docs/metrics.md has every metric", async (t) => {
  const { port } = await startWithTraffic(t);
  const text = readFileSync(join(import.meta.dirname, "../docs/metrics.md"), "utf8");
  const { text: metrics } = await ask({ port });
  const names = [...metrics.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? "");
  assert.ok(names.length > 20, `${names.length} metrics`);
  for (const name of names) assert.ok(text.includes(`| \`${name}\` |`), name);
});
