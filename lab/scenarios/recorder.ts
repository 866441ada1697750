import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readItem } from "../../src/bundle/reader.ts";
import type { SmbOpJson } from "../../src/probe/op-json.ts";
import { mountCifs } from "../guest/cifs.ts";
import { type Incident, type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import type { Lab } from "../guest/lab.ts";
import { pidsByComm } from "../guest/proc.ts";
import { freezeSamba, killSamba, restartSamba, shareDirectory, startSamba, thawSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import { linesIn } from "../replayed.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";
import { allEnded, holdsNoneOf, manifestIn, monotonicOf, packetTimes, reportedEvents } from "../witness/bundle.ts";

// On an emulated processor everything costs too much and takes long; what hangs on a dead mount hangs for longer.
const config = [
  "incidents: {cool_down: 8s, post: 2s}",
  "recorder: {packets: {mode: always}}",
  "captures: {limit: 5m}",
  "detectors: {latency: {threshold: 5s, single: 5s}}",
].join("\n");
const mounted = "/mnt/share";
/** Contents of two files: one is written through the mount, one is on the server and read. */
const patterns = ["written", "read"] as const;
const instances = "/sys/kernel/tracing/instances";

const left = () => ({
  instances: readdirSync(instances).filter((name) => name.startsWith("aod-")),
  tcpdumps: pidsByComm((comm) => comm === "tcpdump").length,
});

async function recording(lab: Lab, daemon: RunningDaemon): Promise<void> {
  await lab.until("packets are recorded, and the rehearsal of the captures is over", 90, async () => {
    await lab.sleep(1);
    const { recorder, captures } = await daemon.status();
    return recorder?.packets.pid !== undefined && captures !== undefined;
  });
}

/** Whether the ring, which only root can read, has what must not get out of it: the first bytes of both files. */
function ringHolds(lab: Lab): Record<string, boolean> {
  const directory = join(lab.aodEnvironment["AOD_STATE_DIR"] ?? "", "packet-ring");
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const ring = Buffer.concat(files.map(({ parentPath, name }) => readFileSync(join(parentPath, name))));
  return Object.fromEntries(
    patterns.map((name) => [name, ring.includes(readFileSync(join(lab.out, name)).subarray(0, 8))]),
  );
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
  timeLimitSeconds: 600,

  async setup(lab) {
    // So that its events are switched on from the first one.
    await lab.run(["modprobe", "cifs"]);
    await startSamba(lab);
    for (const name of patterns)
      lab.write(
        name,
        randomBytes(65_536).map((byte) => byte || 1),
      );
    copyFileSync(join(lab.out, "read"), join(shareDirectory("share"), "read"));
  },

  async timeline(lab) {
    let daemon = await startDaemon(lab, config, false);
    await lab.step("mount", () => mountCifs(lab, { options: { actimeo: 0, echo_interval: 3 } }));
    await recording(lab, daemon);
    await lab.step("one file is written, another read", async () => {
      await lab.run(["cp", join(lab.out, "written"), `${mounted}/written`]);
      await lab.run(["sync", "-f", mounted]);
      await lab.run(["cmp", `${mounted}/read`, join(lab.out, "read")]);
    });
    await lab.step("nothing is wrong", () =>
      lab.until("no incident is open", 60, async () => {
        await lab.sleep(1);
        return (await daemon.incidents()).every(({ state }) => state === "closed");
      }),
    );
    await lab.step("the server hangs, then goes, then comes back", async () => {
      freezeSamba(lab);
      const stuck = lab.start(["stat", `${mounted}/written`]);
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
      lab.writeJson("ring.json", ringHolds(lab));
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
      const stuck = lab.start(["stat", `${mounted}/written`]);
      await lab.sleep(1);
      const { stdout } = await lab.aod(["snapshot", "--for", "1s", "--json", "--config", join(lab.out, "aod.yaml")], {
        timeoutMs: 600_000,
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
        timeoutMs: 600_000,
      });
      copyFileSync(stdout.trim(), join(lab.out, "alone.tar.zst"));
      lab.writeJson("alone.json", left());
    });
  },

  async expect(results) {
    const { recorder } = results.json("status.json") as Awaited<ReturnType<RunningDaemon["status"]>>;
    assert.ok((recorder?.events.events ?? 0) > 20, "events that are switched on");
    assert.ok((recorder?.packets.captured ?? 0) > 20, "packets");
    assert.deepEqual(results.json("ring.json"), { written: true, read: true }, "the ring has what is to be taken out");
    for (const name of ["hang", "dead", "alone"]) await checkBundle(results, `${name}.tar.zst`);
    const hang = results.path("hang.tar.zst");
    const manifest = await manifestIn(results, "hang.tar.zst");
    await reachesBack(results, hang, manifest.opened);
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

/** Operations, kernel events and packets from before the incident opened and from after that. */
async function reachesBack(results: Results, bundle: string, opened: string): Promise<void> {
  const openedMs = Date.parse(opened);
  const ops = linesIn((await readItem(bundle, "ops.ndjson")).toString()) as SmbOpJson[];
  const earlier = ops.filter(({ time }) => Date.parse(time) < openedMs).map(({ command }) => command);
  for (const command of ["SMB2_WRITE", "SMB2_READ"] as const) assert.ok(earlier.includes(command), command);
  assert.ok(
    ops.some(({ time }) => Date.parse(time) > openedMs),
    "operations of the incident",
  );

  const packets = await packetTimes(bundle, "close/packets.pcap");
  for (const isOf of [(time: number) => time * 1000 < openedMs, (time: number) => time * 1000 > openedMs])
    assert.ok(packets.some(isOf), `packets before and after ${opened}`);

  const events = await reportedEvents(bundle, "close/kernel-events.dat");
  if (events === undefined) return;
  const openedSeconds = monotonicOf(results, opened);
  const namesOf = (isOf: (time: number) => boolean) =>
    new Set(events.filter(({ time }) => isOf(time)).map(({ name }) => name));
  assert.ok(namesOf((time) => time < openedSeconds).has("smb3_tcon"), "the mount, before it");
  assert.ok(namesOf((time) => time > openedSeconds).has("smb3_reconnect"), "the reconnect, while it was open");
}

/** Every capture came to its end, packets have headers, and no eight bytes of the files are anywhere. */
async function checkBundle(results: Results, name: string): Promise<void> {
  const path = results.path(name);
  const manifest = await manifestIn(results, name);
  allEnded(manifest, name);
  await holdsNoneOf(
    patterns.map((pattern) => readFileSync(results.path(pattern))),
    path,
    manifest,
  );
  const packets = manifest.items.find((item) => item.name === "close/packets.pcap");
  assert.equal(packets?.status, "ok", `${name}: packets`);
  assert.ok((await readItem(path, "close/packets.pcap")).includes("\xfeSMB", 0, "latin1"), `${name}: SMB2 headers`);
}
