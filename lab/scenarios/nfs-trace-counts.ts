import assert from "node:assert/strict";
import { type NfsMountStats, parseMountstats } from "../../src/nfs/mountstats.ts";
import { nfsVersions } from "../guest/nfs.ts";
import { nfsPrimes, nfsWorkUnderSnoop, pathOf, setUpNfsWork } from "../guest/nfs-work.ts";
import { seenOn } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

/** The fields of an op in JSON that are looked at: docs/nfsslower.md. */
interface Op {
  readonly version: string;
  readonly command: string;
  readonly status?: string;
  readonly attempts: number;
  readonly restarts: number;
  readonly retransmissions: number;
  readonly latency_us: number;
  readonly delay_us?: number;
  readonly phases_us: { readonly queue?: number; readonly wire?: number; readonly wake?: number };
  readonly pid: number;
  readonly comm: string;
  readonly server?: string;
  readonly address?: string;
  readonly share?: string;
  readonly inode?: string;
  readonly path?: string;
  readonly offset?: number;
  readonly count?: number;
  readonly bytes_sent?: number;
  readonly parent_client_id?: number;
  readonly state?: string;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

export default defineScenario({
  name: "nfs-trace-counts",
  summary:
    "sunrpc without BTF: per procedure, nfsiosnoop has the RPCs, transmissions and times of mountstats, retries in one op",
  kernels: seenOn("5.10", "6.12"),
  timeLimitSeconds: 420,

  setup: setUpNfsWork,

  timeline: (lab) => nfsWorkUnderSnoop(lab, { AOD_PROBE_HIDE: "btf" }),

  expect(results) {
    const ops = results
      .text("ops.ndjson")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Op)
      .filter((op) => op.state === undefined);
    const said = results.text("tool.err");
    assert.match(said, /Lost: nothing/);
    assert.match(said, /without: names and paths of files are not known/);
    assert.deepEqual(results.json("ended.json"), { status: 0, signal: null });
    const { driver } = results.json("pids.json") as { driver: number };
    for (const version of ["3", "4"]) {
      // Which mount an operation without data is of is not always known: all mounts of a version together.
      const mine = ops.filter((op) => op.version === version);
      asMountstats(mine, version, mountsOf(results, "before", version), mountsOf(results, "after", version));
      asWorked(mine, version, driver);
      retriesAreOne(mine, version);
    }
    for (const op of ops) {
      assert.deepEqual([op.path, op.bytes_sent, op.parent_client_id], [undefined, undefined, undefined]);
      assert.deepEqual([op.server, op.address], ["127.0.0.1", "127.0.0.1"], "the mounts came later");
      if (op.attempts > 0) addsUp(op);
    }
  },
});

function mountsOf(results: Results, when: string, version: string): readonly NfsMountStats[] {
  const stats = parseMountstats(results.text(`mountstats-${when}.txt`));
  const paths = nfsVersions.filter((one) => one.startsWith(version)).map(pathOf);
  return paths.map((path) => stats.find(({ mountPoint }) => mountPoint === path) ?? assert.fail(path));
}

/** Of all mounts together: a mount adds the counts of the client that its own was cloned from, and no two mounts here have that in common. */
function total(mounts: readonly NfsMountStats[], name: string) {
  const all = mounts.flatMap(({ operations }) => operations.get(name) ?? []);
  const of = (key: keyof (typeof all)[number]): number => sum(all.map((one) => Number(one[key] ?? 0)));
  return {
    operations: of("operations"),
    transmissions: of("transmissions"),
    queueMs: of("queueMs"),
    roundTripMs: of("roundTripMs"),
    executeMs: of("executeMs"),
  };
}

