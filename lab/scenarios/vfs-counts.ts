import assert from "node:assert/strict";
import { mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { freezeSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { runUnderStrace } from "../guest/strace.ts";
import { underVfs } from "../guest/vfs.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";
import { countCalls } from "../witness/strace.ts";

/** Different primes, so that no two kinds of call can be taken for each other. */
const primes = { mkdir: 17, rename: 13, rmdir: 11, unlink: 7, files: 19, reads: 5, listings: 3 } as const;

/** One process; every name is absolute, as the witness wants it. */
const workload = (path: string): string[] => [
  "python3",
  "-c",
  `import os
for n in range(${primes.mkdir}): os.mkdir("${path}/dir%d" % n)
for n in range(${primes.rmdir}): os.rmdir("${path}/dir%d" % n)
for n in range(${primes.files}):
  fd = os.open("${path}/file%d" % n, os.O_RDWR | os.O_CREAT | os.O_EXCL)
  os.write(fd, b"x" * 5000)
  os.fsync(fd)
  os.close(fd)
for n in range(${primes.rename}): os.rename("${path}/file%d" % n, "${path}/renamed to %d" % n)
for n in range(${primes.unlink}): os.unlink("${path}/renamed to %d" % n)
for n in range(${primes.reads}):
  fd = os.open("${path}/file%d" % (${primes.files} - 1), os.O_RDONLY)
  os.pread(fd, 100, 7)
  os.close(fd)
for n in range(${primes.listings}): os.listdir("${path}")
`,
];

/** What the scenario keeps of a call. */
interface Call {
  readonly function: string;
  readonly member: string;
  readonly comm: string;
  readonly retval?: number;
  readonly failed: boolean;
  readonly latencyUs: number;
  readonly inode?: string;
  readonly device?: string;
  readonly name?: string;
  readonly path?: string;
  readonly second?: string;
  readonly pos?: number;
  readonly size?: number;
  readonly oplock?: number;
  readonly args: readonly string[];
  readonly depth: number;
}

interface Kept {
  readonly startMs: number;
  readonly callbacks: readonly { function: string; member: string; rung: string; shared: boolean; why?: string }[];
  readonly ops: readonly Call[];
  readonly running: readonly Call[];
  readonly counts: Readonly<Record<string, number>>;
  readonly losses: Readonly<Record<string, number>>;
}

type Protocol = "smb" | "nfs";
const protocols = ["smb", "nfs"] as const;
const mountPoint = (protocol: Protocol): string => `/mnt/counted-${protocol}`;

async function counted(lab: Lab, protocol: Protocol): Promise<void> {
  const path = mountPoint(protocol);
  const said = await underVfs(lab, `${protocol}_vfs`, ["--paths"], async () => {
    await runUnderStrace(lab, protocol, workload(path));
    if (protocol === "nfs") return;
    freezeSamba(lab);
    const stat = lab.start(["stat", "-f", path]);
    await lab.sleep(3);
    thawSamba();
    await lab.until("stat has ended", 30, () => !stat.running);
  });
  const call = ({ callback, object, second, inode, ...op }: (typeof said.ops)[number]): Call => ({
    ...op,
    function: callback.function,
    member: callback.member,
    args: op.args.map(String),
    ...(inode === undefined ? {} : { inode: String(inode) }),
    ...(object === undefined ? {} : object),
    ...(second === undefined ? {} : { second: second.path ?? second.name }),
  });
  lab.write(`${protocol}-ops.ndjson`, said.ops.map((op) => `${JSON.stringify(call(op), text)}\n`).join(""));
  lab.write(`${protocol}-callbacks.ndjson`, said.callbacks.map((one) => `${JSON.stringify(one)}\n`).join(""));
  lab.writeJson(`${protocol}-said.json`, {
    startMs: said.startMs,
    running: said.running.map((op) => JSON.parse(JSON.stringify(call(op), text)) as unknown),
    counts: said.counts,
    losses: said.losses,
  });
}

function text(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function linesOf<T>(results: Results, name: string): T[] {
  return results
    .text(name)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

function keptOf(results: Results, protocol: Protocol): Kept {
  return {
    ...(results.json(`${protocol}-said.json`) as Kept),
    ops: linesOf(results, `${protocol}-ops.ndjson`),
    callbacks: linesOf(results, `${protocol}-callbacks.ndjson`),
  };
}

export default defineScenario({
  name: "vfs-counts",
  summary:
    "every VFS callback of the SMB and NFS clients: prime counts against strace, names, what hangs while it hangs",
  timeLimitSeconds: 600,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { mountPoint: mountPoint("smb"), options: { echo_interval: 600 } });
    await startNfsd(lab);
    await mountNfs(lab, { mountPoint: mountPoint("nfs") });
  },

  async timeline(lab) {
    for (const protocol of protocols) await lab.step(`${protocol}: counted`, () => counted(lab, protocol));
  },

  expect(results) {
    for (const protocol of protocols) {
      const { ops, callbacks, running, counts, losses } = keptOf(results, protocol);
      const witness = countCalls(results.text(`${protocol}.strace`), mountPoint(protocol));
      const calls = (name: string): number => witness.get(name)?.calls ?? 0;
      const of = (member: string): Call[] => ops.filter((op) => op.member === member && op.comm === "python3");
      const sum = (names: Iterable<string>): number =>
        [...names].reduce((total, name) => total + (counts[name] ?? 0), 0);

      for (const { function: name, rung, shared, why } of callbacks)
        assert.ok(rung !== "none" || shared, `${protocol}: ${name} is not attached: ${why}`);
      assert.deepEqual(losses, {}, protocol);
      assert.equal(sum(Object.keys(counts)), ops.length, `${protocol}: what was counted was handed out`);

      const opened = calls("openat") + calls("open");
      const onDirectories = primes.listings;
      assert.equal(calls("mkdir"), primes.mkdir);
      assert.equal(of("mkdir").length, calls("mkdir"), `${protocol}: mkdir`);
      assert.equal(of("rmdir").length, calls("rmdir"), `${protocol}: rmdir`);
      assert.equal(of("rename").length, calls("rename"), `${protocol}: rename`);
      assert.equal(of("unlink").length, calls("unlink"), `${protocol}: unlink`);
      assert.equal(of("fsync").length, calls("fsync"), `${protocol}: fsync`);
      assert.equal(of("flush").length, calls("close") - onDirectories, `${protocol}: flush`);
      assert.equal(of("iterate_shared").length, calls("getdents64"), `${protocol}: readdir`);
      assert.equal(of("write_iter").length, calls("write"), `${protocol}: write`);
      assert.equal(of("read_iter").length, calls("pread64"), `${protocol}: read`);
      const opens = [...of("open"), ...of("atomic_open")].filter(({ retval }) => retval === 0);
      assert.ok(opened >= opens.length, `${protocol}: ${opened} files were opened, ${opens.length} seen`);

      const write = of("write_iter")[0] ?? assert.fail(`${protocol}: no write`);
      assert.deepEqual([write.pos, write.size, write.retval, write.path], [0, 5000, 5000, "/file0"]);
      const read = of("read_iter")[0] ?? assert.fail(`${protocol}: no read`);
      assert.deepEqual([read.pos, read.size, read.retval], [7, 100, 100]);
      const rename = of("rename")[0] ?? assert.fail(`${protocol}: no rename`);
      assert.deepEqual([rename.path, rename.second], ["/file0", "/renamed to 0"]);
      assert.deepEqual(of("unlink")[0]?.path, "/renamed to 0");
      // nfs_check_flags() is not told of a file.
      const devices = new Set(ops.flatMap(({ member, device }) => (member === "check_flags" ? [] : [device])));
      assert.equal(devices.size, 1, `${protocol}: one file system`);
      if (protocol === "smb") {
        // Where it is in the module's structs, only the module's own BTF says.
        const moduleBtf = callbacks.some(({ rung }) => rung === "fentry");
        assert.equal(write.oplock !== undefined, moduleBtf, "oplock");
        const statfs = running.find(({ member }) => member === "statfs");
        assert.ok(statfs !== undefined && statfs.latencyUs > 1_000_000, "what hangs is seen while it hangs");
      }
    }
  },
});
