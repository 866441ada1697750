import assert from "node:assert/strict";
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { mountCifs } from "../guest/cifs.ts";
import { startSamba } from "../guest/samba.ts";
import {
  configureService,
  installService,
  journal,
  placesTouched,
  repo,
  serviceIncidents,
  serviceStatus,
  shown,
  traces,
  unitProperties,
  untilService,
  working,
} from "../guest/service.ts";
import { seenOn } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

export default defineScenario({
  name: "service-ends",
  summary: "the installed service under systemd as PID 1: another build over it, stop with a snapshot open, uninstall",
  kernels: seenOn("6.12"),
  init: "systemd",
  timeLimitSeconds: 900,

  async setup(lab) {
    await startSamba(lab);
    // So that both probes attach.
    for (const module of ["nfs", "nfsv4"]) await lab.run(["modprobe", module]);
    await mountCifs(lab, { options: { actimeo: 0 } });
    configureService([
      "recorder: {packets: {mode: always}}",
      "incidents: {cool_down: 5s, post: 1s}",
      // What is slow for the machine's sake is no incident.
      "detectors: {latency: {enabled: false}}",
    ]);
  },

  async timeline(lab) {
    lab.writeJson("before.json", await placesTouched(lab));
    await lab.step("aod install", () => installService(lab));
    await untilService(lab, "started", working);
    await lab.step("a snapshot", () =>
      lab.run(["/usr/local/bin/aod", "snapshot", "--for", "1s"], { timeoutMs: 300_000 }),
    );
    await lab.step("install again: what is right already runs on", async () => {
      const { pid } = (await serviceStatus()) ?? assert.fail("no answer");
      const stdout = await installService(lab);
      lab.writeJson("again.json", { stdout, before: pid, after: (await serviceStatus())?.pid });
    });
    await lab.step("another build over it", async () => {
      const { pid } = (await serviceStatus()) ?? assert.fail("no answer");
      const before = (await serviceIncidents()).map(({ id }) => id);
      // The guest's own overlay: the checkout stays as it is.
      appendFileSync(join(repo, "docs/service.md"), "\nAnother build.\n");
      const stdout = await installService(lab);
      const status = await untilService(lab, "upgraded", (one) => one.pid !== pid && working(one));
      const after = (await serviceIncidents()).map(({ id }) => id);
      lab.writeJson("upgrade.json", {
        stdout,
        before: { pid, incidents: before },
        after: { pid: status.pid, incidents: after },
      });
    });

    await lab.step("systemctl stop while a snapshot is taken", async () => {
      const asked = lab.start(["/usr/local/bin/aod", "snapshot", "--for", "10m", "--json"]);
      await lab.until("it is open", 60, async () => {
        await lab.sleep(0.5);
        return (await serviceIncidents()).some(({ state }) => state === "open");
      });
      await lab.run(["systemctl", "stop", "aod.service"]);
      await asked.stop();
      lab.writeJson("unit-stopped.json", await unitProperties(lab, shown));
      lab.writeJson("traces-stopped.json", traces());
      lab.writeJson("bundles-stopped.json", readdirSync("/var/lib/aod/bundles"));
      lab.write("journal-stopped.txt", await journal(lab));
      // It is ready when what did not fit into the end is finished.
      await lab.run(["systemctl", "start", "aod.service"], { timeoutMs: 300_000 });
      lab.writeJson("bundles-next.json", readdirSync("/var/lib/aod/bundles"));
    });

    await lab.step("aod uninstall", async () => {
      lab.write("uninstall.txt", (await lab.run(["/usr/local/bin/aod", "uninstall"], { timeoutMs: 200_000 })).stdout);
      lab.writeJson("uninstalled.json", await placesTouched(lab));
      const purge = await lab.run([join(repo, "bin/aod"), "uninstall", "--purge"], { timeoutMs: 200_000 });
      lab.write("purge.txt", purge.stdout);
      lab.writeJson("purged.json", await placesTouched(lab));
      lab.writeJson("traces-purged.json", traces());
    });
  },

  expect(results) {
    const left = (name: string) => results.json(`traces-${name}.json`) as ReturnType<typeof traces>;
    const again = results.json("again.json") as { stdout: string; before: number; after: number };
    assert.equal(again.after, again.before, again.stdout);
    assert.match(again.stdout, /^unchanged aod\.service runs on$/m);
    const { stdout, before, after } = results.json("upgrade.json") as {
      stdout: string;
      before: { incidents: string[] };
      after: { incidents: string[] };
    };
    assert.match(stdout, /^restarted aod\.service$/m);
    assert.ok(before.incidents.length > 0);
    for (const id of before.incidents) assert.ok(after.incidents.includes(id), `incident ${id} is still known`);

    const stopped = results.json("unit-stopped.json") as Record<string, string>;
    assert.deepEqual([stopped.ActiveState, stopped.Result, stopped.ExecMainStatus], ["inactive", "success", "0"]);
    assert.deepEqual(left("stopped"), { processes: 0, instances: [], inUnit: [] }, "nothing is left by a stop");
    const next = results.json("bundles-next.json") as string[];
    for (const half of results.json("bundles-stopped.json") as string[]) {
      const id = half.replace(/^\.(?:tmp-)?/, "").replace(/\.tar\.zst(?:\.part)?$/, "");
      assert.ok(next.includes(`${id}.tar.zst`), `${half}: the next start has finished it`);
      assert.ok(half.endsWith(".tar.zst") || !next.includes(half), half);
    }

    const places = (name: string) => results.json(`${name}.json`) as string[];
    assert.match(results.text("uninstall.txt"), /^kept +\d+ bundles in /m);
    // What the scenario itself put there for the daemon to read is what --purge removes, and a state directory that the host had.
    const purged = /^\/(?:etc\/aod|etc\/systemd\/system\/aod\.service\.d|var\/lib\/aod)\b/;
    const own = places("before").filter((line) => !purged.test(line));
    assert.deepEqual(places("purged"), own, "nothing is left by an uninstall");
    assert.deepEqual(left("purged"), { processes: 0, instances: [], inUnit: [] });
  },
});
