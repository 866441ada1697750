import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SmbOpJson } from "../../src/probe/op-json.ts";
import type { VfsOpJson } from "../../src/probe/vfs-json.ts";
import { mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { waitForProbe } from "../guest/probe.ts";
import type { Background } from "../guest/process.ts";
import { startSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import { linesIn, replayed } from "../replayed.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

/** How many files each asks for that are not there, all of different names: different primes. */
const asked = { process: 5, user: 7, command: 11, group: 13, share: 17, server: 19 } as const;
type Who = keyof typeof asked;
const everyone = Object.keys(asked) as Who[];

const mounts = { share: "/mnt/share", other: "/mnt/other", named: "/mnt/named", nfs: "/mnt/nfs" } as const;
const cgroup = "aod-lab/filtered";
const groupDirectory = join("/sys/fs/cgroup", cgroup);
const command = "counted-shell";
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/** A shell that asks for files `PREFIX-0` and on, once each. */
const ask = (who: Who, root: string, shell: string): string[] => [
  shell,
  "-c",
  'n=0; while [ $n -lt "$1" ]; do [ -e "$0-$n" ]; n=$((n + 1)); done',
  `${root}/${who}`,
  String(asked[who]),
];

interface Program {
  readonly smbiosnoop: SmbOpJson & { readonly params?: { readonly file?: string } };
  readonly nfsiosnoop: { readonly command: string; readonly path?: string };
  readonly smbvfsiosnoop: VfsOpJson;
}
type Tool = keyof Program;

/** Which filters each tool is tried with, and whom each lets pass. Without `live` it is tried on the recording. */
interface Case {
  readonly name: string;
  readonly tool: Tool;
  readonly args: readonly string[];
  readonly passes: readonly Who[];
  readonly live?: true;
}

const onShare = everyone.filter((who) => who !== "share" && who !== "server");

/** `ids`: of the cgroups, which the host does not know by name. */
function casesOf(pid: number, ids: { readonly group: bigint; readonly above: bigint }): readonly Case[] {
  const common = (tool: Tool): Case[] => [
    { name: `${tool}-comm`, tool, args: ["--comm", command], passes: ["command"] },
    { name: `${tool}-uid`, tool, args: ["--uid", "nobody"], passes: ["user"] },
    { name: `${tool}-uid-number`, tool, args: ["--uid", "65534", "--comm", "sh"], passes: ["user"] },
    { name: `${tool}-cgroup`, tool, args: ["--cgroup", String(ids.group)], passes: ["group"] },
    // A directory above has the processes of its own alone.
    { name: `${tool}-cgroup-above`, tool, args: ["--cgroup", String(ids.above)], passes: [] },
    { name: `${tool}-pid`, tool, args: ["-p", String(pid)], passes: ["process"] },
  ];
  const smb = (tool: "smbiosnoop" | "smbvfsiosnoop"): Case[] => [
    { name: `${tool}-share`, tool, args: ["--share", "other"], passes: ["share"] },
    { name: `${tool}-share-unc`, tool, args: ["--share", "//127.0.0.1/other"], passes: ["share"] },
    { name: `${tool}-mount`, tool, args: ["--mount", `${mounts.other}/not/there`], passes: ["share"] },
    { name: `${tool}-mount-share`, tool, args: ["--mount", mounts.share], passes: onShare },
    { name: `${tool}-server`, tool, args: ["--server", "fileserver"], passes: ["server"] },
    {
      name: `${tool}-two`,
      tool,
      args: ["--share", "//127.0.0.1/share", "--server", "127.0.0.1", "--uid", "0", "--comm", "sh"],
      passes: onShare.filter((who) => who !== "user" && who !== "command"),
    },
  ];
  const live: Case[] = [
    { name: "live-pid", tool: "smbiosnoop", args: ["-p", String(pid)], passes: ["process"], live: true },
    { name: "live-cgroup", tool: "smbiosnoop", args: ["--cgroup", cgroup], passes: ["group"], live: true },
    {
      name: "live-mount",
      tool: "smbvfsiosnoop",
      args: ["--inode", "--mount", mounts.other],
      passes: ["share"],
      live: true,
    },
    {
      name: "live-vfs-pid",
      tool: "smbvfsiosnoop",
      args: ["--inode", "-p", String(pid)],
      passes: ["process"],
      live: true,
    },
    { name: "live-nfs-uid", tool: "nfsiosnoop", args: ["--uid", "nobody"], passes: ["user"], live: true },
  ];
  return [
    ...live,
    ...common("smbiosnoop"),
    ...smb("smbiosnoop"),
    ...common("smbvfsiosnoop"),
    ...smb("smbvfsiosnoop"),
    ...common("nfsiosnoop"),
    { name: "nfsiosnoop-server", tool: "nfsiosnoop", args: ["--server", "127.0.0.1"], passes: onShare },
    { name: "nfsiosnoop-elsewhere", tool: "nfsiosnoop", args: ["--server", "fileserver"], passes: [] },
    { name: "nfsiosnoop-mount", tool: "nfsiosnoop", args: ["--mount", mounts.nfs], passes: onShare },
  ];
}

const inodeOf = (path: string): bigint => statSync(path, { bigint: true }).ino;

/** What the recordings are made by. */
const recorders = { smbiosnoop: [], nfsiosnoop: [], smbvfsiosnoop: ["--inode"] } as const satisfies Record<
  Tool,
  readonly string[]
>;
const tools = Object.keys(recorders) as Tool[];

async function work(lab: Lab, waiting: Background, go: string): Promise<void> {
  const inGroup = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', groupDirectory];
  const shell = join(lab.work, command);
  symlinkSync("/bin/dash", shell);
  for (const root of [mounts.share, mounts.nfs]) {
    await lab.run([...nobody, ...ask("user", root, "sh")], { anyStatus: true });
    await lab.run(ask("command", root, shell), { anyStatus: true });
    await lab.run([...inGroup, ...ask("group", root, "sh")], { anyStatus: true });
  }
  await lab.run(ask("share", mounts.other, "sh"), { anyStatus: true });
  await lab.run(ask("server", mounts.named, "sh"), { anyStatus: true });
  writeFileSync(go, "");
  await waiting.ended;
}

export default defineScenario({
  name: "filters",
  summary: "the filters of all tools, each counted: process, user, command, cgroup, share, server, mount",
  kernels: seenOn("6.12"),
  timeLimitSeconds: 700,

  async setup(lab) {
    await Promise.all([startSamba(lab, { shares: { share: {}, other: {} } }), startNfsd(lab)]);
    const options = { actimeo: 0, echo_interval: 600 };
    await mountCifs(lab, { options });
    await mountCifs(lab, { share: "other", options });
    // By another name the server is another one, though its address is the same.
    const named = { ...options, nosharesock: true, ip: "127.0.0.1" };
    await mountCifs(lab, { server: "fileserver", mountPoint: mounts.named, options: named });
    await mountNfs(lab, { mountPoint: mounts.nfs, options: { actimeo: 0 } });
    mkdirSync(groupDirectory, { recursive: true });
    lab.onEnd("remove the cgroups", async () => {
      for (const path of [groupDirectory, join(groupDirectory, "..")]) rmdirSync(path);
    });
  },

  async timeline(lab) {
    const go = join(lab.work, "go");
    // One process asks on both file systems, once the tools stand that are to see it.
    const [, flag = "", script = "", , times = ""] = ask("process", "", "sh");
    const loop = `while [ ! -e "$2" ]; do sleep 0.2; done; for r in ${mounts.share} ${mounts.nfs}; do ${script.replace("$0", "$r/$0")}; done`;
    const waiting = lab.start(["sh", flag, loop, "process", times, go]);
    const cases = casesOf(waiting.pid, { group: inodeOf(groupDirectory), above: inodeOf(join(groupDirectory, "..")) });
    lab.writeJson("cases.json", cases);
    const recording = (tool: Tool): string => join(lab.work, `${tool}.aodrec`);
    const started = [
      ...tools.map((tool) => ({
        name: tool,
        argv: lab.aodArgv([...recorders[tool], "--json", "--record", recording(tool)], tool),
      })),
      ...cases
        .filter(({ live }) => live)
        .map(({ name, tool, args }) => ({ name, argv: lab.aodArgv([...args, "--json"], tool) })),
    ].map(({ name, argv }) => lab.start(argv, { stdout: `${name}.out`, stderr: `${name}.err` }));
    await waitForProbe(lab, started.length, 300);
    await lab.step("everybody asks", () => work(lab, waiting, go));
    await lab.sleep(2);
    lab.writeJson("ended.json", await Promise.all(started.map((one) => one.stop("SIGINT", 240_000))));
    for (const tool of tools) lab.write(`${tool}.aodrec`, readFileSync(recording(tool)));
  },

  expect(results) {
    const ended = results.json("ended.json") as unknown[];
    assert.deepEqual(
      ended,
      ended.map(() => ({ status: 0, signal: null })),
    );
    for (const tool of tools) {
      const all = tool === "nfsiosnoop" ? onShare : everyone;
      assert.deepEqual(seen(tool, linesOf(results, tool)), countsOf(all), tool);
      assertSummary(results, tool);
    }
    const cases = results.json("cases.json") as readonly Case[];
    for (const { name, tool, args, passes, live } of cases) {
      const argv = [tool, ...args, "--json"] as const;
      const shown = live ? linesOf(results, name) : linesIn(replayed(results, argv, `${tool}.aodrec`).stdout);
      assert.deepEqual(seen(tool, shown as object[]), countsOf(passes), `${name}: nobody else, and all of them`);
    }
  },
});

const countsOf = (who: readonly Who[]): Partial<Record<Who, number>> =>
  Object.fromEntries(everyone.filter((one) => who.includes(one)).map((one) => [one, asked[one]]));

/** Whose names a tool has shown, how many of each. */
function seen(tool: Tool, lines: readonly object[]): Partial<Record<Who, number>> {
  const names = lines.flatMap((op) => nameOf(tool, op) ?? []);
  const counts: Partial<Record<Who, number>> = {};
  for (const who of everyone) {
    const count = names.filter((one) => one.startsWith(`${who}-`)).length;
    if (count > 0) counts[who] = count;
  }
  return counts;
}

const linesOf = (results: Results, name: string): Record<string, unknown>[] =>
  results.ndjson(`${name}.out`) as Record<string, unknown>[];

/** The name that was looked for, of the one operation with which each tool sees that. */
function nameOf(tool: Tool, op: object): string | undefined {
  if (tool === "smbiosnoop") {
    const { command: name, params } = op as Program["smbiosnoop"];
    return name === "SMB2_CREATE" ? params?.file : undefined;
  }
  if (tool === "smbvfsiosnoop") {
    const { member, args } = op as Program["smbvfsiosnoop"];
    return member === "lookup" ? String(args["dname"]) : undefined;
  }
  const { command: name, path } = op as Program["nfsiosnoop"];
  return name === "LOOKUP" ? path?.slice(`${mounts.nfs}/`.length) : undefined;
}

/** What SIGINT has it print: as many of each as there are lines, and as many of them failed. */
function assertSummary(results: Results, tool: Tool): void {
  const counts = new Map<string, number>();
  for (const op of linesOf(results, tool).filter(({ state }) => state === undefined)) {
    const name = String(op["command"] ?? op["function"]);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const stderr = results.text(`${tool}.err`);
  const rows = [...stderr.matchAll(/^\w+: (\S+) +(\d+) +(\d+)(?: +(\d+\.\d{3})){4}$/gm)];
  assert.deepEqual(new Map(rows.map(([, name = "", count]) => [name, Number(count)])), mapSorted(counts), tool);
  const total = [...counts.values()].reduce((sum, one) => sum + one, 0);
  assert.match(stderr, new RegExp(`^${tool}: ${total} operations in \\d+\\.\\d s(, \\d+ failed)?$`, "m"));
  assert.match(stderr, /Lost: nothing\n$/);
}

/** By count, then by name, as the summary has them. Maps are compared without order; this is for who reads the difference. */
function mapSorted(counts: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}
