import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { verifyBundle } from "../../src/bundle/reader.ts";
import { tellDaemon } from "../../src/daemon/api-client.ts";
import type { Status } from "../../src/daemon/status.ts";
import { messageOf } from "../../src/system/error.ts";
import { mountCifs } from "../guest/cifs.ts";
import { type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import { footprintOf } from "../guest/footprint.ts";
import type { Lab } from "../guest/lab.ts";
import { type Leftovers, leftovers, processesNow, switches } from "../guest/leftovers.ts";
import { freezeSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const mounted = "/mnt/share";
/** Everything that the daemon can change is changed by each incident. */
const config = [
  "incidents: {cool_down: 3s, post: 1s, max_per_hour: 10000}",
  "recorder: {packets: {mode: always}}",
  "captures: {verbose: {enabled: true, for: 60s}}",
  "bundles: {max_count: 1000, min_free: 0KiB}",
  // What the emulated processor makes slow opens nothing.
  "detectors: {latency: {threshold: 2s, single: 2s}}",
  "",
].join("\n");

type Victim = "aod" | "aod-probe";

/** A line of kills.ndjson: one kill, and what there was before and after the next start. */
interface Kill {
  readonly round: number;
  readonly victim: Victim;
  /** After the incident began to open. */
  readonly afterMs: number;
  readonly cause: "snapshot" | "frozen server";
  readonly at: Leftovers;
  readonly next: Leftovers;
  readonly recovered: Status["bundles"]["recovered"];
  readonly bundlesBefore: readonly string[];
  readonly bundlesAfter: readonly string[];
}

/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value = (value + Math.imul(value ^ (value >>> 7), value | 61)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

const stateDir = (lab: Lab): string => lab.aodEnvironment["AOD_STATE_DIR"] ?? "";
const finished = (lab: Lab): string[] =>
  readdirSync(join(stateDir(lab), "bundles")).filter((name) => name.endsWith(".tar.zst"));

/** An incident begins; resolves when it was asked for, long before its evidence is there. */
async function begin(lab: Lab, cause: Kill["cause"]): Promise<void> {
  if (cause === "snapshot") {
    const runDir = lab.aodEnvironment["AOD_RUN_DIR"] ?? "";
    // On a machine that is busy with others the answer comes later than the client waits; the incident begins all the same.
    await tellDaemon(runDir, "/snapshot", { note: "a kill will follow", for_ms: 3000 }).catch((error: unknown) =>
      lab.tell(`the snapshot: ${messageOf(error)}`),
    );
    return;
  }
  freezeSamba(lab);
  lab.start(["stat", mounted]);
}

async function killed(daemon: RunningDaemon, victim: Victim): Promise<void> {
  if (victim === "aod") {
    process.kill(daemon.process.pid, "SIGKILL");
    await daemon.process.ended;
    return;
  }
  const helpers = footprintOf(daemon.process.pid).filter(({ name }) => name === "aod-probe");
  for (const { pid } of helpers) process.kill(pid, "SIGKILL");
}

/** Until nothing is open: then everything is as it was before an incident, or never will be. */
async function settled(lab: Lab, daemon: RunningDaemon): Promise<Status> {
  let status = await daemon.status();
  await lab.until("no incident is open, and all is recorded again", 120, async () => {
    await lab.sleep(0.5);
    status = await daemon.status();
    const { probes, incidents, recorder } = status;
    return (
      incidents.open.length === 0 &&
      probes[0]?.state === "running" &&
      recorder?.packets.pid !== undefined &&
      recorder.verbose.state !== "on"
    );
  });
  return status;
}

export default defineScenario({
  name: "kills",
  summary:
    "kill -9 of the daemon or of aod-probe at random moments of incidents: the next start leaves nothing half, on or behind",
  kernels: smbWireLines,
  // Fifty, `--set kills=50`, take 40 minutes. A run that was cut goes on with `from`; after `minutes` it ends, and is judged by what it did.
  settings: { kills: "50", seed: "4", from: "1", minutes: "50" },
  timeLimitSeconds: 3600,

  async setup(lab) {
    await startSamba(lab);
    await lab.run(["modprobe", "sunrpc"]);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 600 } });
    mkdirSync(join(lab.out, "bundles"), { recursive: true });
  },

  async timeline(lab) {
    const next = random(lab.number("seed"));
    const before = processesNow();
    lab.writeJson("switches-before.json", switches());
    let daemon = await startDaemon(lab, config);
    await settled(lab, daemon);
    const kills: Kill[] = [];
    const endMs = performance.now() + lab.number("minutes") * 60_000;
    for (let round = 1; round <= lab.number("kills") && performance.now() < endMs; round++) {
      const victim: Victim = next() < 0.8 ? "aod" : "aod-probe";
      const cause = next() < 0.5 ? "snapshot" : "frozen server";
      // Opening, recording, closing and packing are all within; a frozen server is noticed after 2 s.
      const afterMs = Math.round(next() * 9000) + (cause === "frozen server" ? 1500 : 0);
      if (round < lab.number("from")) continue;
      await lab.step(`${round}: ${victim}, ${afterMs} ms after a ${cause}`, async () => {
        const bundlesBefore = finished(lab);
        await begin(lab, cause);
        await lab.sleep(afterMs / 1000);
        await killed(daemon, victim);
        const at = leftovers(stateDir(lab), before);
        thawSamba();
        if (victim === "aod") daemon = await startDaemon(lab, config);
        const { bundles } = await settled(lab, daemon);
        kills.push({
          ...{ round, victim, afterMs, cause, at },
          next: leftovers(stateDir(lab), before),
          recovered: bundles.recovered,
          ...{ bundlesBefore, bundlesAfter: finished(lab) },
        });
        lab.writeJson("kills.json", kills);
      });
    }
    await daemon.process.stop();
    lab.writeJson("end.json", leftovers(stateDir(lab), before));
    for (const name of finished(lab))
      copyFileSync(join(stateDir(lab), "bundles", name), join(lab.out, "bundles", name));
    lab.writeJson("switches-file.json", existsSync(join(stateDir(lab), "switches.json")));
  },

  async expect(results) {
    const before = results.json("switches-before.json");
    const kills = results.json("kills.json") as Kill[];
    assert.ok(kills.length > 0, "there was time for one");
    for (const { round, next, bundlesBefore, bundlesAfter } of kills) {
      assert.deepEqual(next.halves, [], `kill ${round}: no half bundle`);
      assert.deepEqual(next.orphans, [], `kill ${round}: no process is left`);
      assert.equal(next.instances.length, 1, `kill ${round}: ${next.instances}`);
      assert.deepEqual(next.switches, before, `kill ${round}: no switch is changed`);
      for (const name of bundlesBefore) assert.ok(bundlesAfter.includes(name), `kill ${round}: ${name} is still there`);
    }
    const end = results.json("end.json") as Leftovers;
    assert.deepEqual({ ...end, switches: before }, { instances: [], orphans: [], halves: [], switches: end.switches });
    assert.deepEqual(end.switches, before, "nothing is switched on after the end");
    const bundles = readdirSync(results.path("bundles"));
    assert.ok(bundles.length > 0);
    for (const name of bundles) {
      const { ok, items } = await verifyBundle(results.path(join("bundles", name)));
      assert.ok(ok, `${name}: ${JSON.stringify(items.filter(({ result }) => result !== "ok"))}`);
    }
    // A test of nothing would pass too: kills did hit what was under way.
    const hit = kills.filter(({ at }) => at.halves.length > 0 || at.instances.length > 0);
    assert.ok(hit.length > 0, "kills hit a daemon at work");
  },

  present(results) {
    const kills = results.json("kills.json") as Kill[];
    const { settings } = results;
    const count = (matches: (kill: Kill) => boolean): number => kills.filter(matches).length;
    return [
      `seed ${settings["seed"]}, kills ${kills[0]?.round} to ${kills.at(-1)?.round} of ${settings["kills"]}: ${count(({ victim }) => victim === "aod")} of the daemon, the others of aod-probe`,
      `at the kill: ${count(({ at }) => at.halves.length > 0)} times a bundle was open, ${count(({ at, next }) => JSON.stringify(at.switches) !== JSON.stringify(next.switches))} times switches were on`,
      `bundles finished by the next start: ${kills.flatMap(({ recovered }) => recovered).filter(({ action }) => action === "finished").length}`,
    ].join("\n");
  },
});
