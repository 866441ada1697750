import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SmbOpJson } from "../../src/probe/op-json.ts";
import type { VfsOpJson } from "../../src/probe/vfs-json.ts";
import { mountCifs } from "../guest/cifs.ts";
import { impair } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { waitForProbe } from "../guest/probe.ts";
import type { Background } from "../guest/process.ts";
import { startSamba } from "../guest/samba.ts";
import { loadKsmbd } from "../guest/variants.ts";
import { seenOn } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

type TreeJson = VfsOpJson & { readonly requests?: readonly SmbOpJson[]; readonly requests_cut?: true };

const mounts = { smb: "/mnt/share", ext4: "/mnt/ext4" } as const;
type Place = keyof typeof mounts;
/** The tasks are told apart by their names. */
const nameOf = (place: Place): string => `on-${place}`;

/** What goes through functions that file systems share: faults of a mapped file, its dirty pages, splice. */
const work = (root: string): string => `import mmap, os
os.mkdir("${root}/d")
for n in range(3):
  d = os.open("${root}/d/%d" % n, os.O_RDWR | os.O_CREAT)
  os.write(d, b"x" * 20000)
  os.fsync(d)
  m = mmap.mmap(d, 20000)
  m[0], m[9000], m[19999]
  m[100] = 7
  m.flush()
  m.close()
  os.sendfile(os.open("/dev/null", os.O_WRONLY), d, 0, 20000)
  os.lseek(d, 100, os.SEEK_SET)
  os.read(d, 50)
  os.close(d)
os.listdir("${root}/d")
os.sync()
`;

const tracing = "/sys/kernel/tracing";

/** Notes the calls of two functions that file systems share by a task, whatever the file system: the kernel's own probe. */
async function witnessed(lab: Lab, name: string, action: () => Promise<unknown>): Promise<void> {
  const events = `${tracing}/events/lab`;
  writeFileSync(`${tracing}/kprobe_events`, "p:lab/fault filemap_fault\np:lab/map filemap_map_pages\n");
  lab.onEnd("remove the kprobes", async () => {
    writeFileSync(`${events}/enable`, "0");
    writeFileSync(`${tracing}/kprobe_events`, "");
  });
  for (const event of ["fault", "map"]) writeFileSync(`${events}/${event}/filter`, `comm == "${name}"`);
  writeFileSync(`${events}/enable`, "1");
  await action();
  writeFileSync(`${events}/enable`, "0");
  lab.write("trace.txt", readFileSync(`${tracing}/trace`, "utf8"));
}

const start = (lab: Lab, name: string, argv: readonly [string, ...string[]], hide?: string): Background => {
  const [tool, ...args] = argv;
  const env = hide === undefined ? {} : { AOD_PROBE_HIDE: hide };
  return lab.start(lab.aodArgv(args, tool), { stdout: `${name}.out`, stderr: `${name}.err`, env });
};

/** Detaching many programs takes its time on an emulated machine, the more so several tools at once. */
const detachMs = 300_000;

const end = (lab: Lab, name: string, tools: readonly Background[]): Promise<void> =>
  Promise.all(tools.map((tool) => tool.stop("SIGINT", detachMs))).then((ended) => lab.writeJson(`${name}.json`, ended));

async function ext4(lab: Lab): Promise<void> {
  const image = join(lab.work, "ext4.img");
  await lab.run(["truncate", "-s", "32M", image]);
  await lab.run(["mkfs.ext4", "-q", "-F", image]);
  for (const module of ["loop", "ext4"]) await lab.run(["modprobe", module]);
  mkdirSync(mounts.ext4, { recursive: true });
  await lab.run(["mount", "-o", "loop", image, mounts.ext4]);
  lab.onEnd("unmount ext4", async () => {
    await lab.run(["umount", mounts.ext4]);
  });
}

async function shared(lab: Lab): Promise<void> {
  const tool = start(lab, "shared", ["smbvfsiosnoop", "--file", "--adspace", "--shared", "--json"]);
  await waitForProbe(lab, 1, 240);
  const run = (place: Place) => lab.run([join(lab.work, nameOf(place)), "-c", work(mounts[place])]);
  await witnessed(lab, nameOf("ext4"), () => run("ext4"));
  await run("smb");
  await end(lab, "shared", [tool]);
}

/** Functions of the client that are hidden, one in each run. */
const hidden = ["cifs_strict_fsync", "cifs_flush", "cifs_strict_writev", "cifs_readdir"] as const;

async function hide(lab: Lab): Promise<void> {
  const argv = ["smbvfsiosnoop", "--file", "--json", "-v"] as const;
  const tools = [start(lab, "whole", argv), ...hidden.map((name) => start(lab, `without-${name}`, argv, name))];
  await waitForProbe(lab, tools.length, 300);
  const root = join(mounts.smb, "hidden");
  await lab.run([join(lab.work, nameOf("smb")), "-c", `import os; os.mkdir("${root}")\n${work(root)}`]);
  await end(lab, "hidden", tools);
}

const delayMs = 400;
const slowerMs = 300;

async function tree(lab: Lab): Promise<void> {
  await impair(lab, { delayMs });
  const tools = [
    start(lab, "tree", ["smbvfsslower", String(slowerMs), "--inode", "--tree", "--json"]),
    start(lab, "tree-text", ["smbvfsslower", String(slowerMs), "--inode", "--tree"]),
    start(lab, "wire", ["smbslower", "0", "--json", "--comm", "stat"]),
  ];
  // Two of the tools have the wire probe besides.
  await waitForProbe(lab, tools.length + 2, 300);
  for (const name of ["d/0", "d/missing"]) await lab.run(["stat", join(mounts.smb, name)], { anyStatus: true });
  await lab.sleep(3);
  await end(lab, "tree", tools);
}

