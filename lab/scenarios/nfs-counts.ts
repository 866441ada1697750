import assert from "node:assert/strict";
import { join } from "node:path";
import { type NfsMountStats, type NfsOpStats, parseMountstats } from "../../src/nfs/mountstats.ts";
import { type NfsVersion, nfsVersions } from "../guest/nfs.ts";
import { nfsPrimes, nfsWorkUnderSnoop, pathOf, setUpNfsWork } from "../guest/nfs-work.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

/** The fields of an op in JSON that are looked at: docs/nfsslower.md. */
interface Op {
  readonly version: string;
  readonly command: string;
  readonly status?: string;
  readonly errno?: number;
  readonly attempts: number;
  readonly restarts: number;
  readonly retransmissions: number;
  readonly latency_us: number;
  readonly delay_us?: number;
  readonly phases_us: { readonly queue?: number; readonly wire?: number; readonly wake?: number };
  readonly pid: number;
  readonly client_id: number;
  readonly parent_client_id?: number;
  readonly path?: string;
  readonly offset?: number;
  readonly count?: number;
  readonly bytes_sent: number;
  readonly bytes_received: number;
  readonly state?: string;
}

export default defineScenario({
  name: "nfs-counts",
  summary:
    "per procedure, nfsiosnoop has exactly the RPCs, transmissions, bytes and times of mountstats, retries in one op",
  kernels: { only: ["6.1", "6.12", "7.2"], why: "the probe needs BTF of the module sunrpc" },
  timeLimitSeconds: 420,

  setup: setUpNfsWork,

  timeline: (lab) => nfsWorkUnderSnoop(lab),

  expect(results) {
    const ops = results
      .text("ops.ndjson")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Op)
      .filter((op) => op.state === undefined);
    assert.match(results.text("tool.err"), /Lost: nothing/);
    assert.deepEqual(results.json("ended.json"), { status: 0, signal: null });
    for (const version of nfsVersions) {
      const mine = opsOf(ops, version);
      asMountstats(mine, version, mountOf(results, "before", version), mountOf(results, "after", version));
      asWorked(mine, version, (results.json("pids.json") as { driver: number }).driver);
    }
    retriesAreOne(ops);
    for (const op of ops.filter(({ attempts }) => attempts > 0)) addsUp(op);
  },
});

function mountOf(results: Results, when: string, version: NfsVersion): NfsMountStats {
  const stats = parseMountstats(results.text(`mountstats-${when}.txt`));
  const mount = stats.find(({ mountPoint }) => mountPoint === pathOf(version));
  assert.ok(mount);
  return mount;
}

