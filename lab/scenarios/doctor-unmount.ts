import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keepProcCifs, mountCifs } from "../guest/cifs.ts";
import { acceptPort, dropPort } from "../guest/faults.ts";
import { apart, leaks, maps, opens, opensOutOfSight, runsFrom, worksIn } from "../guest/holders.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import type { Background } from "../guest/process.ts";
import { shareDirectory, startSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

const smb = "/mnt/share";
const nfs = "/mnt/nfs";
/** s; long enough that a handle which the client keeps is found in it by a slow machine. */
const closetimeo = 60;

/** One way to keep a mount: who it is, and what is undone after it. */
interface Case {
  readonly name: string;
  readonly on: string;
  /** Its process, and how to end what has none. */
  make(lab: Lab): Promise<Made>;
  readonly kind: string;
  readonly effect: "refuses" | "outlives" | "may" | "goes";
}

interface Made {
  readonly process?: Background;
  readonly undo?: () => Promise<unknown>;
  /** The kernel does not do it, for this reason. */
  readonly refused?: string;
}

const process =
  (start: (lab: Lab) => Background): Case["make"] =>
  async (lab) => {
    const started = start(lab);
    await lab.sleep(2);
    return { process: started };
  };

const cases: readonly Case[] = [
  {
    name: "open",
    on: smb,
    kind: "file",
    effect: "refuses",
    make: process((lab) => opens(lab, `${smb}/a`, `${smb}/b c`)),
  },
  { name: "cwd", on: smb, kind: "cwd", effect: "refuses", make: process((lab) => worksIn(lab, `${smb}/dir`)) },
  { name: "program", on: smb, kind: "exe", effect: "refuses", make: process((lab) => runsFrom(lab, `${smb}/prog`)) },
  { name: "mapped", on: smb, kind: "mapping", effect: "refuses", make: process((lab) => maps(lab, `${smb}/libx.so`)) },
  {
    name: "submount",
    on: smb,
    kind: "mount",
    effect: "refuses",
    make: async (lab) => {
      await lab.run(["mount", "-t", "tmpfs", "tmpfs", `${smb}/dir`]);
      return { undo: () => lab.run(["umount", `${smb}/dir`]) };
    },
  },
  {
    name: "loop",
    on: smb,
    kind: "loop",
    effect: "refuses",
    make: async (lab) => {
      const { stdout } = await lab.run(["losetup", "-f", "--show", `${smb}/image`]);
      return { undo: () => lab.run(["losetup", "-d", stdout.trim()]) };
    },
  },
  {
    name: "copy",
    on: smb,
    kind: "cwd",
    effect: "refuses",
    make: process((lab) => apart(lab, "slave", `cd ${smb}/dir && exec sleep 900`)),
  },
  { name: "namespace", on: smb, kind: "namespace", effect: "outlives", make: process((lab) => apart(lab, "private")) },
  {
    name: "kept",
    on: smb,
    kind: "handle",
    effect: "goes",
    make: async (lab) => {
      await lab.run(["cat", `${smb}/kept`]);
      return { undo: () => lab.sleep(0) };
    },
  },
  {
    name: "sent",
    on: smb,
    kind: "handle",
    effect: "may",
    make: async (lab) => {
      // What nobody has is told from what the client keeps when that time is over.
      await lab.run(["umount", smb]);
      await mountCifs(lab, { options: { closetimeo: 1 } });
      const sender = opensOutOfSight(lab, `${smb}/sent`);
      await lab.sleep(3);
      const again = async (): Promise<void> => {
        await lab.until("umount", 20, async () => (await lab.run(["umount", smb], { anyStatus: true })).status === 0);
        await mountSmb(lab);
      };
      return { process: sender, undo: again };
    },
  },
  { name: "nfs-open", on: nfs, kind: "file", effect: "refuses", make: process((lab) => opens(lab, `${nfs}/a`)) },
  { name: "nfs-cwd", on: nfs, kind: "cwd", effect: "refuses", make: process((lab) => worksIn(lab, `${nfs}/dir`)) },
  {
    name: "nfs-mapped",
    on: nfs,
    kind: "mapping",
    effect: "refuses",
    make: process((lab) => maps(lab, `${nfs}/libx.so`)),
  },
  {
    name: "nfs-swap",
    on: nfs,
    kind: "swap",
    effect: "refuses",
    make: async (lab) => {
      const { status, stderr } = await lab.run(["swapon", `${nfs}/swap`], { anyStatus: true });
      if (status !== 0) return { refused: stderr.trim() };
      return { undo: () => lab.run(["swapoff", `${nfs}/swap`]) };
    },
  },
];

interface Answered {
  readonly verdict: { readonly cause: string; readonly confidence: string; readonly summary: string };
  readonly holders: readonly { readonly kind: string; readonly effect: string; readonly pid?: number }[];
}

async function asked(lab: Lab, name: string, path: string): Promise<void> {
  const { stdout, tookMs } = await lab.aod(["doctor", "unmount", path, "--json"], { timeoutMs: 120_000 });
  lab.write(`${name}.json`, stdout);
  lab.tell(`${name}: ${(JSON.parse(stdout) as Answered).verdict.summary} (${Math.round(tookMs)} ms)`);
}

/** What umount(8) really says, 0 where it did. What it took away is mounted again. */
async function umount(lab: Lab, name: string, path: string): Promise<number | null> {
  const { status } = await lab.run(["umount", path], { anyStatus: true, timeoutMs: 120_000 });
  if (status === 0) keepProcCifs(lab, "DebugData", `${name}-after.txt`);
  if (status === 0) await (path === smb ? mountSmb(lab) : mountNfs(lab, { mountPoint: nfs }));
  return status;
}

const mountSmb = (lab: Lab): Promise<unknown> => mountCifs(lab, { options: { closetimeo } });

export default defineScenario({
  name: "doctor-unmount",
  summary:
    "who keeps a mount, each form made for real on SMB and NFS, against what umount says; open-files, its leak and its trace; a dead server",
  kernels: seenOn("6.1", "6.12", "7.2"),
  timeLimitSeconds: 900,

  async setup(lab) {
    await startSamba(lab);
    const files = shareDirectory("share");
    mkdirSync(join(files, "dir"), { recursive: true });
    for (const name of ["a", "b c", "kept", "sent"]) writeFileSync(join(files, name), "x");
    await lab.run(["dd", "if=/dev/zero", `of=${files}/image`, "bs=1M", "count=4", "status=none"]);
    await mountSmb(lab);
    await lab.run(["modprobe", "loop"]);
    await startNfsd(lab);
    await mountNfs(lab, { mountPoint: nfs });
    mkdirSync(`${nfs}/dir`);
    await lab.run(["dd", "if=/dev/zero", `of=${nfs}/a`, "bs=4k", "count=1", "status=none"]);
    await lab.run(["dd", "if=/dev/zero", `of=${nfs}/swap`, "bs=1M", "count=4", "status=none"]);
    await lab.run(["sh", "-c", `chmod 600 ${nfs}/swap; mkswap ${nfs}/swap`]);
    // As systemd has it, and with it containers: what is mounted in one namespace is mounted in those that follow.
    await lab.run(["mount", "--make-rshared", "/"]);
  },

  async timeline(lab) {
    await lab.step("nobody", () => asked(lab, "nobody", nfs));
    const made: Record<string, { readonly pid?: number; readonly umount: number | null; readonly refused?: string }> =
      {};
    for (const one of cases) {
      await lab.step(one.name, async () => {
        const { process: holder, undo, refused } = await one.make(lab);
        if (refused !== undefined) {
          made[one.name] = { umount: null, refused };
          return;
        }
        await asked(lab, one.name, one.on);
        made[one.name] = {
          ...(holder === undefined ? {} : { pid: holder.pid }),
          umount: await umount(lab, one.name, one.on),
        };
        await holder?.stop();
        await undo?.();
      });
    }
    lab.writeJson("made.json", made);
    await lab.step("open-files", () => openFiles(lab));
    await lab.step("a dead server", () => dead(lab));
  },

  expect(results) {
    verdictsAreRight(results);
    openFilesAreRight(results);
    const dead = results.json("dead.json") as Answered;
    assert.equal(dead.verdict.cause, "mount.busy");
    assert.ok(
      dead.holders.some(({ kind }) => kind === "task"),
      "who waits for the dead server is told",
    );
  },
});

async function openFiles(lab: Lab): Promise<void> {
  const owner = opens(lab, `${smb}/a`);
  const sender = opensOutOfSight(lab, `${smb}/sent`);
  const leaking = leaks(lab, smb);
  await lab.sleep(3);
  lab.writeJson("owners.json", { owner: owner.pid, sender: sender.pid, leaking: leaking.pid });
  lab.write("open-files.txt", (await lab.aod(["open-files", smb], { timeoutMs: 120_000 })).stdout);
  lab.write(
    "open-files.ndjson",
    (await lab.aod(["open-files", "--json", "--wait", "0"], { timeoutMs: 120_000 })).stdout,
  );
  // The time for which the client keeps a handle is over, so what nobody has is a leak.
  const watch = lab.startAod(["open-files", "--watch", "8", "--json"], { name: "watch", stdout: "watch.ndjson" });
  const trace = await lab.aod(["open-files", "--trace", String(leaking.pid), "--for", "10", "--json"], {
    timeoutMs: 120_000,
  });
  lab.write("trace.ndjson", trace.stdout);
  await lab.sleep(closetimeo + 20);
  lab.writeJson("watch-ended.json", await watch.stop("SIGINT"));
  for (const one of [owner, sender, leaking]) await one.stop();
}

async function dead(lab: Lab): Promise<void> {
  await dropPort(lab, 445);
  const stuck = lab.start(["stat", `${smb}/not-known-yet`]);
  await lab.sleep(5);
  await asked(lab, "dead", smb);
  lab.write("dead.txt", (await lab.aod(["doctor", "unmount", smb], { timeoutMs: 120_000 })).stdout);
  lab.write("dead-open-files.txt", (await lab.aod(["open-files", "--wait", "0"], { timeoutMs: 120_000 })).stdout);
  await acceptPort(lab, 445);
  await stuck.ended;
}

function verdictsAreRight(results: Results): void {
  const nobody = results.json("nobody.json") as Answered;
  assert.deepEqual([nobody.verdict.cause, nobody.holders], ["ok", []]);
  const made = results.json("made.json") as Record<
    string,
    { readonly pid?: number; readonly umount: number; readonly refused?: string }
  >;
  for (const { name, kind, effect } of cases) {
    const truth = made[name];
    assert.ok(truth, name);
    // Only swap on NFS, of which the kernel may know nothing.
    if (truth.refused !== undefined) {
      assert.equal(kind, "swap", truth.refused);
      continue;
    }
    const { verdict, holders } = results.json(`${name}.json`) as Answered;
    assert.equal(verdict.cause, effect === "goes" ? "ok" : "mount.busy", `${name}: ${verdict.summary}`);
    const found = holders.filter((holder) => holder.kind === kind);
    assert.ok(found.length > 0, `${name}: a holder of the kind ${kind}`);
    for (const holder of found) assert.equal(holder.effect, effect, name);
    if (truth.pid !== undefined)
      assert.ok(
        found.some(({ pid }) => pid === truth.pid),
        `${name}: it is ${truth.pid}`,
      );
    // umount.nfs(8) has other statuses than umount(8).
    const busy = effect === "refuses" || effect === "may";
    assert.equal(truth.umount !== 0, busy, `${name}: umount ended with ${truth.umount}`);
    assert.equal(verdict.confidence, effect === "refuses" ? "certain" : "likely", name);
    if (busy) continue;
    const connected = results.text(`${name}-after.txt`).includes("\\\\127.0.0.1\\share Mounts");
    assert.equal(connected, effect === "outlives", `${name}: whether the share is connected after umount`);
  }
}

interface Line {
  readonly name?: string;
  readonly path?: string;
  readonly state?: string;
  readonly fds?: readonly number[];
  readonly left?: number;
  readonly opened?: number;
  readonly pid?: number;
  readonly comm?: string;
  readonly handles?: number;
  readonly grown?: number;
  readonly leaked?: number;
  readonly holders?: readonly { readonly pid?: number; readonly fd?: number }[];
}

function openFilesAreRight(results: Results): void {
  const owners = results.json("owners.json") as {
    readonly owner: number;
    readonly sender: number;
    readonly leaking: number;
  };
  const listed = results.ndjson("open-files.ndjson") as Line[];
  const named = (name: string): Line =>
    listed.find((line) => line.name?.startsWith(name) === true) ?? assert.fail(`a handle of ${name}`);
  assert.deepEqual(
    named("a").holders?.map(({ pid, fd }) => [pid, fd]),
    [[owners.owner, 3]],
  );
  assert.deepEqual([named("sent").state, named("sent").holders], ["kept", []]);
  assert.deepEqual(
    named("leaked-").holders?.map(({ pid }) => pid),
    [owners.leaking],
  );
  const watched = results.ndjson("watch.ndjson") as Line[];
  assert.ok(
    watched.some(({ pid, grown = 0 }) => pid === owners.leaking && grown >= 3),
    "its handles grow at each look",
  );
  assert.equal(
    watched.findLast(({ pid, handles }) => pid === undefined && handles !== undefined)?.leaked,
    1,
    "one handle has nobody",
  );
  const trace = results.ndjson("trace.ndjson") as Line[];
  const whole = trace.at(-1);
  const open = trace.filter(({ state }) => state === "open");
  assert.ok(
    open.length >= 2 && open.every(({ path }) => path?.startsWith(`${smb}/leaked-`) === true),
    "only what is never closed is left",
  );
  assert.ok(open.every(({ fds }) => fds?.length === 1));
  assert.ok(trace.some(({ path, state }) => path?.startsWith(`${smb}/closed`) === true && state === "closed"));
  assert.equal(whole?.left, open.length);
}
