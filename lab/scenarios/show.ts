import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { askDaemon } from "../../src/daemon/api-client.ts";
import type { Status } from "../../src/daemon/status.ts";
import type { TargetReport } from "../../src/iostat/report.ts";
import { AodError } from "../../src/system/error.ts";
import { keepProcCifs, mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { freezeSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

const smb = "/mnt/share";
const nfs = "/mnt/nfs";
const blocks = 12;
const blockBytes = 65_536;

/** Each of both: a file written and read in so many blocks past the caches, and two names that are not there. */
async function work(lab: Lab, path: string): Promise<void> {
  const dd = ["dd", `bs=${blockBytes}`, `count=${blocks}`, "status=none"];
  await lab.run([...dd, "if=/dev/zero", `of=${path}/blocks`, "oflag=direct"]);
  await lab.run([...dd, `if=${path}/blocks`, "of=/dev/null", "iflag=direct"]);
  for (const name of ["missing-1", "missing-2"]) await lab.run(["cat", join(path, name)], { anyStatus: true });
}

/** A daemon on a busy machine takes its time to answer. */
async function probeRuns(lab: Lab): Promise<boolean> {
  try {
    const status = (await askDaemon(lab.aodEnvironment["AOD_RUN_DIR"] ?? "", "/status")) as Status;
    return status.probes[0]?.state === "running";
  } catch (error) {
    if (error instanceof AodError) return false;
    throw error;
  }
}

/** All subjects, as a user has them: within a time limit, since nothing below a mount is touched. */
async function show(lab: Lab, name: string): Promise<void> {
  const { stdout } = await lab.aod(["show", "--json"], { timeoutMs: 60_000 });
  lab.write(`${name}.ndjson`, stdout);
  lab.write(`${name}.txt`, (await lab.aod(["show"], { timeoutMs: 60_000 })).stdout);
}

export default defineScenario({
  name: "show",
  summary:
    "smbiostat counts a known work on SMB and NFS exactly; aod show tells both clients, and a frozen server's requests with their age; aod debug dmesg",
  kernels: seenOn("5.10", "6.1", "6.12", "7.2"),
  timeLimitSeconds: 420,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0, cache: "none" } });
    await startNfsd(lab);
    await mountNfs(lab, { mountPoint: nfs, options: { noac: true } });
  },

  async timeline(lab) {
    lab.write("aod.yaml", "");
    const daemon = lab.startAod(["run", "--config", join(lab.out, "aod.yaml")], { name: "daemon" });
    await lab.until("the daemon's probe runs", 120, () => probeRuns(lab));
    const readings = join(lab.work, "readings.ndjson");
    const stat = lab.start(lab.aodArgv(["--json", "--record", readings, "2"], "smbiostat"), {
      env: lab.aodEnvironment,
      stdout: "stat.ndjson",
      stderr: "stat.err",
    });
    await lab.until("smbiostat has read once", 120, () => existsSync(readings) && statSync(readings).size > 0);
    await lab.step("work on SMB", () => work(lab, smb));
    await lab.step("work on NFS", () => work(lab, nfs));
    await lab.sleep(9);
    await lab.step("Stats cleared", () => lab.run(["sh", "-c", "echo 0 > /proc/fs/cifs/Stats"]));
    await lab.sleep(9);
    lab.writeJson("ended.json", await stat.stop("SIGINT"));
    lab.keep(readings, "readings.ndjson");
    const opened = lab.start(["sh", "-c", `exec 3<${smb}/blocks 4<${nfs}/blocks; sleep 600`]);
    await lab.sleep(2);
    await lab.step("what is shown of a healthy client", () => show(lab, "healthy"));
    lab.write("dmesg.ndjson", (await lab.aod(["debug", "dmesg", "--json"], { timeoutMs: 60_000 })).stdout);
    freezeSamba(lab);
    const stuck = lab.start(["stat", `${smb}/stuck`]);
    await lab.sleep(8);
    await lab.step("what is shown while the server is frozen", () => show(lab, "frozen"));
    thawSamba();
    await stuck.ended;
    await daemon.stop("SIGTERM");
    for (const name of ["DebugData", "Stats", "open_files", "SecurityFlags", "dfscache"]) keepProcCifs(lab, name);
    // 5.10 has none.
    if (existsSync("/proc/fs/cifs/mount_params")) keepProcCifs(lab, "mount_params");
    await lab.run(["sh", "-c", `cat /proc/fs/cifs/open_dirs > ${lab.out}/cifs-open_dirs.txt || true`]);
    for (const name of [
      "net/rpc/nfs",
      "fs/nfsfs/servers",
      "fs/nfsfs/volumes",
      "self/mountstats",
      "self/mountinfo",
      "net/tcp",
    ])
      lab.keep(`/proc/${name}`, `proc-${name.replaceAll("/", "-")}.txt`);
    await opened.stop("SIGTERM");
  },

  expect(results) {
    assert.deepEqual(results.json("ended.json"), { status: 0, signal: null });
    smbiostatIsExact(results);
    const healthy = results.ndjson("healthy.ndjson") as Shown[];
    assert.deepEqual(
      healthy.filter(({ note }) => note?.includes("not known here")),
      [],
    );
    const one = (all: readonly Shown[], subject: string, protocol: string): Shown =>
      all.find((row) => row.subject === subject && row.protocol === protocol) ?? assert.fail(`${protocol} ${subject}`);
    const server = one(healthy, "servers", "smb");
    assert.deepEqual([server.state, server.dialect, server.address], ["good", "3.1.1", "127.0.0.1"]);
    assert.deepEqual(
      server.sockets?.map(({ remote, state }) => [remote.port, state]),
      [[445, "ESTABLISHED"]],
    );
    assert.deepEqual(one(healthy, "shares", "smb").mounts, [smb]);
    assert.equal(one(healthy, "shares", "smb").open_files, 1);
    assert.equal(one(healthy, "files", "smb").name, "blocks");
    assert.equal(one(healthy, "sessions", "smb").state, "good");
    const far = one(healthy, "servers", "nfs");
    assert.ok(far.sockets?.some(({ remote, state }) => remote.port === 2049 && state === "ESTABLISHED"));
    assert.deepEqual(one(healthy, "shares", "nfs").mounts, [nfs]);
    const said = results.ndjson("dmesg.ndjson") as { readonly id: string; readonly meaning: string }[];
    assert.ok(
      said.some(({ id }) => id === "smb.mounting"),
      "the mount is in the kernel's log",
    );
    assert.ok(said.every(({ meaning }) => meaning !== ""));
    const waiting = (results.ndjson("frozen.ndjson") as Shown[]).filter(
      ({ subject, age_ms }) => subject === "requests" && age_ms !== undefined,
    );
    assert.ok(
      waiting.some(({ age_ms = 0, problems = [] }) => age_ms >= 5000 && problems.length > 0),
      "a request and its age",
    );
  },
});