/** mountstats adds the counts of the client that the mount's was cloned from: that of the server. */
function opsOf(ops: readonly Op[], version: NfsVersion): readonly Op[] {
  const own = ops.filter((op) => op.version === version && op.path?.startsWith(`${pathOf(version)}/`));
  const clients = new Set(own.map(({ client_id }) => client_id));
  assert.equal(clients.size, 1, `${version}: one RPC client`);
  for (const { parent_client_id } of own) if (parent_client_id !== undefined) clients.add(parent_client_id);
  return ops.filter(({ client_id }) => clients.has(client_id));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

function asMountstats(ops: readonly Op[], version: string, before: NfsMountStats, after: NfsMountStats): void {
  for (const [name, now] of after.operations) {
    const mine = ops.filter(({ command, attempts }) => command === name && attempts > 0);
    const earlier = before.operations.get(name);
    assert.ok(earlier);
    // The lease goes on: what happened while the tool ended may be in it or not.
    if (now.operations !== earlier.operations) {
      const attempts = sum(mine.map((op) => op.attempts));
      assert.ok(attempts >= earlier.operations && attempts <= now.operations, `${version} ${name}: ${attempts}`);
      continue;
    }
    assert.deepEqual(counted(mine), pick(now), `${version} ${name}`);
    const slack = mine.length / 1000;
    const close = (what: string, us: number, ms: number, parts: number): void =>
      assert.ok(
        us / 1000 > ms - parts * slack - 0.001 && us / 1000 < ms + 1,
        `${version} ${name}: ${what} ${us} µs, ${ms} ms`,
      );
    const phases = mine.map((op) => op.phases_us);
    close("queue", sum(phases.map(({ queue = 0 }) => queue)), now.queueMs, 1);
    close("round trip", sum(phases.map(({ wire = 0 }) => wire)), now.roundTripMs, 1);
    close("execute", sum(phases.map(({ queue = 0, wire = 0, wake = 0 }) => queue + wire + wake)), now.executeMs, 3);
  }
  for (const { command, attempts } of ops) assert.ok(attempts === 0 || after.operations.has(command), command);
}

function counted(ops: readonly Op[]): Record<string, number> {
  const operations = sum(ops.map(({ attempts }) => attempts));
  return {
    operations,
    withRestarts: ops.length + sum(ops.map(({ restarts }) => restarts)),
    transmissions: operations + sum(ops.map(({ retransmissions }) => retransmissions)),
    sent: sum(ops.map(({ bytes_sent }) => bytes_sent)),
    received: sum(ops.map(({ bytes_received }) => bytes_received)),
  };
}

function pick({ operations, transmissions, bytesSent, bytesReceived }: NfsOpStats): Record<string, number> {
  return { operations, withRestarts: operations, transmissions, sent: bytesSent, received: bytesReceived };
}

function asWorked(all: readonly Op[], version: string, driver: number): void {
  const ops = all.filter(({ path }) => path?.startsWith(`/mnt/nfs-${version}/v${version}/`));
  const of = (...commands: readonly string[]): readonly Op[] => ops.filter(({ command }) => commands.includes(command));
  const made = version === "3" ? "MKDIR" : "CREATE";
  const found = {
    writes: of("WRITE").length,
    reads: of("READ", "READ_PLUS").length,
    directories: of(made).length,
    renames: of("RENAME").length,
    unlinks: of("REMOVE").length,
    missing: ops.filter(({ path, status }) => path?.includes("/missing-") && /ERR_NOENT$/.test(status ?? "")).length,
  };
  const { files, ...others } = nfsPrimes;
  assert.deepEqual(found, { writes: files, ...others }, version);
  for (const op of of("WRITE", "RENAME", "REMOVE", made)) assert.equal(op.pid, driver, `${version} ${op.command}`);
  for (const { offset, count } of of("WRITE")) assert.deepEqual([offset, count], [0, 4096]);
}

function retriesAreOne(ops: readonly Op[]): void {
  const about = (version: NfsVersion, name: string, command: string): Op => {
    const found = ops.filter((op) => op.path === join(pathOf(version), name) && op.command === command);
    assert.equal(found.length, 1, `${version}: ${command} of ${name} is one operation`);
    const [op] = found;
    assert.ok(op);
    return op;
  };
  for (const version of nfsVersions) {
    // The task itself is restarted in version 3, and made anew by the caller in version 4.
    const held = about(version, `held-${version}`, version === "3" ? "WRITE" : "OPEN");
    assert.ok(held.restarts > 0, `${version}: told to come again`);
    assert.match(held.status ?? "", /_OK$/);
    const again = opsOf(ops, version).filter(({ retransmissions }) => retransmissions > 0);
    assert.ok(again.length > 0, `${version}: sent again on the next connection`);
  }
}

/** Times are whole µs, each cut off. */
function addsUp({ command, latency_us, delay_us = 0, phases_us }: Op): void {
  const { queue = 0, wire = 0, wake = 0 } = phases_us;
  const rest = latency_us - delay_us - queue - wire - wake;
  assert.ok(rest >= 0 && rest <= 4, `${command}: ${latency_us} µs are ${JSON.stringify(phases_us)} and ${delay_us}`);
}
