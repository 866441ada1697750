import assert from "node:assert/strict";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../guest/lab.ts";
import {
  exportDirectory,
  killNfsd,
  mountNfs,
  type NfsVersion,
  nfsVersions,
  restartNfsd,
  startNfsd,
} from "../guest/nfs.ts";
import { waitForProbe } from "../guest/probe.ts";
import { seenOn } from "../kernels.ts";
import { linesIn, replayed } from "../replayed.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

/** How many directories are made on a mount of each version: different primes. */
const directories = { "3": 3, "4.0": 5, "4.1": 7, "4.2": 11 } as const satisfies Record<NfsVersion, number>;

/** Which versions each value of -V takes. */
const taken = {
  all: nfsVersions,
  "3": ["3"],
  "4": ["4.0", "4.1", "4.2"],
  "4.0": ["4.0"],
  "4.1": ["4.1"],
  "4.2": ["4.2"],
  "3,4.1": ["3", "4.1"],
} as const satisfies Record<string, readonly NfsVersion[]>;
type Wanted = keyof typeof taken;

interface Run {
  readonly name: string;
  readonly wanted: Wanted;
  readonly argv: readonly [tool: string, ...args: string[]];
}

const live: readonly Run[] = [
  { name: "all", wanted: "all", argv: ["nfsiosnoop", "--json"] },
  { name: "snoop-3", wanted: "3", argv: ["nfsiosnoop", "--json", "-V", "3"] },
  { name: "snoop-4", wanted: "4", argv: ["nfsiosnoop", "--json", "-V", "4"] },
  { name: "slower-4.1", wanted: "4.1", argv: ["nfsslower", "0", "--json", "-V", "4.1"] },
  { name: "vfs-all", wanted: "all", argv: ["nfsvfsslower", "0", "--inode", "--json"] },
  { name: "vfs-4.1", wanted: "4.1", argv: ["nfsvfsslower", "0", "--inode", "--json", "-V", "4.1"] },
];

/** The same on their recordings, on the host. */
const replays: readonly (Omit<Run, "name"> & { readonly of: "all" | "vfs-all" })[] = [
  ...(["3", "4", "4.0", "4.1", "4.2", "3,4.1"] as const).map((wanted) => ({
    wanted,
    argv: ["nfsslower", "0", "--json", "-V", wanted] as const,
    of: "all" as const,
  })),
  ...(["3", "4", "4.0", "4.1", "4.2"] as const).map((wanted) => ({
    wanted,
    argv: ["nfsvfsslower", "0", "--inode", "--json", "-V", wanted] as const,
    of: "vfs-all" as const,
  })),
];

const pathOf = (version: NfsVersion): string => `/mnt/nfs-${version}`;

/** On all mounts in turn, so that no version has a time of its own. */
function makeDirectories(): void {
  for (let n = 0; n < Math.max(...Object.values(directories)); n++)
    for (const version of nfsVersions)
      if (n < directories[version]) mkdirSync(join(pathOf(version), `of-${version}-${n}`));
}

const tracing = "/sys/kernel/tracing";

/**
 * The server starts again while clients of version 4.0 have files open: until they have had their time to ask for those again, it has everybody else come
 * again later. The kernel's own trace point counts how often it said so.
 */
async function grace(lab: Lab): Promise<void> {
  // A client that opens nothing is none that the server waits for.
  const held = openSync(join(pathOf("4.0"), "held"), "w");
  for (const version of ["4.0", "4.2"] as const) writeFileSync(join(exportDirectory, `doomed-${version}`), "");
  for (const version of ["4.0", "4.2"] as const) await lab.run(["stat", join(pathOf(version), `doomed-${version}`)]);
  writeFileSync(`${tracing}/events/nfs4/nfs4_xdr_status/enable`, "1");
  killNfsd(lab);
  await restartNfsd(lab);
  await Promise.all(
    (["4.0", "4.2"] as const).map((version) =>
      lab.run(["rm", join(pathOf(version), `doomed-${version}`)], { timeoutMs: 120_000 }),
    ),
  );
  writeFileSync(`${tracing}/events/nfs4/nfs4_xdr_status/enable`, "0");
  lab.write("trace.txt", readFileSync(`${tracing}/trace`, "utf8"));
  closeSync(held);
}

