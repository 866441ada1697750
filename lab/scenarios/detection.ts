import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { mountCifs } from "../guest/cifs.ts";
import { type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import { clearImpairment, impair } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { freezeSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const incidents = "incidents:\n  cool_down: 2s\n  post: 1s\n";
/** What completes is judged at its end alone. */
const completed = `${incidents}detectors:\n  latency:\n    single: 400ms\n    in_flight: false\n`;

/** The bundles of each kind of fault; read by `npm run bench -- detection`. */
export interface DetectionFacts {
  /** A request that took longer than 400 ms completes. */
  readonly completed: readonly string[];
  /** A request in flight crosses 1 s. */
  readonly inFlight: readonly string[];
}

/** Makes a fault so often, and keeps the bundle of each. */
async function faults(lab: Lab, daemon: RunningDaemon, fault: () => Promise<void>): Promise<string[]> {
  const bundles: string[] = [];
  for (let round = 0; round < lab.number("rounds"); round++) {
    const known = new Set((await daemon.incidents()).map(({ id }) => id));
    await fault();
    await lab.until("the incident closes with its bundle", 60, async () => {
      await lab.sleep(0.5);
      const fresh = (await daemon.incidents()).filter(({ id }) => !known.has(id));
      return fresh.length > 0 && fresh.every(({ state }) => state === "closed");
    });
    for (const { id, bundle } of await daemon.incidents()) {
      if (known.has(id) || bundle === null) continue;
      copyFileSync(bundle, join(lab.out, basename(bundle)));
      bundles.push(basename(bundle));
    }
  }
  return bundles;
}

async function slowNetwork(lab: Lab): Promise<void> {
  await impair(lab, { delayMs: 600 });
  await lab.run(["stat", "/mnt/share"]);
  await clearImpairment(lab);
}

async function frozenServer(lab: Lab): Promise<void> {
  freezeSamba(lab);
  const waits = lab.start(["stat", "/mnt/share"]);
  await lab.sleep(3);
  thawSamba();
  await waits.ended;
}

export default defineScenario({
  name: "detection",
  summary: "how long from a slow operation to the first capture; printed by npm run bench -- detection",
  kernels: smbWireLines,
  settings: { rounds: "3" },
  timeLimitSeconds: 400,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 600 } });
  },

  async timeline(lab) {
    const first = await startDaemon(lab, completed);
    const slow = await lab.step("slow requests complete", () => faults(lab, first, () => slowNetwork(lab)));
    await first.process.stop();
    const second = await startDaemon(lab, incidents);
    const hung = await lab.step("the server freezes", () => faults(lab, second, () => frozenServer(lab)));
    const facts: DetectionFacts = { completed: slow, inFlight: hung };
    lab.writeJson("detection.json", facts);
  },

  expect(results) {
    const facts = results.json("detection.json") as DetectionFacts;
    const rounds = Number(results.settings["rounds"]);
    assert.ok(facts.completed.length >= rounds && facts.inFlight.length >= rounds, JSON.stringify(facts));
  },
});
