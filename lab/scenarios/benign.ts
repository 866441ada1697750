import assert from "node:assert/strict";
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../src/daemon/status.ts";
import { BenignLoad, mountWork, prepareBenignLoad, watchDirectory, workOn } from "../guest/benign-load.ts";
import { mountCifs } from "../guest/cifs.ts";
import { type Incident, type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import { footprintOf, type ProcessFootprint } from "../guest/footprint.ts";
import type { Lab } from "../guest/lab.ts";
import { exportDirectory, mountNfs, startNfsd } from "../guest/nfs.ts";
import { startSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

/** A line of footprint.ndjson. */
interface Look {
  readonly minute: number;
  readonly incidents: number;
  readonly processes: readonly ProcessFootprint[];
}

const lookMinutes = 10;

/**
 * Defaults but for what an operation may take: an emulated processor is some thirty times slower than the machines that the defaults are made for,
 * and has others beside it. `--set slower=1` where there is KVM.
 */
function config(slower: number): string {
  const latency = `{threshold: ${500 * slower}ms, single: ${1000 * slower}ms}`;
  return `detectors: {latency: ${latency}, nfs_latency: ${latency}}\n`;
}

async function look(lab: Lab, daemon: RunningDaemon, minute: number): Promise<void> {
  const processes = footprintOf(daemon.process.pid);
  const { length: incidents } = await daemon.incidents();
  const line: Look = { minute, incidents, processes };
  appendFileSync(join(lab.out, "footprint.ndjson"), `${JSON.stringify(line)}\n`);
  if (minute % lookMinutes === 0 || minute < 5) lab.tell(sentenceOf(line));
}

function sentenceOf({ minute, incidents, processes }: Look): string {
  const sum = (key: "rssKiB" | "rssAnonKiB" | "cpuSeconds"): number =>
    processes.reduce((total, process) => total + process[key], 0);
  const mib = (kib: number): string => (kib / 1024).toFixed(1);
  const each = processes.map((one) => `${one.name} ${mib(one.rssKiB)} / ${mib(one.rssAnonKiB)}`).join(", ");
  const memory = `RSS ${mib(sum("rssKiB"))} MiB, RssAnon ${mib(sum("rssAnonKiB"))} MiB (${each})`;
  return `minute ${minute}: ${incidents} incidents; ${memory}; CPU ${sum("cpuSeconds").toFixed(1)} s`;
}

export default defineScenario({
  name: "benign",
  summary:
    "an hour of healthy work on SMB and NFS mounts: large copies, builds, small files, locks, mounts, idle times: not one incident",
  // An hour each: one line is enough.
  kernels: seenOn("6.12"),
  settings: { minutes: "60", slower: "10" },
  timeLimitSeconds: 4500,

  async setup(lab) {
    for (const module of ["cifs", "nfs", "nfsv3", "nfsv4"]) await lab.run(["modprobe", module]);
    // It closes connections on which nothing was open for so many minutes; each one would be a storm of reconnects.
    await startSamba(lab, { shares: { share: {}, idle: {} }, global: { deadtime: "3" } });
    await startNfsd(lab);
    await prepareBenignLoad(lab);
  },

  async timeline(lab) {
    const daemon = await startDaemon(lab, config(lab.number("slower")));
    await lab.until("both probes run, and the rehearsal is over", 120, async () => {
      await lab.sleep(1);
      const { probes, captures } = await daemon.status();
      return probes.every(({ state }) => state === "running" || state === "off") && captures !== undefined;
    });
    await lab.step("mounts", async () => {
      await mountCifs(lab);
      await mountCifs(lab, { share: "idle", options: { nosharesock: true } });
      await mountNfs(lab);
      const directory = join(exportDirectory, "idle");
      mkdirSync(directory);
      await mountNfs(lab, { version: "3", mountPoint: "/mnt/nfs-idle", path: "/idle" });
      await lab.run(["mkdir", "/mnt/share/watched"]);
      watchDirectory(lab, "/mnt/share/watched");
    });
    await lab.sleep(5);
    await look(lab, daemon, 0);
    const minutes = lab.number("minutes");
    const load = new BenignLoad(lab, [
      ...workOn(lab, "smb", "/mnt/share"),
      ...workOn(lab, "nfs", "/mnt/nfs"),
      ...mountWork(lab, ["/mnt/idle", "/mnt/nfs-idle"]),
    ]);
    await lab.step("load", async () => {
      for (let minute = 1; minute <= minutes; minute++) {
        await lab.sleep(60);
        await look(lab, daemon, minute);
        lab.writeJson("incidents.json", await daemon.incidents());
        lab.writeJson("status.json", await daemon.status());
      }
      await load.stop();
    });
    lab.writeJson("rounds.json", load.rounds);
    await lab.sleep(15);
    await look(lab, daemon, minutes);
    lab.writeJson("incidents.json", await daemon.incidents());
    lab.writeJson("status.json", await daemon.status());
    lab.write("status.txt", (await lab.aod(["status"])).stdout);
    lab.writeJson("end.json", await daemon.process.stop());
  },

  expect(results) {
    const rounds = Object.entries(results.json("rounds.json") as Record<string, number>);
    assert.ok(rounds.length >= 11 || Number(results.settings["minutes"]) < 10, "all kinds of work were done");
    assert.ok(rounds.length > 0);
    assert.match(results.text("notify.out"), /changed/, "CHANGE_NOTIFY was answered");
    const incidents = results.json("incidents.json") as Incident[];
    assert.deepEqual(
      incidents.flatMap(({ anomalies }) => anomalies.map(({ detector, summary }) => `${detector}: ${summary}`)),
      [],
      "not one incident",
    );
    const status = results.json("status.json") as Status;
    assert.equal(status.incidents.counts.opened, 0);
    assert.deepEqual(results.json("end.json"), { status: 0, signal: null });
  },

  present(results: Results): string {
    const looks = results.ndjson("footprint.ndjson") as Look[];
    const rounds = Object.entries(results.json("rounds.json") as Record<string, number>);
    const told = looks.filter(({ minute }, index) => minute % lookMinutes === 0 || index === looks.length - 1);
    return [...told.map(sentenceOf), ...rounds.map(([name, done]) => `${name}: ${done} rounds`)].join("\n");
  },
});
