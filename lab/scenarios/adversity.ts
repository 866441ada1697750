import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { readItem, verifyBundle } from "../../src/bundle/reader.ts";
import { tellDaemon } from "../../src/daemon/api-client.ts";
import type { Status } from "../../src/daemon/status.ts";
import { moduleUsers } from "../../src/system/module-users.ts";
import { mountCifs, unmount } from "../guest/cifs.ts";
import { type Incident, type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import { footprintOf } from "../guest/footprint.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { startSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const mounted = "/mnt/share";
const tcpdump = "/usr/bin/tcpdump";
const config = [
  "incidents: {cool_down: 3s, post: 1s}",
  "recorder: {packets: {mode: always}}",
  "bundles: {min_free: 0KiB}",
  "probes: {linger: 20s}",
  // Snapshots are the incidents here; what the emulated processor makes slow is none.
  "detectors: {latency: {enabled: false}}",
  "",
].join("\n");
const daySeconds = 86_400;
/** Before the module goes by itself. */
const cases = ["quiet", "full", "readonly", "ahead", "back", "stopped", "tcpdump", "unloaded", "reloaded"];

interface Snapshot extends Incident {
  readonly bundle_error?: string;
}

/** How the case NAME went: what `aod status` said while it lasted, and whether the next snapshot was whole. */
interface Case {
  readonly status: Status;
  readonly text: string;
  readonly snapshot: Snapshot;
}

const stateDir = (lab: Lab): string => lab.aodEnvironment["AOD_STATE_DIR"] ?? "";

async function snapshot(lab: Lab, daemon: RunningDaemon): Promise<Snapshot> {
  const runDir = lab.aodEnvironment["AOD_RUN_DIR"] ?? "";
  const { id } = (await tellDaemon(runDir, "/snapshot", { for_ms: 1000 })) as Incident;
  await lab.run(["stat", mounted], { anyStatus: true });
  let found: Snapshot | undefined;
  await lab.until("the snapshot is closed", 120, async () => {
    await lab.sleep(0.5);
    found = (await daemon.incidents()).find((one) => one.id === id);
    return found?.state === "closed";
  });
  return found ?? assert.fail(id);
}

async function stepClock(lab: Lab, seconds: number): Promise<void> {
  await lab.run(["date", "--set", `@${(Date.now() / 1000 + seconds).toFixed(3)}`]);
}

function fill(path: string): void {
  const fd = openSync(path, "w");
  try {
    for (const size of [65_536, 512]) writeAll(fd, Buffer.alloc(size, "f"));
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, block: Buffer): void {
  try {
    for (;;) writeSync(fd, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

/** Finished bundles by their content. */
function digests(lab: Lab): Record<string, string> {
  const folder = join(stateDir(lab), "bundles");
  const names = readdirSync(folder).filter((name) => name.endsWith(".tar.zst"));
  return Object.fromEntries(
    names.map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
}

export default defineScenario({
  name: "adversity",
  summary:
    "disk full, read-only state, clock steps, a stopped daemon, no journald, no tcpdump, modules that go: stated, and nothing complete is lost",
  kernels: smbWireLines,
  timeLimitSeconds: 1200,

  async setup(lab) {
    mkdirSync(stateDir(lab), { recursive: true });
    await lab.run(["mount", "-t", "tmpfs", "-o", "size=24m", "state", stateDir(lab)]);
    lab.onEnd("unmount the small disk", async () => {
      await lab.run(["umount", "--lazy", stateDir(lab)]);
    });
    await startSamba(lab);
    await startNfsd(lab);
  },

  async timeline(lab) {
    await lab.run(["modprobe", "cifs"]);
    const daemon = await startDaemon(lab, config);
    const mount = () => mountCifs(lab, { options: { actimeo: 0, echo_interval: 600 } });
    await mount();
    const until = (what: string, wanted: (status: Status) => boolean): Promise<void> =>
      lab.until(what, 90, async () => {
        await lab.sleep(0.5);
        return wanted(await daemon.status());
      });
    const recording = () => until("packets are recorded", ({ recorder }) => recorder?.packets.pid !== undefined);
    await recording();
    const complete: Record<string, string> = {};
    const note = async (name: string, during?: () => Promise<void>): Promise<void> => {
      const status = await daemon.status();
      const { stdout: text } = await lab.aod(["status"]);
      await during?.();
      const taken = await snapshot(lab, daemon);
      if (taken.bundle !== null) copyFileSync(taken.bundle, join(lab.out, `${name}.tar.zst`));
      Object.assign(complete, digests(lab));
      const one: Case = { status, text, snapshot: taken };
      lab.writeJson(`case-${name}.json`, one);
    };

    await lab.step("no journald, and all else well", () => note("quiet"));

    await lab.step("the disk is full", async () => {
      const filler = join(stateDir(lab), "filler");
      fill(filler);
      lab.writeJson("full-snapshot.json", await snapshot(lab, daemon));
      await note("full", async () => rmSync(filler));
    });
    await lab.step("the state directory is read-only", async () => {
      // Neither what tcpdump has open for writing nor the locks would let it become so.
      const remount = (mode: string) => lab.run(["mount", "-o", `remount,bind,${mode}`, stateDir(lab)]);
      await lab.run(["mount", "--bind", stateDir(lab), stateDir(lab)]);
      await remount("ro");
      lab.writeJson("readonly-snapshot.json", await snapshot(lab, daemon));
      await note("readonly", async () => {
        await lab.run(["umount", "--lazy", stateDir(lab)]);
      });
    });
    await lab.step("the clock is set 40 days ahead, and back", async () => {
      await stepClock(lab, 40 * daySeconds);
      await lab.sleep(3);
      await note("ahead");
      await stepClock(lab, -40 * daySeconds);
      await lab.sleep(3);
      await note("back");
    });
    await lab.step("daemon and helpers are stopped for 20 s", async () => {
      const family = footprintOf(daemon.process.pid).map(({ pid }) => pid);
      for (const pid of family) process.kill(pid, "SIGSTOP");
      await lab.sleep(20);
      for (const pid of [...family].reverse()) process.kill(pid, "SIGCONT");
      await until("it notices", ({ continuity }) => (continuity?.pauses ?? 0) > 0);
      await note("stopped");
    });
    await lab.step("tcpdump is gone, and comes again", async () => {
      renameSync(tcpdump, `${tcpdump}.away`);
      lab.onEnd("tcpdump is there again", async () => {
        if (readdirSync("/usr/bin").includes("tcpdump.away")) renameSync(`${tcpdump}.away`, tcpdump);
      });
      const { recorder } = await daemon.status();
      if (recorder?.packets.pid !== undefined) process.kill(recorder.packets.pid, "SIGKILL");
      await until("it says so", (status) => status.recorder?.packets.state === "unavailable");
      await note("tcpdump");
      renameSync(`${tcpdump}.away`, tcpdump);
    });
    await lab.step("the last mount goes, and then the module", async () => {
      await unmount(lab, mounted);
      const busy = await lab.run(["rmmod", "cifs"], { anyStatus: true });
      lab.writeJson("pinned.json", { status: busy.status, stderr: busy.stderr });
      const { stdout } = await lab.aod(["probes", "detach"]);
      lab.write("detach.txt", stdout);
      // The kernel lets go of a program some time after its file is closed.
      await lab.until("the module can be unloaded", 30, async () => {
        await lab.sleep(0.5);
        return (await lab.run(["rmmod", "cifs"], { anyStatus: true })).status === 0;
      });
      await until("the source says so", ({ sources }) =>
        sources.some(({ name, state }) => name === "debug-data" && state === "off"),
      );
      await note("unloaded");
    });
    await lab.step("and comes again", async () => {
      lab.write("attach.txt", (await lab.aod(["probes", "attach"])).stdout);
      lab.writeJson("waiting.json", await daemon.status());
      await mount();
      await until("the probe is attached", ({ probes }) => probes[0]?.state === "running");
      await lab.run(["stat", mounted]);
      await note("reloaded");
    });
    const pinned = () => ({ cifs: moduleUsers("/sys", "cifs"), sunrpc: moduleUsers("/sys", "sunrpc") });
    await lab.step("SMB and NFS are mounted, and the last mounts go", async () => {
      await mountNfs(lab);
      const states = (wanted: string) => (status: Status) =>
        status.probes.every(({ name, state }) => name === "smb_vfs" || state === wanted);
      await until("both probes are attached", states("running"));
      const before = pinned();
      for (const path of [mounted, "/mnt/nfs"]) await unmount(lab, path);
      await until("both probes have let go", states("detached"));
      // One look more: the kernel lets go of a program some time after its file is closed.
      await lab.until("no module is pinned", 30, async () => {
        await lab.sleep(0.5);
        return (pinned().sunrpc ?? 0) < (before.sunrpc ?? 0) && pinned().cifs === 0;
      });
      lab.writeJson("pins.json", { before, after: pinned() });
      lab.writeJson("released.json", await daemon.status());
      const removed = await Promise.all(
        ["cifs", "nfsv4"].map((module) => lab.run(["modprobe", "--remove", module], { anyStatus: true })),
      );
      lab.writeJson("removed.json", removed);
      await until("and says that the module is gone", ({ probes }) => probes[0]?.state === "waiting");
      await note("released");
    });
    await lab.step("a mount appears, and loads the module again", async () => {
      await mount();
      await until("the probe is attached", ({ probes }) => probes[0]?.state === "running");
      // It is looked for each 5 minutes.
      await recording();
      await lab.run(["stat", mounted]);
      await note("again");
    });
    lab.writeJson("complete.json", { before: complete, end: digests(lab) });
    lab.writeJson("end.json", await daemon.process.stop());
  },

  async expect(results) {
    const one = (name: string): Case => results.json(`case-${name}.json`) as Case;
    const source = (name: string, of: string) => one(name).status.sources.find((candidate) => candidate.name === of);
    const journal = source("quiet", "journal");
    assert.ok(journal?.state !== "ok" && journal?.why !== undefined, `journald: ${journal?.state} ${journal?.why}`);
    assert.notEqual(one("quiet").status.incidents.announced?.journal, "ok");
    for (const [name, said] of [
      ["full", /no space left/],
      ["readonly", /read-only/i],
    ] as const) {
      const refused = results.json(`${name}-snapshot.json`) as Snapshot;
      assert.equal(refused.bundle, null);
      assert.match(refused.bundle_error ?? "", said);
      assert.match(one(name).status.bundles.last_error?.message ?? "", said);
      assert.match(one(name).text, said);
    }
    const { continuity: ahead } = one("ahead").status;
    assert.ok(Math.abs((ahead?.last_clock_step?.by_s ?? 0) - 40 * daySeconds) < 600, JSON.stringify(ahead));
    assert.match(one("ahead").text, /the clock was set, or the machine slept/);
    assert.ok((one("back").status.continuity?.clock_steps ?? 0) > (ahead?.clock_steps ?? 0));
    assert.ok((one("stopped").status.continuity?.last_pause?.for_s ?? 0) >= 10);
    assert.match(one("stopped").text, /did not run \d+ times/);
    assert.match(one("tcpdump").text, /packets +unavailable: .*tcpdump/);
    // What an attached program belongs to stays.
    assert.notEqual((results.json("pinned.json") as { status: number }).status, 0);
    assert.match(results.text("detach.txt"), /^smb_wire detached: /m);
    assert.equal(one("unloaded").status.probes[0]?.state, "detached");
    assert.match(source("unloaded", "debug-data")?.why ?? "", /not loaded/);
    assert.match(results.text("attach.txt"), /^smb_wire (?:waiting|starting)/m);
    assert.equal(one("reloaded").status.probes[0]?.state, "running");

    for (const { status, stderr } of results.json("removed.json") as { status: number; stderr: string }[])
      assert.equal(status, 0, `modprobe --remove: ${stderr}`);
    const { probes } = results.json("released.json") as Status;
    assert.deepEqual(
      probes.flatMap(({ name, why }) => (name === "smb_vfs" ? [] : [why])),
      ["SMB", "NFS"].map((name) => `no ${name} mount for 20 s; the next one attaches it again`),
    );
    const detached = probes.filter(({ state }) => state === "detached");
    assert.deepEqual(
      detached.map(({ without }) => without),
      [[], []],
      "nothing is missing",
    );
    assert.equal(one("released").status.probes[0]?.why, "the kernel module cifs is not loaded");
    assert.equal(one("again").status.probes[0]?.state, "running");

    for (const name of [...cases, "released", "again"]) {
      const { bundle } = one(name).snapshot;
      assert.ok(bundle !== null, `${name}: there is a bundle again`);
      const { ok, items } = await verifyBundle(results.path(`${name}.tar.zst`));
      assert.ok(ok, `${name} ${basename(bundle)}: ${JSON.stringify(items.filter(({ result }) => result !== "ok"))}`);
    }
    for (const name of ["reloaded", "again"]) {
      const ops = (await readItem(results.path(`${name}.tar.zst`), "ops.ndjson")).toString();
      assert.match(ops, /"comm":"stat"/, `${name}: operations are seen again`);
    }
    const { before, end } = results.json("complete.json") as Record<"before" | "end", Record<string, string>>;
    assert.deepEqual(end, before, "nothing that was complete is lost or changed");
    assert.deepEqual(results.json("end.json"), { status: 0, signal: null });
  },
});
