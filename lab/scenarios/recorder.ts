import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { readItem, readManifest } from "../../src/bundle/reader.ts";
import { mountCifs } from "../guest/cifs.ts";
import { type Incident, type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import type { Lab } from "../guest/lab.ts";
import { pidsByComm } from "../guest/proc.ts";
import { freezeSamba, killSamba, restartSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

// On an emulated processor everything costs too much.
const config = "incidents: {cool_down: 8s, post: 2s}\nrecorder: {packets: {mode: always}}\n";
const mounted = "/mnt/share";
const instances = "/sys/kernel/tracing/instances";

const left = () => ({
  instances: readdirSync(instances).filter((name) => name.startsWith("aod-")),
  tcpdumps: pidsByComm((comm) => comm === "tcpdump").length,
});

async function recording(lab: Lab, daemon: RunningDaemon): Promise<void> {
  await lab.until("packets are recorded", 60, async () => {
    await lab.sleep(1);
    return (await daemon.status()).recorder?.packets.pid !== undefined;
  });
}

async function keepBundle(lab: Lab, daemon: RunningDaemon, id: string, name: string): Promise<void> {
  let found: Incident | undefined;
  await lab.until(`${name} closes`, 120, async () => {
    await lab.sleep(1);
    found = (await daemon.incidents()).find((one) => one.id === id && one.state === "closed");
    return found !== undefined;
  });
  assert.ok(found?.bundle, `${name} has a bundle`);
  copyFileSync(found.bundle, join(lab.out, `${name}.tar.zst`));
}

export default defineScenario({
  name: "recorder",
  summary:
    "the flight recorder and all captures: before, while and after a server hangs; nothing is left by kill -9; no byte of a file gets out",
  kernels: smbWireLines,
  timeLimitSeconds: 400,

  async setup(lab) {
    await startSamba(lab);
    lab.write(
      "pattern",
      randomBytes(65_536).map((byte) => byte || 1),
    );
  },

  async timeline(lab) {
    let daemon = await startDaemon(lab, config, false);
    await lab.step("mount", () => mountCifs(lab, { options: { actimeo: 0, echo_interval: 3 } }));
    await recording(lab, daemon);
    await lab.step("a file is written and read", async () => {
      await lab.run(["cp", join(lab.out, "pattern"), `${mounted}/pattern`]);
      await lab.run(["sync", "-f", mounted]);
      writeFileSync("/proc/sys/vm/drop_caches", "1\n");
      await lab.run(["cat", `${mounted}/pattern`]);
    });
    await lab.step("the server hangs, then goes, then comes back", async () => {
      freezeSamba(lab);
      const stuck = lab.start(["stat", `${mounted}/pattern`]);
      let found: Incident | undefined;
      await lab.until("it is noticed", 60, async () => {
        await lab.sleep(0.5);
        found = (await daemon.incidents()).find(({ state }) => state === "open");
        return found !== undefined;
      });
      await lab.sleep(6);
      await killSamba();
      await lab.sleep(2);
      await restartSamba(lab);
      await lab.until("the task goes on", 90, () => !stuck.running);
      lab.writeJson("status.json", await daemon.status());
      lab.write("status.txt", (await lab.aod(["status"])).stdout);
      await keepBundle(lab, daemon, found?.id ?? "", "hang");
    });
    await lab.step("kill -9 leaves an instance, and the next daemon removes it", async () => {
      lab.writeJson("before.json", left());
      await daemon.process.stop("SIGKILL");
      await lab.sleep(1);
      lab.writeJson("killed.json", left());
      daemon = await startDaemon(lab, config, false);
      await recording(lab, daemon);
      lab.writeJson("next.json", { ...left(), recorder: (await daemon.status()).recorder });
    });
    await lab.step("a snapshot while the mount is dead", async () => {
      freezeSamba(lab);
      const stuck = lab.start(["stat", `${mounted}/pattern`]);
      await lab.sleep(1);
      const { stdout } = await lab.aod(["snapshot", "--for", "1s", "--json", "--config", join(lab.out, "aod.yaml")], {
        timeoutMs: 120_000,
      });
      const taken = JSON.parse(stdout) as Incident;
      copyFileSync(taken.bundle ?? "", join(lab.out, "dead.tar.zst"));
      thawSamba();
      await stuck.ended;
    });
    await daemon.process.stop();
    lab.writeJson("after.json", left());
    await lab.step("a snapshot without a daemon", async () => {
      const { stdout } = await lab.aod(["snapshot", "--for", "8s", "--config", join(lab.out, "aod.yaml")], {
        timeoutMs: 120_000,
      });
      copyFileSync(stdout.trim(), join(lab.out, "alone.tar.zst"));
      lab.writeJson("alone.json", left());
    });
  },

  async expect(results) {
    const { recorder } = results.json("status.json") as Awaited<ReturnType<RunningDaemon["status"]>>;
    assert.ok((recorder?.events.events ?? 0) > 20, "events that are switched on");
    assert.ok((recorder?.packets.captured ?? 0) > 20, "packets");
    for (const name of ["hang", "dead", "alone"]) await checkBundle(results, `${name}.tar.zst`);
    const hang = results.path("hang.tar.zst");
    const events = await report(hang, "close/kernel-events.dat");
    if (events !== undefined) assert.match(events, /smb3_reconnect/);
    const manifest = await readManifest(hang);
    const status = new Map(manifest.items.map((item) => [item.name, item.status]));
    for (const name of [
      "ops.ndjson",
      "open/stacks.txt",
      "open/observations.ndjson",
      "close/samples.ndjson",
      "open/tasks.ndjson",
    ])
      assert.equal(status.get(name), "ok", name);
    assert.match((await readItem(hang, "open/stacks.txt")).toString(), /wait_for_response/);
    assert.match((await readItem(hang, "close/server-side.txt")).toString(), /SMB2_/);
    for (const [name, count] of [
      ["before", 1],
      ["next", 1],
      ["after", 0],
      ["alone", 0],
    ] as const) {
      const { instances: all, tcpdumps } = results.json(`${name}.json`) as ReturnType<typeof left>;
      assert.deepEqual([all.length, tcpdumps], [count, count], name);
    }
    const killed = results.json("killed.json") as ReturnType<typeof left>;
    assert.deepEqual([killed.instances.length, killed.tcpdumps], [1, 0], "tcpdump dies with the daemon");
  },
});

/** Every capture came to its end, packets have headers, and no eight bytes of the file are anywhere. */
async function checkBundle(results: Results, name: string): Promise<void> {
  const path = results.path(name);
  const manifest = await readManifest(path);
  const bad = manifest.items.filter(
    ({ status }) => status === "failed" || status === "timed_out" || status === "skipped",
  );
  assert.deepEqual(
    bad.map(({ name: item, status, reason }) => `${item}: ${status}: ${reason}`),
    [],
    name,
  );
  const pattern = readFileSync(results.path("pattern"));
  const pieces = new Set<bigint>();
  for (let at = 0; at + 8 <= pattern.length; at++) pieces.add(pattern.readBigUInt64LE(at));
  for (const item of manifest.items) {
    if (item.size === undefined) continue;
    const content = await readItem(path, item.name);
    for (let at = 0; at + 8 <= content.length; at++)
      assert.ok(!pieces.has(content.readBigUInt64LE(at)), `${name}: ${item.name} has a piece of the file at ${at}`);
    if (item.name === "close/packets.pcap")
      assert.ok(content.includes("\xfeSMB", 0, "latin1"), `${name}: SMB2 headers`);
  }
  assert.ok(
    manifest.items.some((item) => item.name === "close/packets.pcap" && item.status === "ok"),
    `${name}: packets`,
  );
}

/** Undefined where trace-cmd is not installed. */
async function report(bundle: string, item: string): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "aod-report-"));
  try {
    const file = join(directory, basename(item));
    writeFileSync(file, await readItem(bundle, item));
    const { error, status, stdout, stderr } = spawnSync("trace-cmd", ["report", "-i", file], { encoding: "utf8" });
    if (error !== undefined) return undefined;
    assert.equal(status, 0, stderr);
    return stdout;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