interface Shown {
  readonly subject: string;
  readonly protocol?: string;
  readonly state?: string;
  readonly dialect?: string;
  readonly address?: string;
  readonly name?: string;
  readonly mounts?: readonly string[];
  readonly open_files?: number;
  readonly age_ms?: number;
  readonly problems?: readonly string[];
  readonly note?: string;
  readonly sockets?: readonly { readonly remote: { readonly port: number }; readonly state: string }[];
}

interface Line extends Partial<TargetReport> {
  readonly kind: "since" | "interval";
  readonly note?: string;
}

function smbiostatIsExact(results: Results): void {
  const lines = (results.ndjson("stat.ndjson") as Line[]).filter(({ kind }) => kind === "interval");
  const cleared = lines.findIndex(({ note }) => /gone back|its begin/.test(note ?? ""));
  assert.ok(cleared > 0, "that Stats was cleared is said");
  for (const protocol of ["smb", "nfs"] as const) {
    const own = lines.slice(0, cleared).filter((line) => line.protocol === protocol && line.restarted !== true);
    const sum = (field: (line: Line) => number | undefined): number =>
      own.reduce((all, line) => all + (field(line) ?? 0), 0);
    assert.equal(
      sum(({ reads }) => reads),
      blocks,
      `${protocol}: reads`,
    );
    assert.equal(
      sum(({ writes }) => writes),
      blocks,
      `${protocol}: writes`,
    );
    assert.equal(
      sum(({ bytes_read }) => bytes_read),
      blocks * blockBytes,
      `${protocol}: bytes read`,
    );
    assert.equal(
      sum(({ bytes_written }) => bytes_written),
      blocks * blockBytes,
      `${protocol}: bytes written`,
    );
    // Stats of SMB does not count what fails within a compound, as the look for a name does.
    if (protocol === "nfs") assert.ok(sum(({ errors }) => errors) >= 2, `${protocol}: errors`);
    const timed = own.flatMap(({ commands = [] }) => commands).filter(({ mean_ms }) => mean_ms !== undefined);
    assert.ok(timed.length > 0, `${protocol}: times`);
    if (protocol === "smb")
      assert.ok(
        timed.some(({ p99_ms }) => p99_ms !== undefined),
        "percentiles of the daemon",
      );
  }
  for (const line of lines)
    for (const [name, value] of Object.entries(line))
      assert.ok(typeof value !== "number" || value >= 0, `${name}: ${value}`);
}
