import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { VfsOpJson } from "../../src/probe/vfs-json.ts";
import { mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { waitForProbe } from "../guest/probe.ts";
import { startSamba } from "../guest/samba.ts";
import { runUnderStrace } from "../guest/strace.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";
import { type CallCount, countCalls } from "../witness/strace.ts";

const mounts = { smb: "/mnt/share", "nfs-3": "/mnt/nfs-3", "nfs-4.2": "/mnt/nfs-4.2" } as const;
type Place = keyof typeof mounts;
const places = Object.keys(mounts) as Place[];
/** A directory of its own for each: the NFS mounts are of one export. */
const rootOf = (place: Place): string => `${mounts[place]}/${place}`;

/** Prime numbers, all different, so that no kind of call can be taken for another. Files and directories to list lie apart. */
const work = (root: string): string[] => [
  "python3",
  "-c",
  `import os
f, l = "${root}/f", "${root}/l"
os.mkdir("${root}")
os.mkdir(f)
os.mkdir(l)
for n in range(31):
  d = os.open("%s/%d" % (f, n), os.O_RDWR | os.O_CREAT | os.O_EXCL)
  os.write(d, b"x" * 4096)
  if n < 13: os.fsync(d)
  os.close(d)
for n in range(23):
  d = os.open("%s/%d" % (f, n), os.O_RDONLY)
  os.read(d, 100)
  os.close(d)
for n in range(7):
  try: os.open("%s/missing%d" % (f, n), os.O_RDONLY)
  except FileNotFoundError: pass
for n in range(17): os.mkdir("%s/%d" % (l, n))
for n in range(11): os.rename("%s/%d" % (f, n), "%s/r%d" % (f, n))
for n in range(5): os.rmdir("%s/%d" % (l, n))
for n in range(11, 30): os.unlink("%s/%d" % (f, n))
for n in range(3): os.listdir(l)
for n in range(2): os.statvfs(f)
`,
];

const attachSeconds = 240;

/** Runs a tool while its file systems are worked on; what it saw is kept, so that it can be looked at in every form. */
async function traced(
  lab: Lab,
  name: string,
  argv: readonly [string, ...string[]],
  on: readonly Place[],
): Promise<void> {
  const [program, ...args] = argv;
  const recording = join(lab.work, `${name}.aodrec`);
  const tool = lab.start(lab.aodArgv([...args, "--json", "--record", recording], program), {
    stdout: `${name}.out`,
    stderr: `${name}.err`,
  });
  await waitForProbe(lab, 1, attachSeconds);
  for (const place of on) await lab.step(`work on ${place}`, () => runUnderStrace(lab, place, work(rootOf(place))));
  lab.writeJson(`${name}-ended.json`, await tool.stop("SIGINT"));
  lab.write(`${name}.aodrec`, readFileSync(recording));
}

/** Without one of its functions the tool does all else; and the requests under each call. */
async function hiddenAndTree(lab: Lab): Promise<void> {
  const recording = join(lab.work, "tree.aodrec");
  const args = ["0", "--file", "--tree", "-v", "--record", recording];
  const tool = lab.start(lab.aodArgv(args, "smbvfsslower"), {
    stdout: "tree.out",
    stderr: "tree.err",
    env: { AOD_PROBE_HIDE: "cifs_flush,cifs_open:fentry" },
  });
  await waitForProbe(lab, 2, attachSeconds);
  await lab.run(["dd", `of=${mounts.smb}/hidden`, "conv=fsync", "status=none"], { input: "x" });
  await lab.run(["dd", `if=${mounts.smb}/hidden`, "of=/dev/null", "status=none"]);
  lab.writeJson("tree-ended.json", await tool.stop("SIGINT"));
  lab.write("tree.aodrec", readFileSync(recording));
}

/** What strace saw below a place. */
function witness(results: Results, place: Place) {
  const root = rootOf(place);
  const text = results.text(`${place}.strace`);
  const [files, lists, all] = [`${root}/f`, `${root}/l`, root].map((path) => countCalls(text, path));
  const done = (counts: Map<string, CallCount> | undefined, name: string): number => {
    const { calls, errors } = counts?.get(name) ?? { calls: 0, errors: new Map<string, number>() };
    return calls - [...errors.values()].reduce((sum, one) => sum + one, 0);
  };
  return {
    open: done(files, "openat"),
    flush: done(files, "close"),
    fsync: done(files, "fsync"),
    iterate_shared: done(lists, "getdents64"),
    mkdir: done(all, "mkdir"),
    rename: done(all, "rename"),
    rmdir: done(all, "rmdir"),
    unlink: done(all, "unlink"),
    statfs: done(all, "statfs"),
  };
}

/** The same by the tool: calls of the workload that succeeded. */
function counted(ops: readonly VfsOpJson[], place: Place) {
  const calls = ops.filter((op) => op.comm === "python3" && op.path?.startsWith(rootOf(place)));
  const of = (member: string): number => calls.filter((op) => op.member === member && op.errno === 0).length;
  const below = (member: string, name: string): number =>
    calls.filter((op) => op.member === member && op.path?.startsWith(`${rootOf(place)}/${name}`)).length;
  const opened = calls.filter(
    (op) => op.errno === 0 && op.member === "open" && op.path?.startsWith(`${rootOf(place)}/f`),
  );
  return {
    // The NFS client has an open of directories too; the witness counts those of files.
    open: opened.length + calls.filter((op) => openedByAtomicOpen(op, place)).length,
    flush: below("flush", "f"),
    fsync: of("fsync"),
    iterate_shared: below("iterate_shared", "l"),
    mkdir: of("mkdir"),
    rename: of("rename"),
    rmdir: of("rmdir"),
    unlink: of("unlink"),
    statfs: of("statfs"),
  };
}

/** cifs_atomic_open opens what it creates, nfs_atomic_open of version 4 whatever it succeeds with; else it leaves that to `open`. */
function openedByAtomicOpen({ member, errno, args }: VfsOpJson, place: Place): boolean {
  if (member !== "atomic_open" || errno !== 0 || place === "nfs-3") return false;
  return place === "nfs-4.2" || (Number(args["oflags"]) & 0o100) !== 0;
}

function linesOf(results: Results, name: string): readonly VfsOpJson[] {
  const text = results.text(name).trim();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line) as VfsOpJson);
}

