import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keepProcCifs, mountCifs } from "../guest/cifs.ts";
import { acceptPort, clearImpairment, dropPort, impair } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { freezeSamba, killSamba, restartSamba, shareDirectory, startSamba, thawSamba } from "../guest/samba.ts";
import { defineScenario } from "../scenario.ts";

const mountPoint = "/mnt/share";

/** How long a round trip takes for a program: `stat` of a file whose attributes may not be cached. */
async function roundTrip(lab: Lab, timeoutMs = 60_000): Promise<{ tookMs: number; done: boolean }> {
  const ran = await lab.run(["stat", "--format=%s", join(mountPoint, "file")], { timeoutMs, anyStatus: true });
  return { tookMs: ran.tookMs, done: ran.status === 0 };
}

type Measured = Record<string, { tookMs: number; done: boolean }>;

export default defineScenario({
  name: "smoke",
  summary: "Samba and a CIFS mount work; each fault is felt by the client and goes away again (no AOD)",
  thin: true,
  settings: { delayMs: "400" },
  timeLimitSeconds: 180,

  async setup(lab) {
    await startSamba(lab);
    // Short echo intervals let the client give up a dead connection within the scenario. A lease would let it answer `stat` of a
    // file that was open a second ago without the server.
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 4, nolease: true } });
  },

  async timeline(lab) {
    const measured: Measured = {};
    const measure = async (name: string, timeoutMs?: number): Promise<void> => {
      measured[name] = await roundTrip(lab, timeoutMs);
    };
    const content = "written through the mount\n".repeat(1000);
    await lab.step("write and read a file", async () => {
      await lab.run(["dd", `of=${join(mountPoint, "file")}`, "conv=fsync", "status=none"], { input: content });
      lab.write("read-back.txt", (await lab.run(["cat", join(mountPoint, "file")])).stdout);
      writeFileSync(join(lab.out, "on-server.txt"), readFileSync(join(shareDirectory("share"), "file")));
    });
    keepProcCifs(lab, "DebugData");
    keepProcCifs(lab, "Stats");
    await lab.step("healthy", () => measure("healthy"));

    await lab.step("latency added", async () => {
      await impair(lab, { delayMs: lab.number("delayMs") });
      await measure("delayed");
    });
    await lab.step("latency taken away", async () => {
      await clearImpairment(lab);
      await measure("afterDelay");
    });

    await lab.step("server frozen", async () => {
      freezeSamba(lab);
      await measure("frozen", 2_000);
    });
    await lab.step("server thawed", async () => {
      thawSamba();
      await measure("afterFreeze");
    });

    await lab.step("server killed", async () => {
      await killSamba();
      await measure("killed", 2_000);
    });
    await lab.step("server restarted", async () => {
      await restartSamba(lab);
      await measure("afterRestart");
    });

    await lab.step("port 445 dropped", async () => {
      await dropPort(lab, 445);
      await measure("dropped", 2_000);
    });
    await lab.step("port 445 accepted", async () => {
      await acceptPort(lab, 445);
      await measure("afterDrop");
    });
    lab.writeJson("measured.json", measured);
  },

  expect(results) {
    assert.equal(results.text("read-back.txt"), results.text("on-server.txt"));
    assert.match(results.text("cifs-DebugData.txt"), /Dialect 0x311/);
    assert.match(results.text("cifs-Stats.txt"), /\\\\127\.0\.0\.1\\share/);
    const measured = results.json("measured.json") as Measured;
    const of = (name: string) => measured[name] ?? assert.fail(`not measured: ${name}`);
    for (const name of ["healthy", "delayed", "afterDelay", "afterFreeze", "afterRestart", "afterDrop"]) {
      assert.ok(of(name).done, `stat must succeed: ${name}`);
    }
    // netem delays each request by exactly this; how long everything else takes depends on the machine.
    assert.ok(of("delayed").tookMs >= Number(results.settings["delayMs"]), `delay felt: ${of("delayed").tookMs} ms`);
    for (const name of ["frozen", "killed", "dropped"]) {
      assert.ok(!of(name).done, `stat must not succeed: ${name}`);
    }
  },
});