export default defineScenario({
  name: "nfs-versions",
  summary: "the NFS tools' -V with mounts of all versions at once; a grace period makes one operation, not several",
  kernels: seenOn("6.1", "6.12"),
  timeLimitSeconds: 600,

  async setup(lab) {
    await startNfsd(lab);
    for (const version of nfsVersions)
      await mountNfs(lab, { version, mountPoint: pathOf(version), options: { actimeo: 0 } });
  },

  async timeline(lab) {
    const recording = (name: string): string => join(lab.work, `${name}.aodrec`);
    const started = live.map(({ name, argv: [tool, ...args], wanted }) => {
      const record = wanted === "all" ? ["--record", recording(name)] : [];
      return lab.start(lab.aodArgv([...args, ...record], tool), { stdout: `${name}.out`, stderr: `${name}.err` });
    });
    await waitForProbe(lab, live.length, 300);
    await lab.step("directories on all mounts", makeDirectories);
    await lab.step("a grace period", () => grace(lab));
    await lab.sleep(2);
    lab.writeJson("ended.json", await Promise.all(started.map((one) => one.stop("SIGINT", 60_000))));
    for (const { name } of live.filter(({ wanted }) => wanted === "all"))
      lab.write(`${name}.aodrec`, readFileSync(recording(name)));
  },

  expect(results) {
    const done = { status: 0, signal: null };
    assert.deepEqual(
      results.json("ended.json"),
      live.map(() => done),
    );
    for (const { name } of live) assert.match(results.text(`${name}.err`), /Lost: nothing\n$/, name);
    for (const { name, wanted, argv } of live)
      assert.deepEqual(made(opsOf(results, name)), expectedOf(wanted), argv.join(" "));
    for (const { of, wanted, argv } of replays) {
      const { status, stdout } = replayed(results, argv, `${of}.aodrec`);
      assert.equal(status, 0, argv.join(" "));
      assert.deepEqual(made(opsIn(stdout)), expectedOf(wanted), argv.join(" "));
    }
    for (const op of opsOf(results, "all").filter(({ path }) => path?.includes("/of-")))
      assert.equal(op.version, /\/of-([\d.]+)-/.exec(op.path ?? "")?.[1], "the version of its mount");
    graceIsOne(results);
  },
});

/** The fields that are looked at, of RPCs (docs/nfsslower.md) and of calls (docs/vfs-op.md). */
interface Op {
  readonly layer: "wire" | "vfs";
  readonly command?: string;
  readonly version?: string;
  readonly member?: string;
  readonly path?: string;
  readonly status?: string;
  readonly restarts?: number;
  readonly delay_us?: number;
  readonly latency_us: number;
  readonly state?: string;
}

const opsIn = (text: string): Op[] => (linesIn(text) as Op[]).filter(({ state }) => state === undefined);
const opsOf = (results: Results, name: string): Op[] => opsIn(results.text(`${name}.out`));

const expectedOf = (wanted: Wanted): Record<string, number> => {
  const versions: readonly NfsVersion[] = taken[wanted];
  return Object.fromEntries(versions.map((version) => [version, directories[version]]));
};

/** Directories made, by the version in their names. */
function made(ops: readonly Op[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { layer, command, member, path } of ops) {
    const makes = layer === "vfs" ? member === "mkdir" : command === "MKDIR" || command === "CREATE";
    const version = /\/of-([\d.]+)-\d+$/.exec(path ?? "")?.[1];
    if (makes && version !== undefined) counts[version] = (counts[version] ?? 0) + 1;
  }
  return counts;
}

const REMOVE = 28;

function graceIsOne(results: Results): void {
  // As the client decodes it: `error=10013 (GRACE) operation=28`.
  const told = [...results.text("trace.txt").matchAll(/nfs4_xdr_status: .*error=-?(\d+) \((\w+)\) operation=(\d+)/g)];
  const graces = told.filter(([, , name, operation]) => name === "GRACE" && Number(operation) === REMOVE).length;
  assert.ok(graces >= 2, `the server said ${graces} times that it is too early:\n${results.text("trace.txt")}`);
  const removes = opsOf(results, "all").filter(({ path }) => path?.includes("/doomed-"));
  const removed = removes.filter(({ command }) => command === "REMOVE");
  assert.deepEqual(removed.map(({ version }) => version).sort(), ["4.0", "4.2"], "one operation each");
  for (const op of removed) {
    assert.equal(op.status, "NFS4_OK");
    assert.ok((op.restarts ?? 0) > 0 && (op.delay_us ?? 0) > 0, JSON.stringify(op));
    assert.ok(op.latency_us >= (op.delay_us ?? 0));
  }
  const restarts = removed.reduce((sum, op) => sum + (op.restarts ?? 0), 0);
  assert.ok(restarts >= graces, `${restarts} restarts in all, ${graces} because of the grace period`);
}
