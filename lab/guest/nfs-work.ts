// What is done on a mount of each NFS version, for the scenarios that compare a tool with mountstats.
import assert from "node:assert/strict";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";
import { holdLease } from "./lease.ts";
import { exportDirectory, mountNfs, type NfsVersion, nfsVersions, readMountstats, startNfsd } from "./nfs.ts";
import { waitForProbe } from "./probe.ts";

/** How often the workload does what, on each mount. */
export const nfsPrimes = { files: 7, reads: 5, directories: 3, renames: 2, unlinks: 5, missing: 11 } as const;

export const pathOf = (version: NfsVersion): string => `/mnt/nfs-${version}`;

/** Each directory of the export is one version's. */
function work(version: NfsVersion): void {
  const root = join(pathOf(version), `v${version}`);
  const buffer = Buffer.alloc(4096, "p");
  const file = (n: number): string => join(root, `file-${n}`);
  for (let n = 0; n < nfsPrimes.files; n++) {
    const fd = openSync(file(n), "wx");
    writeSync(fd, buffer);
    fsyncSync(fd);
    closeSync(fd);
  }
  writeFileSync("/proc/sys/vm/drop_caches", "1");
  for (let n = 0; n < nfsPrimes.reads; n++) {
    const fd = openSync(file(n), "r");
    readSync(fd, buffer);
    closeSync(fd);
  }
  for (let n = 0; n < nfsPrimes.directories; n++) mkdirSync(join(root, `directory-${n}`));
  for (let n = 0; n < nfsPrimes.renames; n++) renameSync(file(n), join(root, `renamed-${n}`));
  for (let n = 0; n < nfsPrimes.unlinks; n++) unlinkSync(file(nfsPrimes.renames + n));
  for (let n = 0; n < nfsPrimes.missing; n++) {
    assert.throws(() => openSync(join(root, `missing-${n}`), "r"), { code: "ENOENT" });
  }
}

/** The server has who wants to write a file come again: NFS3ERR_JUKEBOX, NFS4ERR_DELAY. */
async function comeAgain(lab: Lab): Promise<void> {
  for (const version of nfsVersions) {
    const name = `held-${version}`;
    const release = await holdLease(lab, name);
    const file = join(pathOf(version), name);
    await lab.run(["dd", `of=${file}`, "conv=notrunc", "status=none"], { input: "x", timeoutMs: 60_000 });
    await release();
  }
}

const answers = ["INPUT", "-i", "lo", "-p", "tcp", "--sport", "2049", "-j", "DROP"];

/** The server's answers are lost, then the connections: what was sent is sent again on the next one. */
async function connectionLost(lab: Lab): Promise<void> {
  lab.onEnd("accept port 2049", async () => {
    await lab.run(["iptables", "-w", "10", "-D", ...answers], { anyStatus: true });
  });
  await lab.run(["iptables", "-w", "10", "-A", ...answers]);
  const waiting = nfsVersions.map((version) => lab.start(["mkdir", join(pathOf(version), `lost-${version}`)]));
  await lab.sleep(4);
  await lab.run(["ss", "-K", "dport", "=", ":2049"], { anyStatus: true });
  await lab.run(["iptables", "-w", "10", "-D", ...answers]);
  await lab.until("all go on", 90, () => waiting.every((one) => !one.running));
}

function keepStats(lab: Lab, when: string): void {
  lab.write(`mountstats-${when}.txt`, readFileSync("/proc/self/mountstats", "utf8"));
}

export async function setUpNfsWork(lab: Lab): Promise<void> {
  await startNfsd(lab);
  for (const module of ["nfs", "nfsv3", "nfsv4"]) await lab.run(["modprobe", module]);
  for (const version of nfsVersions) {
    // An earlier scenario of the same boot may have left its own.
    for (const name of [`v${version}`, `lost-${version}`])
      rmSync(join(exportDirectory, name), { recursive: true, force: true });
    mkdirSync(join(exportDirectory, `v${version}`));
  }
}

/** Leaves pids.json, ops.ndjson and tool.err of nfsiosnoop, mountstats-before.txt and -after.txt, ended.json. */
export async function nfsWorkUnderSnoop(lab: Lab, env: Readonly<Record<string, string>> = {}): Promise<void> {
  lab.writeJson("pids.json", { driver: process.pid });
  const tool = lab.start(lab.aodArgv(["--json", "-v"], "nfsiosnoop"), {
    stdout: "ops.ndjson",
    stderr: "tool.err",
    env,
  });
  await waitForProbe(lab);
  for (const version of nfsVersions) {
    await mountNfs(lab, { version, mountPoint: pathOf(version), options: { actimeo: 0 } });
    await lab.step(`work with version ${version}`, () => work(version));
  }
  await lab.step("come again later", () => comeAgain(lab));
  await lab.step("connections lost", () => connectionLost(lab));
  await lab.sleep(2);
  for (const version of nfsVersions) readMountstats(lab, pathOf(version));
  keepStats(lab, "before");
  const ended = await tool.stop("SIGINT", 30_000);
  keepStats(lab, "after");
  lab.writeJson("ended.json", ended);
}
