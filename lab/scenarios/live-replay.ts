import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { holdLease } from "../guest/lease.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { waitForProbe } from "../guest/probe.ts";
import type { Background } from "../guest/process.ts";
import { startSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import { linesIn, replayed } from "../replayed.ts";
import { defineScenario } from "../scenario.ts";

const mounts = { smb: "/mnt/share", "3": "/mnt/nfs-3", "4.2": "/mnt/nfs-4.2" } as const;

/** Tools, each with other output. smbslower has the scenario `record`. */
const runs = {
  smbiosnoop: ["-v"],
  smbvfsslower: ["0", "--file", "--tree", "-v"],
  smbvfsiosnoop: ["--inode", "--json"],
  nfsslower: ["0", "-v"],
  nfsiosnoop: ["--json"],
  nfsvfsslower: ["0", "--file", "-j", "-v"],
} as const;
const tools = Object.keys(runs) as (keyof typeof runs)[];

/** Helpers: --tree has the wire probe besides. */
const helpers = tools.length + 1;

/** What the recordings of everything are of, with their options. */
const recordings = { smb_wire: ["--params"], nfs_rpc: [] } as const;

async function work(lab: Lab, root: string): Promise<void> {
  await lab.run(["mkdir", `${root}/reports`]);
  await lab.run(["dd", `of=${root}/reports/may`, "bs=4k", "conv=fsync", "status=none"], { input: "x".repeat(10_000) });
  writeFileSync("/proc/sys/vm/drop_caches", "3");
  await lab.run(["cat", `${root}/reports/may`]);
  await lab.run(["cat", `${root}/reports/june`], { anyStatus: true });
  await lab.run(["ls", "-l", `${root}/reports`]);
  await lab.run(["mv", `${root}/reports/may`, `${root}/reports/last, "final"`]);
  await lab.run(["rm", "-r", `${root}/reports`]);
}

/** The server has who writes come again later: one operation with several attempts. */
async function comeAgain(lab: Lab): Promise<void> {
  for (const version of ["3", "4.2"] as const) {
    const release = await holdLease(lab, `held-${version}`);
    await lab.run(["dd", `of=${mounts[version]}/held-${version}`, "conv=notrunc", "status=none"], { input: "x" });
    await release();
  }
}

interface NfsOp {
  readonly xid?: string;
  readonly command: string;
  readonly version: string;
  readonly status?: string;
  readonly path?: string;
  readonly restarts: number;
  readonly state?: string;
}

const opsIn = (text: string): NfsOp[] => linesIn(text) as NfsOp[];

export default defineScenario({
  name: "live-replay",
  summary: "every tool prints on its recording, elsewhere, to the byte what it printed live; recordings of everything",
  kernels: seenOn("6.12"),
  timeLimitSeconds: 700,

  async setup(lab) {
    await Promise.all([startSamba(lab), startNfsd(lab)]);
    await mountCifs(lab, { mountPoint: mounts.smb, options: { actimeo: 0, echo_interval: 600 } });
    for (const version of ["3", "4.2"] as const) await mountNfs(lab, { version, mountPoint: mounts[version] });
    for (const version of ["3", "4.2"] as const) mkdirSync(`${mounts[version]}/of-${version}`);
  },

  async timeline(lab) {
    const started: Background[] = [];
    for (const [probe, args] of Object.entries(recordings)) {
      const argv = lab.aodArgv(["record", "ops", join(lab.work, `${probe}.aodrec`), probe, ...args]);
      started.push(lab.start(argv, { stdout: `${probe}.out`, stderr: `${probe}.err` }));
    }
    for (const tool of tools) {
      const argv = lab.aodArgv([...runs[tool], "--record", join(lab.work, `${tool}.aodrec`)], tool);
      // In memory, since it is read while it is written.
      started.push(lab.start(argv, { stdout: join(lab.work, `${tool}.out`), stderr: `${tool}.err` }));
    }
    await waitForProbe(lab, helpers + 2, 300);
    // A tool has read that its probe stands when its header is out.
    await lab.until("all tools have begun", 60, () =>
      tools.every(
        (tool) => runs[tool].some((one) => one === "--json") || readFileSync(join(lab.work, `${tool}.out`)).length > 0,
      ),
    );
    await lab.step("work", async () => {
      await work(lab, mounts.smb);
      for (const version of ["3", "4.2"] as const) await work(lab, `${mounts[version]}/of-${version}`);
    });
    await lab.step("come again later", () => comeAgain(lab));
    await lab.sleep(2);
    lab.writeJson("ended.json", await Promise.all(started.map((one) => one.stop("SIGINT", 60_000))));
    for (const tool of tools) lab.keep(join(lab.work, `${tool}.out`), `${tool}.out`);
    for (const name of [...Object.keys(recordings), ...tools])
      lab.write(`${name}.aodrec`, readFileSync(join(lab.work, `${name}.aodrec`)));
  },

  expect(results) {
    const ended = results.json("ended.json") as unknown[];
    assert.deepEqual(
      ended,
      ended.map(() => ({ status: 0, signal: null })),
    );
    for (const tool of tools) {
      const live = { status: 0, stdout: results.text(`${tool}.out`), stderr: results.text(`${tool}.err`) };
      assert.ok(live.stdout.split("\n").length > 10, `${tool}: ${live.stdout}`);
      assert.match(live.stderr, /Lost: nothing\n$/, tool);
      assert.deepEqual(replayed(results, [tool, ...runs[tool]], `${tool}.aodrec`), live, tool);
    }

    // Recordings of everything: the tools have the same operations on them, though another helper has seen them.
    const keys = (text: string): string[] =>
      opsIn(text)
        .filter(({ state }) => state === undefined)
        .map(({ xid, command, version, status, path }) => [xid, command, version, status, path].join(" "))
        .sort();
    const nfs = replayed(results, ["nfsiosnoop", "--json"], "nfs_rpc.aodrec");
    assert.deepEqual(keys(nfs.stdout), keys(results.text("nfsiosnoop.out")));
    const again = opsIn(nfs.stdout).filter(({ path, restarts }) => path?.includes("/held-") && restarts > 0);
    assert.deepEqual(again.map(({ path }) => path?.slice(-3)).sort(), ["4.2", "d-3"]);

    const smb = replayed(results, ["smbiosnoop"], "smb_wire.aodrec");
    assert.match(smb.stdout, /^dd +\d+ +SMB2_CREATE .*\|File=reports\\may$/m);
    assert.match(smb.stdout, /^cat +\d+ +SMB2_CREATE +STATUS_OBJECT_NAME_NOT_FOUND +ENOENT .*\|File=reports\\june$/m);
  },
});