export default defineScenario({
  name: "vfs-tools",
  summary:
    "smbvfsiosnoop and nfsvfsslower count what strace counts, with the right fields; a hidden function costs that function",
  timeLimitSeconds: 840,

  async setup(lab) {
    await Promise.all([startSamba(lab), startNfsd(lab)]);
    await mountCifs(lab, { mountPoint: mounts.smb, options: { actimeo: 0 } });
    for (const version of ["3", "4.2"] as const) await mountNfs(lab, { version, mountPoint: mounts[`nfs-${version}`] });
  },

  async timeline(lab) {
    await traced(lab, "smb", ["smbvfsiosnoop"], ["smb"]);
    await traced(lab, "nfs", ["nfsvfsslower", "0"], ["nfs-3", "nfs-4.2"]);
    await lab.step("with a function hidden, and with requests", () => hiddenAndTree(lab));
  },

  expect(results) {
    const ops = { smb: linesOf(results, "smb.out"), nfs: linesOf(results, "nfs.out") };
    for (const place of places) {
      const expected = witness(results, place);
      assert.deepEqual([expected.open, expected.fsync, expected.rename, expected.mkdir], [54, 13, 11, 20], place);
      assert.deepEqual(counted(place === "smb" ? ops.smb : ops.nfs, place), expected, place);
    }

    for (const op of [...ops.smb, ...ops.nfs]) {
      assert.equal(op.layer, "vfs");
      assert.equal(
        op.retval === undefined || op.retval >= 0 || op.errno === -op.retval || op.errno === undefined,
        true,
      );
    }
    const write = ops.smb.find((op) => op.member === "write_iter" && op.comm === "python3");
    assert.ok(write, "a write");
    assert.equal(write.path, `${rootOf("smb")}/f/0`);
    assert.deepEqual([write.size, write.offset, write.retval, write.server], [4096, 0, 4096, "127.0.0.1"]);
    const missing = ops.smb.filter((op) => op.errno === 2 && op.args["dname"]?.toString().startsWith("missing"));
    assert.ok(missing.length >= 7 || ops.smb.some((op) => op.member === "lookup"), "what is not there");
    const nfs4 = ops.nfs.find((op) => op.member === "mkdir" && op.path?.startsWith(mounts["nfs-4.2"]));
    assert.deepEqual([nfs4?.protocol, nfs4?.server], ["nfs", "127.0.0.1"]);

    for (const name of ["smb", "nfs", "tree"]) {
      assert.deepEqual(results.json(`${name}-ended.json`), { status: 0, signal: null }, name);
      assert.match(results.text(`${name}.err`), /Lost: nothing/, name);
    }

    const tree = results.text("tree.out");
    assert.match(tree, /^\S+ +dd +\d+ +FILE +cifs_open +\d/m);
    assert.doesNotMatch(tree, /cifs_flush/);
    assert.match(results.text("tree.err"), /cifs_flush \(cifs_file_\w+\.flush\): not attached: \S/);
    assert.match(tree, / cifs_strict_fsync .*\n( {2}SMB2_\w+ .*\n)* {2}SMB2_FLUSH .*wire \d+\.\d{3}.*STATUS_SUCCESS/);
  },
});