export default defineScenario({
  name: "vfs-shared",
  summary:
    "--shared counts SMB's calls alone, beside ext4; hidden callbacks, one at a time; --tree says why stat is slow",
  kernels: seenOn("6.12"),
  timeLimitSeconds: 800,

  async setup(lab) {
    await startSamba(lab);
    // Another module with functions of SMB: none of them is the client's.
    lab.writeJson("ksmbd.json", await loadKsmbd(lab));
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 600 } });
    await ext4(lab);
    for (const place of ["smb", "ext4"] as const) symlinkSync("/usr/bin/python3", join(lab.work, nameOf(place)));
  },

  async timeline(lab) {
    await lab.step("shared callbacks, with ext4 beside", () => shared(lab));
    await lab.step("hidden callbacks", () => hide(lab));
    await lab.step("why stat is slow", () => tree(lab));
  },

  expect(results) {
    assert.equal(results.json("ksmbd.json"), true, "ksmbd is loaded beside the client");
    const done = { status: 0, signal: null };
    assert.deepEqual(results.json("shared.json"), [done]);
    assert.deepEqual(
      results.json("hidden.json"),
      [0, ...hidden].map(() => done),
    );
    assert.deepEqual(results.json("tree.json"), [done, done, done]);
    for (const name of ["shared", "whole", ...hidden.map((one) => `without-${one}`), "tree", "tree-text", "wire"])
      assert.match(results.text(`${name}.err`), /Lost: nothing\n$/, name);
    onlySmb(results);
    oneLess(results);
    whyItIsSlow(results);
  },
});

function onlySmb(results: Results): void {
  const faults = results.text("trace.txt").match(/^ +on-ext4-\d+ .* (fault|map): /gm) ?? [];
  assert.ok(faults.length > 0, "the neighbour has called a function that is looked at");
  const ops = results.ndjson("shared.out") as VfsOpJson[];
  assert.deepEqual(
    ops.filter(({ comm }) => comm === nameOf("ext4")),
    [],
    "nothing of a neighbour",
  );
  const own = ops.filter(({ comm }) => comm === nameOf("smb"));
  const others = own.filter(({ function: name }) => !/^(cifs|smb)/.test(name));
  assert.ok(others.length > 0, "shared functions on SMB");
  const names = new Set(others.map(({ function: name }) => name));
  assert.ok(names.has("filemap_fault") || names.has("filemap_map_pages"), [...names].join());
  // Also of tasks that fault in their own program meanwhile.
  for (const op of ops) assert.equal(op.share, "\\\\127.0.0.1\\share", JSON.stringify(op));
}

/** Calls of the workload by function. */
function countsOf(results: Results, name: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const op of results.ndjson(`${name}.out`) as VfsOpJson[])
    if (op.comm === nameOf("smb")) counts[op.function] = (counts[op.function] ?? 0) + 1;
  return counts;
}

/** What -v says is not attached. */
const missing = (results: Results, name: string): string[] =>
  results
    .text(`${name}.err`)
    .split("\n")
    .filter((line) => line.includes(": not attached: "));

function oneLess(results: Results): void {
  const whole = countsOf(results, "whole");
  const before = missing(results, "whole");
  for (const name of hidden) {
    const { [name]: gone, ...rest } = whole;
    assert.ok(gone, `${name} was called`);
    assert.deepEqual(countsOf(results, `without-${name}`), rest, `without ${name} all else is as it was`);
    const more = missing(results, `without-${name}`).filter((line) => !before.includes(line));
    assert.ok(more.length > 0, `-v names ${name}`);
    for (const line of more) assert.match(line, new RegExp(`: ${name} \\(\\w+\\.\\w+\\): not attached: \\S`));
  }
}

function whyItIsSlow(results: Results): void {
  const calls = (results.ndjson("tree.out") as TreeJson[]).filter(({ comm }) => comm === "stat");
  const wire = (results.ndjson("wire.out") as SmbOpJson[]).filter(({ state }) => state === undefined);
  const known = new Map(wire.map((op) => [op.mid, op]));
  assert.ok(calls.length >= 2, `${calls.length} slow calls`);
  for (const { function: name, latency_us, requests = [], requests_cut } of calls) {
    assert.equal(requests_cut, undefined);
    assert.ok(requests.length > 0, `${name}: a slow call has its requests`);
    for (const request of requests) {
      assert.ok((request.phases_us.wire ?? 0) >= delayMs * 1000, `${name}: the network took the time`);
      assert.ok(request.latency_us <= latency_us, `${name}: within the call`);
      // The same by a tool that looks at requests alone, seen by another helper.
      const same = known.get(request.mid);
      assert.deepEqual([same?.command, same?.status, same?.tid], [request.command, request.status, request.tid], name);
    }
  }
  const told = new Set(calls.flatMap(({ requests = [] }) => requests.map(({ mid }) => mid)));
  const slow = wire.filter(({ latency_us }) => latency_us >= slowerMs * 1000).map(({ mid }) => mid);
  assert.deepEqual([...told].sort(), slow.sort(), "every slow request of stat is under one of its calls");
  const text = results.text("tree-text.out");
  assert.match(
    text,
    / stat +\d+ +INODE +cifs_\w+ +\d+\.\d{3}\n {2}SMB2_CREATE +\d+\.\d{3} ms .*wire (4|[5-9])\d\d\.\d{3}/,
  );
  assert.match(text, /STATUS_OBJECT_NAME_NOT_FOUND$/m);
}
