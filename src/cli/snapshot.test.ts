import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { readManifest } from "../bundle/reader.ts";
import { askDaemon, NoAnswer, NotRunning } from "../daemon/api-client.ts";
import type { IncidentJson } from "../daemon/incidents/json.ts";
import { untilClosed } from "./snapshot.ts";

const root = process.geteuid?.() === 0 ? {} : { skip: "needs root, as the daemon does" };

/** Directories of its own; no probe, no trace events, no packets: nothing of the kernel is touched. */
function place(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "aod-snapshot-test-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "aod.yaml");
  writeFileSync(file, "probes: {smb_wire: false}\nrecorder: {events: {enabled: false}, packets: {mode: off}}\n");
  const env = {
    ...process.env,
    AOD_STATE_DIR: join(directory, "state"),
    AOD_RUN_DIR: join(directory, "run"),
    AOD_CONFIG: file,
  };
  const aod = (...args: readonly string[]): ChildProcess => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), ...args], { env });
    t.after(() => child.kill("SIGKILL"));
    return child;
  };
  return { directory, aod };
}

async function outcome(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let [out, err] = ["", ""];
  child.stdout?.on("data", (piece) => {
    out += piece;
  });
  child.stderr?.on("data", (piece) => {
    err += piece;
  });
  const [code] = await once(child, "close");
  return { code, out, err };
}

test("without a daemon: a bundle with all captures, at the start and at the end", root, async (t) => {
  const { directory, aod } = place(t);
  const { code, out, err } = await outcome(aod("snapshot", "--for", "1s", "--note", "a test"));
  assert.equal(code, 0, err);
  assert.match(err, /^no daemon runs: taking snapshot \S+ by myself, 1 s$/m);
  const manifest = await readManifest(out.trim());
  assert.equal(manifest.anomaly.summary, "a snapshot was asked for: a test");
  const names = new Set(manifest.items.map(({ name }) => name));
  for (const phase of ["open", "close"]) {
    for (const name of ["DebugData", "mounts", "tasks.ndjson", "server-side.txt", "packets.pcap", "kernel-events.dat"])
      assert.ok(names.has(`${phase}/${name}`), `${phase}/${name}`);
  }
  assert.deepEqual(
    readdirSync(join(directory, "state")).filter((name) => !name.startsWith("incidents")),
    ["bundles"],
  );
});

test("with a daemon: it takes it, also on SIGUSR1", root, async (t) => {
  const { directory, aod } = place(t);
  const daemon = aod("run");
  for await (const line of createInterface({ input: daemon.stderr ?? process.stdin }))
    if (line.includes(" runs")) break;
  daemon.stderr?.resume();
  const { code, out, err } = await outcome(aod("snapshot", "--for", "0s", "--json"));
  assert.equal(code, 0, err);
  assert.match(err, /^the daemon takes snapshot /m);
  const taken = JSON.parse(out) as IncidentJson;
  assert.deepEqual([taken.state, taken.close_reason], ["closed", "snapshot"]);
  assert.equal((await readManifest(taken.bundle ?? "")).id, taken.id);
  daemon.kill("SIGUSR1");
  let incidents: IncidentJson[] = [];
  while (incidents.length < 2) incidents = (await askDaemon(join(directory, "run"), "/incidents")) as IncidentJson[];
  assert.equal(
    incidents.find(({ state }) => state === "open")?.anomalies[0]?.summary,
    "a snapshot was asked for: by SIGUSR1",
  );
});

test("a daemon that is too busy to answer is asked again, two minutes long; one that has gone is not", async () => {
  const open = { id: "x", state: "open" } as IncidentJson;
  const said: string[] = [];
  const waiting = {
    wait: async () => {},
    say: (line: string) => said.push(line),
    signal: new AbortController().signal,
  };
  const busy = new NoAnswer("/run/aod/aod.sock", undefined);
  const answers = [busy, busy, open, busy, { ...open, state: "closed" } as IncidentJson];
  const ask = async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  assert.equal((await untilClosed(open, { ...waiting, ask })).state, "closed");
  assert.deepEqual(said, Array(2).fill("the daemon is too busy to answer, and is asked again"));
  let asked = 0;
  const never = async () => {
    asked++;
    throw busy;
  };
  await assert.rejects(untilClosed(open, { ...waiting, ask: never }), /no answer within 10 s/);
  assert.equal(asked, 12);
  const gone = async () => {
    throw new NotRunning("/run/aod/aod.sock", undefined);
  };
  await assert.rejects(untilClosed(open, { ...waiting, ask: gone }), /aod is not running/);
});

test("a time that makes no sense is told", async (t) => {
  const { aod } = place(t);
  const { code, err } = await outcome(aod("snapshot", "--for", "2h"));
  assert.deepEqual([code, err], [2, "aod: --for: expected a duration such as 30s or 5m, at most 60m\n"]);
});
