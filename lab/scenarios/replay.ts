import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { mountCifs } from "../guest/cifs.ts";
import { type Incident, type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import type { Lab } from "../guest/lab.ts";
import { freezeSamba, killSamba, restartSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { defineScenario } from "../scenario.ts";

const aod = resolve(import.meta.dirname, "../../bin/aod");
const config = "incidents:\n  cool_down: 3s\n  post: 1s\ndetectors:\n  latency:\n    single: 400ms\n";

async function settled(lab: Lab, daemon: RunningDaemon, count: number): Promise<void> {
  await lab.until(`${count} incidents are over`, 90, async () => {
    const all = await daemon.incidents();
    return all.length >= count && all.every(({ state }) => state === "closed");
  });
}

export default defineScenario({
  name: "replay",
  summary: "the daemon's detectors on a recording of it, on another machine: the incidents that it opened",
  timeLimitSeconds: 240,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 5 } });
  },

  async timeline(lab) {
    const daemon = await startDaemon(lab, config, true, ["--record", join(lab.out, "daemon.aodrec")]);
    await lab.step("the server is frozen for a while", async () => {
      freezeSamba(lab);
      const waits = lab.start(["stat", "/mnt/share"]);
      await lab.sleep(3);
      thawSamba();
      await waits.ended;
      await settled(lab, daemon, 1);
    });
    await lab.step("the server goes, and a task waits for the connection", async () => {
      freezeSamba(lab);
      const stuck = lab.start(["stat", "/mnt/share/missing"]);
      await lab.sleep(2);
      await killSamba();
      await lab.sleep(5);
      await restartSamba(lab);
      await lab.until("the task goes on", 60, () => !stuck.running);
      await settled(lab, daemon, 2);
    });
    lab.writeJson("incidents.json", await daemon.incidents());
    lab.writeJson("ended.json", await daemon.process.stop());
  },

  expect(results) {
    assert.deepEqual(results.json("ended.json"), { status: 0, signal: null });
    const live = results.json("incidents.json") as readonly Incident[];
    const { status, stdout, stderr } = spawnSync(
      aod,
      ["replay", results.path("daemon.aodrec"), "--json", "--config", results.path("aod.yaml")],
      { encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
    const again = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Incident);
    assert.ok(live.length >= 2);
    assert.deepEqual(inOrder(again), inOrder(live), "to the microsecond");
  },
});

/** Without what a replay cannot have: the random end of the id, and the bundle. */
function inOrder(incidents: readonly Incident[]): readonly Incident[] {
  return incidents
    .map((incident) => ({ ...incident, id: incident.id.replace(/-[^-]+$/, ""), bundle: null }))
    .sort((a, b) => (a.opened < b.opened ? -1 : 1));
}
