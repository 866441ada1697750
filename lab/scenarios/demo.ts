import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readItem, readManifest, verifyBundle } from "../../src/bundle/reader.ts";
import { demoReport } from "../demo-report.ts";
import { mountCifs } from "../guest/cifs.ts";
import { type Incident, type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import { clearImpairment, impair } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { startSamba } from "../guest/samba.ts";
import { OrdinaryWork } from "../guest/work.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

// Everything else is the default: 10 operations over 500 ms within 10 s, or one over 1 s.
const config = "incidents:\n  cool_down: 5s\n  post: 2s\n";

/** What the demo and its expectations need to know of the run. */
export interface DemoFacts {
  /** RFC 3339, UTC. */
  readonly fault: string;
  readonly faultOver: string;
  readonly noticed: string;
  readonly incident: Incident;
  /** Base name of the file in the results. */
  readonly bundle: string;
}

let daemon: RunningDaemon;

/** An incident that has an anomaly since the fault began: noise of a busy machine may have opened one before. */
async function incidentSince(fault: string): Promise<Incident | undefined> {
  const incidents = await daemon.incidents();
  return incidents.find((incident) => incident.anomalies.some(({ time }) => time >= fault));
}

async function waitForIncident(lab: Lab, what: string, fault: string, ready: (incident: Incident) => boolean) {
  let found: Incident | undefined;
  await lab.until(what, 90, async () => {
    // Not more often: each question takes time from the daemon on an emulated processor.
    await lab.sleep(0.5);
    found = await incidentSince(fault);
    return found !== undefined && ready(found);
  });
  return found ?? assert.fail(what);
}

export default defineScenario({
  name: "demo",
  summary: "a share turns slow; AOD notices, names the phase and keeps the operations of the time before",
  kernels: smbWireLines,
  thin: true,
  settings: { delayMs: "1500", healthySeconds: "15" },
  timeLimitSeconds: 300,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0 } });
    lab.tell("Samba serves //127.0.0.1/share, the kernel's SMB client has it at /mnt/share");
    daemon = await startDaemon(lab, config);
    lab.tell("aod runs, its probe is attached to cifs.ko");
  },

  async timeline(lab) {
    const work = new OrdinaryWork(lab, "/mnt/share");
    await lab.step("people work on the share, all is well", () => lab.sleep(lab.number("healthySeconds")));
    const delayMs = lab.number("delayMs");
    await impair(lab, { delayMs });
    const fault = new Date().toISOString();
    lab.tell(`FAULT at ${fault}: the network to the server now takes ${delayMs} ms longer`);
    const first = await waitForIncident(lab, "AOD notices", fault, () => true);
    const noticed = first.anomalies.find(({ time }) => time >= fault);
    lab.tell(`NOTICED: incident ${first.id}: ${noticed?.summary}`);
    await lab.step("the fault lasts: the incident grows, there is no second one", () => lab.sleep(4));
    const faultOver = new Date().toISOString();
    await lab.step("the network is fast again", () => clearImpairment(lab));
    await work.stop();
    const incident = await waitForIncident(
      lab,
      "the incident closes with its bundle",
      fault,
      (one) => one.state === "closed",
    );
    assert.ok(incident.bundle !== null, "a closed incident has a bundle");
    lab.tell("the share has been quiet again for long enough: the incident is closed, its bundle written");
    const bundle = basename(incident.bundle);
    copyFileSync(incident.bundle, join(lab.out, bundle));
    const facts: DemoFacts = { fault, faultOver, noticed: noticed?.time ?? "", incident, bundle };
    lab.writeJson("demo.json", facts);
    lab.write("status.txt", (await lab.aod(["status"])).stdout);
    lab.writeJson("incidents.json", await daemon.incidents());
  },

  async expect(results) {
    const facts = results.json("demo.json") as DemoFacts;
    const path = results.path(facts.bundle);
    const report = await verifyBundle(path);
    assert.ok(report.ok, JSON.stringify(report.items));
    const manifest = await readManifest(path);
    assert.equal(manifest.state, "complete");
    assert.deepEqual(manifest.losses, []);
    const items = new Map(manifest.items.map((item) => [item.name, item.status]));
    for (const name of ["ops.ndjson", "open/DebugData", "close/DebugData", "open/Stats", "open/open_files"]) {
      assert.equal(items.get(name), "ok", name);
    }
    const ops = (await readItem(path, "ops.ndjson")).toString().trim().split("\n");
    const parsed = ops.map(
      (line) => JSON.parse(line) as { time: string; latency_us: number; phases_us: { wire?: number } },
    );
    const before = parsed.filter(({ time }) => time < facts.fault);
    const during = parsed.filter(({ time }) => time >= facts.fault && time < facts.faultOver);
    assert.ok(before.length > 20, `operations of the time before: ${before.length}`);
    const late = during.filter((op) => (op.phases_us.wire ?? 0) >= 1_400_000);
    assert.ok(late.length > 0, "operations that the fault made slow, on the wire");
    assert.match(facts.incident.anomalies.at(-1)?.summary ?? "", /wire/);
    const since = (results.json("incidents.json") as Incident[]).filter(({ opened }) => opened >= facts.fault);
    assert.ok(since.length <= 1, "a lasting fault is one incident");
  },

  present: demoReport,
});