function asMountstats(
  ops: readonly Op[],
  version: string,
  before: readonly NfsMountStats[],
  after: readonly NfsMountStats[],
): void {
  const names = new Set(after.flatMap(({ operations }) => [...operations.keys()]));
  for (const name of names) {
    const [earlier, now] = [total(before, name), total(after, name)];
    const mine = ops.filter(({ command, attempts }) => command === name && attempts > 0);
    const operations = sum(mine.map(({ attempts }) => attempts));
    // The lease goes on: what happened while the tool ended may be in it or not.
    if (now.operations !== earlier.operations) {
      assert.ok(operations >= earlier.operations && operations <= now.operations, `${version} ${name}: ${operations}`);
      continue;
    }
    const transmissions = operations + sum(mine.map(({ retransmissions }) => retransmissions));
    assert.deepEqual([operations, transmissions], [now.operations, now.transmissions], `${version} ${name}`);
    assert.equal(mine.length + sum(mine.map(({ restarts }) => restarts)), now.operations, `${version} ${name}`);
    const close = (what: string, us: readonly (number | undefined)[], ms: number, parts: number): void => {
      const mineMs = sum(us.map((one) => one ?? 0)) / 1000;
      // Whole µs of every attempt, whole ms of every mount.
      const slack = (parts * operations) / 1000 + 0.001;
      assert.ok(
        mineMs > ms - slack && mineMs < ms + after.length,
        `${version} ${name}: ${what} ${mineMs} ms, ${ms} ms`,
      );
    };
    const phases = mine.map((op) => op.phases_us);
    close(
      "queue",
      phases.map(({ queue }) => queue),
      now.queueMs,
      1,
    );
    close(
      "round trip",
      phases.map(({ wire }) => wire),
      now.roundTripMs,
      1,
    );
    close(
      "execute",
      phases.flatMap(({ queue, wire, wake }) => [queue, wire, wake]),
      now.executeMs,
      3,
    );
  }
  for (const { command, attempts } of ops) assert.ok(attempts === 0 || names.has(command), command);
}

function asWorked(ops: readonly Op[], version: string, driver: number): void {
  const mounts = version === "3" ? 1 : 3;
  const of = (...commands: readonly string[]): readonly Op[] => ops.filter(({ command }) => commands.includes(command));
  const mineOf = (...commands: readonly string[]): number => of(...commands).filter(({ pid }) => pid === driver).length;
  const found = {
    files: mineOf("WRITE"),
    directories: mineOf(version === "3" ? "MKDIR" : "CREATE"),
    renames: mineOf("RENAME"),
    unlinks: mineOf("REMOVE"),
  };
  const { files, directories, renames, unlinks } = nfsPrimes;
  const expected = Object.entries({ files, directories, renames, unlinks }).map(([what, count]) => [
    what,
    count * mounts,
  ]);
  assert.deepEqual(found, Object.fromEntries(expected), version);
  assert.ok(of("READ", "READ_PLUS").length >= nfsPrimes.reads * mounts, version);
  for (const op of of("WRITE", "READ", "READ_PLUS")) {
    assert.ok(op.inode !== undefined && op.offset !== undefined && op.count !== undefined, JSON.stringify(op));
    assert.match(op.share ?? "", /^127\.0\.0\.1:\//);
  }
  const whole = of("WRITE").filter(({ offset, count }) => offset === 0 && count === 4096);
  assert.equal(whole.length, files * mounts);
}

function retriesAreOne(ops: readonly Op[], version: string): void {
  const mounts = version === "3" ? 1 : 3;
  // The task itself is restarted in version 3, and made anew by the caller in version 4.
  const held = ops.filter(({ command, restarts }) => restarts > 0 && command === (version === "3" ? "WRITE" : "OPEN"));
  assert.equal(held.length, mounts, `${version}: told to come again, and one operation`);
  for (const { status, comm } of held) assert.deepEqual([/_OK$/.test(status ?? ""), comm], [true, "dd"]);
  assert.ok(ops.filter(({ retransmissions }) => retransmissions > 0).length >= mounts, `${version}: sent again`);
}

/** Times are whole µs, each cut off; those of every attempt are. */
function addsUp({ command, attempts, latency_us, delay_us = 0, phases_us }: Op): void {
  const { queue = 0, wire = 0, wake = 0 } = phases_us;
  const rest = latency_us - delay_us - queue - wire - wake;
  assert.ok(
    rest >= 0 && rest <= 4 + attempts,
    `${command}: ${latency_us} µs are ${JSON.stringify(phases_us)} and ${delay_us}`,
  );
}
