import assert from "node:assert/strict";
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { readItem, readManifest, verifyBundle } from "../../src/bundle/reader.ts";
import type { Status } from "../../src/daemon/status.ts";
import type { SmbOpJson } from "../../src/probe/op-json.ts";
import { asNobody, type EndOf, refusals } from "../guest/beside.ts";
import { mountCifs } from "../guest/cifs.ts";
import { type Incident, type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import { clearImpairment, impair } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { onRungs, type ProbeSaid } from "../guest/rungs.ts";
import { startSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

// Above what a busy machine takes by itself, below what the fault adds.
const config = [
  "detectors: {latency: {threshold: 1100ms, single: 1100ms}}",
  "incidents: {cool_down: 5s, post: 5m}",
  "bundles: {min_free: 0KiB}",
].join("\n");
const delayMs = 1200;

let daemon: RunningDaemon;

const stateDir = (lab: Lab): string => lab.aodEnvironment.AOD_STATE_DIR ?? "";
const bundlesOn = (lab: Lab): string[] => readdirSync(join(stateDir(lab), "bundles")).sort();

async function keepStatus(lab: Lab, name: string): Promise<Status> {
  const status = await daemon.status();
  lab.writeJson(`status-${name}.json`, status);
  return status;
}

/** A fresh boot has no cifs; an earlier scenario of this boot may have left it. */
async function unloadCifs(lab: Lab): Promise<boolean> {
  if (!existsSync("/sys/module/cifs")) return true;
  await lab.run(["rmmod", "cifs"], { anyStatus: true });
  return !existsSync("/sys/module/cifs");
}

/** One operation that takes 1.2 s too long; resolves when the incident that it makes is open. */
async function slowOperation(lab: Lab, known: ReadonlySet<string>): Promise<string> {
  await impair(lab, { delayMs });
  await lab.run(["stat", "/mnt/share/file"]);
  await clearImpairment(lab);
  let id: string | undefined;
  await lab.until("an incident opens", 30, async () => {
    id = (await daemon.incidents()).find((incident) => !known.has(incident.id))?.id;
    return id !== undefined;
  });
  return id ?? "";
}

async function known(): Promise<Set<string>> {
  return new Set((await daemon.incidents()).map((incident) => incident.id));
}

async function untilClosed(lab: Lab, id: string): Promise<Incident> {
  let found: Incident | undefined;
  await lab.until("the incident closes", 60, async () => {
    found = (await daemon.incidents()).find((incident) => incident.id === id);
    return found?.state === "closed";
  });
  return found ?? assert.fail(id);
}

/** The wall clock of the guest, in s from now. */
async function stepClock(lab: Lab, seconds: number): Promise<void> {
  await lab.run(["date", "--set", `@${(Date.now() / 1000 + seconds).toFixed(3)}`]);
}

function fill(path: string): void {
  const fd = openSync(path, "w");
  const block = Buffer.alloc(64 * 1024, "f");
  try {
    for (;;) writeSync(fd, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(fd);
  }
}

/** A bundle of the state directory, into the results. */
function keepBundle(lab: Lab, path: string | null): string {
  assert.ok(path !== null, "there is a bundle");
  copyFileSync(path, join(lab.out, basename(path)));
  return basename(path);
}

export default defineScenario({
  name: "circumstances",
  summary:
    "no module yet, not root, a second daemon, a mount that goes, missing hooks, a clock that steps, a full disk",
  kernels: smbWireLines,
  thin: true,
  timeLimitSeconds: 300,

  async setup(lab) {
    lab.writeJson("unloaded.json", await unloadCifs(lab));
    mkdirSync(stateDir(lab), { recursive: true });
    await lab.run(["mount", "-t", "tmpfs", "-o", "size=8m", "state", stateDir(lab)]);
    lab.onEnd("unmount the small disk", async () => {
      await lab.run(["umount", "--lazy", stateDir(lab)]);
    });
    await startSamba(lab);
    daemon = await startDaemon(lab, config, false);
  },

  async timeline(lab) {
    await lab.step("nothing is mounted", () => keepStatus(lab, "waiting"));
    await lab.step("not root; a second daemon", async () => {
      lab.writeJson(
        "refusals.json",
        await refusals(lab, {
          nobody: { argv: [...asNobody, ...lab.aodArgv(["0"], "smbslower")] },
          twice: { argv: lab.aodArgv(["run", "--config", join(lab.out, "aod.yaml")]) },
        }),
      );
    });
    await lab.step("a mount appears", async () => {
      await mountCifs(lab, { options: { actimeo: 0 } });
      await lab.until(
        "the probe attaches",
        60,
        async () => (await keepStatus(lab, "mounted")).probes[0]?.state === "running",
      );
    });
    await lab.step("and disappears", async () => {
      const { status, timedOut } = await lab.run(["umount", "/mnt/share"], { anyStatus: true, timeoutMs: 30_000 });
      lab.writeJson("umount.json", { status, timedOut });
      await lab.until(
        "the connection is gone",
        30,
        async () => (await keepStatus(lab, "unmounted")).targets.length === 0,
      );
    });
    await lab.step("and appears again", async () => {
      await mountCifs(lab, { options: { actimeo: 0 } });
      await lab.run(["dd", "if=/dev/zero", "of=/mnt/share/file", "bs=4k", "count=1", "status=none"]);
      await keepStatus(lab, "again");
    });

    await lab.step("beside it: kprobes alone, no send hook, no release hook", async () => {
      const write = ["dd", "if=/dev/zero", "of=/mnt/share/file", "bs=4k", "count=1", "conv=fsync", "status=none"];
      const rungs = {
        kprobes: { fentry: false },
        noSend: { hide: ["send"] },
        noCredits: { hide: ["credits", "mtu_credits"] },
        noRelease: { hide: ["release"] },
      };
      lab.writeJson("rungs.json", await onRungs(lab, rungs, () => lab.run(write)));
    });

    const stepped = await lab.step("the clock steps an hour ahead and back during an incident", async () => {
      const before = await known();
      const id = await slowOperation(lab, before);
      await stepClock(lab, 3600);
      await lab.run(["stat", "/mnt/share/file"]);
      await lab.sleep(1.5);
      await stepClock(lab, -3600);
      await lab.run(["stat", "/mnt/share/file"]);
      const closed = await untilClosed(lab, id);
      lab.writeJson("stepped.json", {
        closed,
        others: [...(await known())].filter((one) => one !== id && !before.has(one)),
      });
      return closed;
    });
    const older = keepBundle(lab, stepped.bundle);

    await lab.step("the disk fills up during an incident", async () => {
      const id = await slowOperation(lab, await known());
      const filler = join(stateDir(lab), "filler");
      fill(filler);
      const closed = await untilClosed(lab, id);
      await keepStatus(lab, "full");
      const left = bundlesOn(lab);
      copyFileSync(join(stateDir(lab), "bundles", older), join(lab.out, "older-after.tar.zst"));
      rmSync(filler);
      lab.writeJson("full.json", { closed, left });
    });
    await lab.step("there is room again; SIGTERM during the next incident", async () => {
      const id = await slowOperation(lab, await known());
      const began = performance.now();
      const { status } = await daemon.process.stop("SIGTERM", 30_000);
      const tookMs = performance.now() - began;
      const path = join(stateDir(lab), "bundles", `${id}.tar.zst`);
      const state = existsSync(path) ? "complete" : "recovered";
      if (state === "recovered") {
        // On a slow machine the captures do not fit into the daemon's end: the next start finishes the bundle.
        daemon = await startDaemon(lab, config, false);
        await lab.until("the next start finishes the bundle", 60, () => existsSync(path));
        await daemon.process.stop("SIGTERM", 30_000);
      }
      const left = bundlesOn(lab);
      const bundle = keepBundle(lab, path);
      lab.writeJson("end.json", { status, tookMs, state, left, bundle, older });
    });
  },

  async expect(results) {
    const status = (name: string): Status => results.json(`status-${name}.json`) as Status;
    if (results.json("unloaded.json") === true) {
      assert.equal(status("waiting").probes[0]?.state, "waiting");
      assert.match(status("waiting").probes[0]?.why ?? "", /module cifs is not loaded/);
    }
    assert.deepEqual(status("waiting").targets, []);

    const refused = results.json("refusals.json") as Record<string, EndOf>;
    const says = (name: string, text: RegExp): void => {
      const { status: code, stderr } = refused[name] ?? assert.fail(name);
      assert.equal(code, 1, `${name}: ${stderr}`);
      assert.match(stderr, text, name);
    };
    says("nobody", /root.*sudo/);
    says("twice", new RegExp(`already running as process ${status("waiting").pid} `));

    for (const name of ["mounted", "again"]) {
      const [target, ...more] = status(name).targets;
      assert.deepEqual(more, []);
      assert.equal(target?.server, "127.0.0.1");
      assert.deepEqual(target?.shares, ["\\\\127.0.0.1\\share"]);
      assert.equal(target?.connection, "good");
    }
    assert.deepEqual(results.json("umount.json"), { status: 0, timedOut: false });
    assert.deepEqual(status("unmounted").targets, []);
    const helpers = ["mounted", "unmounted", "again", "full"].map((name) => status(name).probes[0]?.pid);
    assert.equal(new Set(helpers).size, 1, `one helper all the time: ${helpers}`);

    const { kprobes, noSend, noCredits, noRelease } = results.json("rungs.json") as Record<string, ProbeSaid>;
    for (const hook of kprobes?.hooks ?? assert.fail()) {
      const unneeded = hook.why?.startsWith("not needed") === true;
      assert.deepEqual([hook.name, hook.rung], [hook.name, unneeded ? "none" : "kprobe"]);
    }
    assert.deepEqual(kprobes?.phases.SMB2_FLUSH, ["queue", "send", "wire", "wake"]);
    assert.ok(kprobes?.tasks.includes("dd") && !kprobes.tasks.includes("cifsd"));
    const send = noSend?.hooks.find((hook) => hook.name === "send");
    assert.deepEqual([send?.rung, send?.why], ["none", "hidden by --hide"]);
    assert.deepEqual(noSend?.phases.SMB2_FLUSH, ["queue", "wake"]);
    assert.deepEqual(noCredits?.phases.SMB2_FLUSH, ["send", "wire", "wake"]);
    assert.ok(!noCredits?.lost.includes("tasks"), "a hook that is not there is no full table");
    assert.deepEqual(noRelease?.error, {
      unsupported: true,
      message: "smb_wire cannot attach to __release_mid: hidden by --hide",
    });

    const stepped = results.json("stepped.json") as { closed: Incident; others: string[] };
    assert.deepEqual(stepped.others, [], "a step of the clock makes no incident");
    const end = results.json("end.json") as {
      status: number;
      state: "complete" | "recovered";
      left: string[];
      bundle: string;
      older: string;
    };
    const { closed, left } = results.json("full.json") as {
      closed: Incident & { bundle_error?: string };
      left: string[];
    };
    assert.equal(closed.bundle, null);
    assert.match(closed.bundle_error ?? "", /no space left/);
    // A busy machine may have made a slow operation of its own before, and a bundle of it.
    const half = left.filter((name) => name.includes(closed.id) || !name.endsWith(".tar.zst"));
    assert.deepEqual(half, [], "nothing half");
    assert.ok(left.includes(end.older), "what was complete stays");
    assert.match(status("full").bundles.last_error?.message ?? "", /no space left/);
    for (const name of [end.older, end.bundle]) assert.ok(end.left.includes(name), `${name} is there`);
    assert.equal(end.status, 0);
    for (const name of [end.older, "older-after.tar.zst", end.bundle]) {
      const report = await verifyBundle(results.path(name));
      assert.ok(report.ok, `${name}: ${JSON.stringify(report.items)}`);
      const state = name === end.bundle ? end.state : "complete";
      assert.equal((await readManifest(results.path(name))).state, state, name);
    }
    const ops = (await readItem(results.path(end.older), "ops.ndjson")).toString().trim().split("\n");
    const stats = ops.map((line) => JSON.parse(line) as SmbOpJson).filter((op) => op.comm === "stat");
    // One process after the other: in that order, whatever the wall clock did meanwhile.
    const processes = [...new Set(stats.map((op) => op.pid))].map((pid) => stats.filter((op) => op.pid === pid));
    assert.equal(processes.length, 3, "before, between and after the steps");
    for (const [index, later] of processes.slice(1).entries()) {
      for (const op of processes[index] ?? []) {
        for (const next of later) assert.ok(op.time <= next.time, `${op.time} before ${next.time}`);
      }
    }
    const manifest = await readManifest(results.path(end.older));
    assert.match(manifest.notes.join("\n"), /clock/, "the bundle says that the clock was set");
  },
});
