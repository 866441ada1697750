import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mountCifs } from "../guest/cifs.ts";
import { clearImpairment, impair } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { waitForProbe } from "../guest/probe.ts";
import { freezeSamba, shareDirectory, startSamba, thawSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const mounts = { smb: "/mnt/share", nfs: "/mnt/nfs" } as const;
const fixture = join(import.meta.dirname, "../../test/fixtures/recordings/6.12-smb_wire.aodrec");
/** What runs first at an end reads a file whose name a shell would take for commands. */
const kept = "/run/lab-work/kept; by hand.aodrec";

type Argv = readonly [tool: string, ...args: string[]];
/** How a tool is started, and what it says of its end. */
type Ends = Readonly<Record<string, readonly [Argv, RegExp]>>;

/** None of them shows a line before its end: nothing takes 100 s. */
const byErrors: Ends = {
  "errors-shown": [
    ["smbiosnoop", "--errors", "-c", "close", "--comm", "head", "--stop-on", "errors>=2/60s"],
    /stopped by errors>=2\/60s: head \(\d+\) SMB2_CLOSE \d/,
  ],
  "errors-not-shown": [
    ["smbslower", "100000", "--stop-on", "errors>=5/60s"],
    /stopped by errors>=5\/60s: (cat|head|rmdir) \(\d+\) SMB2_\w+ \d/,
  ],
  errno: [
    ["smbslower", "100000", "--stop-on", "errno=ENOENT", "--then", `record show '${kept}'`],
    /stopped by errno=ENOENT: cat \(\d+\) SMB2_CREATE \d/,
  ],
  "vfs-errors": [
    ["smbvfsslower", "100000", "--inode", "--stop-on", "errors>=3/60s"],
    /stopped by errors>=3\/60s: rmdir \(\d+\) cifs_rmdir \d/,
  ],
  "nfs-status": [
    ["nfsslower", "100000", "--stop-on", "status=NFS4ERR_NOENT", "--then", "status"],
    /stopped by status=NFS4ERR_NOENT: cat \(\d+\) (OPEN|LOOKUP) \d/,
  ],
  "nfs-errors": [
    ["nfsiosnoop", "--errors", "-V", "4", "-c", "open,lookup", "--stop-on", "errors >= 3 / 60s"],
    /stopped by errors >= 3 \/ 60s: cat \(\d+\) (OPEN|LOOKUP) \d/,
  ],
};

const delayMs = 2000;
const bySlowness: Ends = {
  slow: [
    ["smbslower", "100000", "--stop-on", "slow>=1500ms"],
    /stopped by slow>=1500ms: \S+ \(\d+\) SMB2_\w+ (1[5-9]\d\d|[2-9]\d{3}|\d{5,})\.\d{3} ms/,
  ],
  "nfs-slow": [
    ["nfsslower", "100000", "--stop-on", "slow>=1.5s"],
    /stopped by slow>=1\.5s: \S+ \(\d+\) \w+ (1[5-9]\d\d|[2-9]\d{3}|\d{5,})\.\d{3} ms/,
  ],
  "nfs-vfs-slow": [
    ["nfsvfsslower", "100000", "--inode", "--stop-on", "slow>=1500000us"],
    /stopped by slow>=1500000us: stat \(\d+\) nfs\w+ (1[5-9]\d\d|[2-9]\d{3}|\d{5,})\.\d{3} ms/,
  ],
};

const byWhatHangs: Ends = {
  "in-flight": [
    ["smbslower", "100000", "--comm", "hanging", "--stop-on", "slow>=2s"],
    /stopped by slow>=2s: hanging \(\d+\) SMB2_\w+ ([2-9]\d{3}|\d{5,})\.\d{3} ms/,
  ],
  "vfs-in-flight": [
    ["smbvfsslower", "100000", "--inode", "--comm", "hanging", "--stop-on", "slow>=2s"],
    /stopped by slow>=2s: hanging \(\d+\) cifs_\w+ ([2-9]\d{3}|\d{5,})\.\d{3} ms/,
  ],
};
const all: Ends = { ...byErrors, ...bySlowness, ...byWhatHangs };

/** Starts the tools, does what must end them, and waits until it has. */
async function endedBy(lab: Lab, tools: Ends, action: () => Promise<void>): Promise<void> {
  const started = Object.entries(tools).map(([name, [[tool, ...args]]]) => ({
    name,
    tool: lab.start(lab.aodArgv(args, tool), {
      stdout: `${name}.out`,
      // In memory, since it is read while it is written.
      stderr: join(lab.work, `${name}.err`),
      env: lab.aodEnvironment,
    }),
  }));
  await waitForProbe(lab, started.length, 300);
  await action();
  await lab.until("all have ended", 120, () => started.every(({ tool }) => !tool.running));
  for (const { name, tool } of started) {
    lab.writeJson(`${name}.json`, await tool.ended);
    lab.keep(join(lab.work, `${name}.err`), `${name}.err`);
  }
}

async function failures(lab: Lab): Promise<void> {
  for (let n = 0; n < 5; n++)
    for (const root of Object.values(mounts)) await lab.run(["cat", `${root}/missing-${n}`], { anyStatus: true });
  for (let n = 0; n < 2; n++) await lab.run(["head", `${mounts.smb}/gone-${n}`], { anyStatus: true });
  // A directory that is not empty: the callback itself fails. What is not there is no failure of a callback.
  for (let n = 0; n < 3; n++) await lab.run(["rmdir", `${mounts.smb}/full`], { anyStatus: true });
}

async function slowness(lab: Lab): Promise<void> {
  for (const [name, port] of [
    ["smb", 445],
    ["nfs", 2049],
  ] as const) {
    await impair(lab, { delayMs, port });
    await lab.run(["stat", `${mounts[name]}/slow`], { anyStatus: true, timeoutMs: 120_000 });
    await clearImpairment(lab);
  }
}

async function hanging(lab: Lab): Promise<void> {
  const program = join(lab.work, "hanging");
  symlinkSync("/usr/bin/stat", program);
  const rounds = { still: false };
  await endedBy(lab, byWhatHangs, async () => {
    freezeSamba(lab);
    const hangs = lab.start([program, `${mounts.smb}/held`]);
    await lab.until("the tools have ended while it hangs", 120, () =>
      Object.keys(byWhatHangs).every((name) =>
        readFileSync(join(lab.work, `${name}.err`), "utf8").includes("stopped by"),
      ),
    );
    rounds.still = hangs.running;
    thawSamba();
    await hangs.ended;
  });
  lab.writeJson("hanging.json", rounds);
}

/** Command lines that are refused, and the one line that each gets. */
const wrong: Readonly<Record<string, readonly [Argv, RegExp]>> = {
  "no process": [["nfsiosnoop", "-p", "999999"], /^nfsiosnoop: there is no process 999999$/],
  "a thread": [
    ["smbvfsslower", "-p", "THREAD"],
    /^smbvfsslower: \d+ is a thread of process \d+: -p takes the process$/,
  ],
  "an SMB tool on NFS": [
    ["smbvfsiosnoop", "--mount", mounts.nfs],
    /^smbvfsiosnoop: \/mnt\/nfs is not on an SMB mount: it is on nfs4 at \/mnt\/nfs$/,
  ],
  "an NFS tool on SMB": [
    ["nfsslower", "--mount", `${mounts.smb}/some/where`],
    /^nfsslower: \/mnt\/share\/some\/where is not on an NFS mount: it is on (cifs|smb3) at \/mnt\/share$/,
  ],
  "no network": [
    ["nfsvfsslower", "--mount", "/run"],
    /^nfsvfsslower: \/run is not on an NFS mount: it is on \S+ at \S+$/,
  ],
  "no cgroup": [["nfsslower", "--cgroup", "none/there"], /^nfsslower: there is no cgroup "none\/there" below \S+$/],
  "no user": [["smbslower", "--uid", "nobody-there"], /^smbslower: there is no user "nobody-there" in \/etc\/passwd: /],
  "no condition": [["smbslower", "--stop-on", "fast<=1ms"], /^smbslower: --stop-on "fast<=1ms" is no condition: /],
  "no command": [["smbslower", "--stop-on", "slow>=1s", "--then", "rm -rf"], /^smbslower: there is no command "rm"/],
  "cut off": [["smbslower", "--replay", "CUT"], /^smbslower: \S+ is cut off/],
  "another probe's": [
    ["nfsslower", "--replay", kept],
    /^nfsslower: .* holds nothing of nfs_rpc, which nfsslower needs: it is of smb_wire$/,
  ],
};

async function refused(lab: Lab): Promise<void> {
  const cut = join(lab.work, "cut.aodrec");
  const whole = readFileSync(fixture);
  writeFileSync(cut, whole.subarray(0, whole.length - 100));
  const thread = readdirSync("/proc/self/task").find((tid) => tid !== String(process.pid));
  assert.ok(thread, "a thread of this process");
  const said: Record<string, unknown> = {};
  for (const [name, [[tool, ...args]]] of Object.entries(wrong)) {
    const given = args.map((word) => (word === "CUT" ? cut : word === "THREAD" ? thread : word));
    const { status, stdout, stderr } = await lab.run(lab.aodArgv(given, tool), { anyStatus: true });
    said[name] = { status, stdout, stderr };
  }
  lab.writeJson("refused.json", said);
}

export default defineScenario({
  name: "tool-ends",
  summary: "every form of --stop-on, also of what hangs; --then; what the tools refuse, in one line",
  kernels: seenOn("6.12"),
  timeLimitSeconds: 700,

  async setup(lab) {
    await Promise.all([startSamba(lab), startNfsd(lab)]);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 600 } });
    await mountNfs(lab, { options: { actimeo: 0 } });
    writeFileSync(kept, readFileSync(fixture));
    mkdirSync(`${shareDirectory("share")}/full/of`, { recursive: true });
  },

  async timeline(lab) {
    await lab.step("wrong use", () => refused(lab));
    await lab.step("what fails", () => endedBy(lab, byErrors, () => failures(lab)));
    await lab.step("what is slow", () => endedBy(lab, bySlowness, () => slowness(lab)));
    await lab.step("what hangs", () => hanging(lab));
  },

  expect(results) {
    for (const [name, [argv, by]] of Object.entries(all)) {
      assert.deepEqual(results.json(`${name}.json`), { status: 0, signal: null }, name);
      assert.match(results.text(`${name}.err`), by, argv.join(" "));
      assert.match(results.text(`${name}.err`), /Lost: nothing\n$/, name);
    }
    assert.deepEqual(results.json("hanging.json"), { still: true }, "it still hung when they ended");
    // Before the summary, which comes when the probe is asked to end.
    assert.match(
      results.text("errno.err"),
      /stopped by [\s\S]*^of +record ops, [\s\S]*^lost +nothing[\s\S]*Lost: nothing\n$/m,
    );
    assert.match(results.text("nfs-status.err"), /stopped by [\s\S]*^nfsslower: aod status: exit status 1$/m);

    const refusals = results.json("refused.json") as Record<string, { status: number; stdout: string; stderr: string }>;
    for (const [name, [argv, line]] of Object.entries(wrong)) {
      const { status, stdout, stderr } = refusals[name] ?? assert.fail(name);
      assert.deepEqual([status, stdout], [2, ""], argv.join(" "));
      assert.match(stderr, /^[^\n]*\n$/, "one line");
      assert.match(stderr.trimEnd(), line);
    }
  },
});
