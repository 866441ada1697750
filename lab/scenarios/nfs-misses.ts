import assert from "node:assert/strict";
import { closeSync, copyFileSync, openSync, readSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askDaemonText } from "../../src/daemon/api-client.ts";
import { furtherKinds } from "../../src/daemon/probes/further-probes.ts";
import type { Status } from "../../src/daemon/status.ts";
import { FrameReader } from "../../src/probe/frames.ts";
import type { RpcOp } from "../../src/probe/rpc-op.ts";
import { nfsRpc } from "../../src/probe/rpc-wire.ts";
import { openRecording } from "../../src/record/reader.ts";
import { systemClock } from "../../src/system/clock.ts";
import { type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import type { Lab } from "../guest/lab.ts";
import { exportDirectory, mountNfs, type NfsVersion, nfsVersions, readMountstats, startNfsd } from "../guest/nfs.ts";
import { defineScenario } from "../scenario.ts";
import { preemptsTasks } from "../witness/missing.ts";

const recording = "misses.aodrec";
/** On each mount: all together as many as the rule asks for. */
const MISSES = 250;
/** The default rule of the same answers would count each once more. */
const ruleOf = (count: number): string => `detectors:
  errors:
    window: 10m
    rules:
      nfs-missing-path-burst: off
      misses: {protocol: nfs, commands: [LOOKUP], statuses: [NOENT], count: ${count}, severity: info}
`;
const ESTALE = 116; // Node has no name for it
const pathOf = (version: NfsVersion): string => `/mnt/misses-${version}`;

interface Round {
  readonly fromNs: number;
  readonly toNs: number;
  /** What the client counts, what the metrics say, what the detector has heard. */
  readonly failed: number;
  readonly metric: number;
  readonly errors: number;
}

interface MissesFacts {
  readonly counted: Round;
  readonly single: Round;
  readonly probe: Status["probes"][number];
  /** Anomalies of severity info. */
  readonly noted: number;
}

/** Sum of aod_nfs_errors_total with this status. */
async function metricOf(lab: Lab, status: RegExp): Promise<number> {
  const text = (await askDaemonText(lab.aodEnvironment["AOD_RUN_DIR"] ?? "", "/metrics")) ?? "";
  lab.write("metrics.txt", text);
  return text
    .split("\n")
    .filter((line) => line.startsWith("aod_nfs_errors_total{") && status.test(line))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

const failedLookups = (lab: Lab): number =>
  nfsVersions.reduce(
    (sum, version) => sum + (readMountstats(lab, pathOf(version)).operations.get("LOOKUP")?.errors ?? 0),
    0,
  );

const matched = ({ detectors }: Status): number =>
  Number(detectors.find(({ name }) => name === "errors")?.["errors"] ?? 0);

/** `names` that are not there, on every mount, and what all have counted of it. */
async function miss(lab: Lab, daemon: RunningDaemon, names: number, tag: string): Promise<Round> {
  const noent = /status="NFS[34]ERR_NOENT"/;
  const before = {
    failed: failedLookups(lab),
    metric: await metricOf(lab, noent),
    errors: matched(await daemon.status()),
  };
  const fromNs = systemClock.nowNs();
  for (const version of nfsVersions)
    for (let n = 0; n < names; n++)
      assert.throws(() => statSync(join(pathOf(version), `${tag}-${n}`)), { code: "ENOENT" });
  const failed = failedLookups(lab) - before.failed;
  // The counts come with the ticks; what is too much is seen by waiting for one more.
  await lab.until("the daemon has counted them", 60, async () => {
    await lab.sleep(1);
    return (await metricOf(lab, noent)) - before.metric >= failed;
  });
  await lab.sleep(3);
  return {
    fromNs,
    toNs: systemClock.nowNs(),
    failed,
    metric: (await metricOf(lab, noent)) - before.metric,
    errors: matched(await daemon.status()) - before.errors,
  };
}

/** The server forgets a file that is open: an error that a rule of few wants to hear of one by one. */
function stale(lab: Lab): void {
  const name = "stale";
  writeFileSync(join(exportDirectory, name), Buffer.alloc(4096));
  const fd = openSync(join(pathOf("3"), name), "r");
  lab.onEnd("close the stale file", async () => closeSync(fd));
  rmSync(join(exportDirectory, name));
  writeFileSync("/proc/sys/vm/drop_caches", "1");
  assert.throws(() => readSync(fd, Buffer.alloc(4096), 0, 4096, 0), { errno: -ESTALE });
}

export default defineScenario({
  name: "nfs-misses",
  summary: "names that are not there on NFS: the daemon counts each of them by its status, and is woken by none",
  timeLimitSeconds: 300,

  async setup(lab) {
    await startNfsd(lab);
    for (const version of nfsVersions)
      await mountNfs(lab, { version, mountPoint: pathOf(version), options: { noac: true } });
  },

  async timeline(lab) {
    const file = join(lab.work, recording);
    const daemon = await startDaemon(lab, ruleOf(1000), false, ["--record", file]);
    const probe = async (): Promise<Status["probes"][number] | undefined> =>
      (await daemon.status()).probes.find(({ name }) => name === "nfs_rpc");
    await lab.until("the probe is attached", 60, async () => (await probe())?.state === "running");
    const counted = await lab.step("by a rule of many", () => miss(lab, daemon, MISSES, "counted"));
    await lab.step("a stale handle", () => stale(lab));
    lab.write("aod.yaml", ruleOf(999));
    daemon.process.signal("SIGHUP");
    await lab.until("the rule is another", 60, async () => {
      await lab.sleep(1);
      return (await daemon.status()).config_reload !== undefined;
    });
    const single = await lab.step("by a rule of few", () => miss(lab, daemon, 50, "single"));
    const last = await daemon.status();
    await daemon.process.stop();
    copyFileSync(file, join(lab.out, recording));
    const seen = last.probes.find(({ name }) => name === "nfs_rpc");
    assert.ok(seen);
    const facts: MissesFacts = { counted, single, probe: seen, noted: last.incidents.counts.noted };
    lab.writeJson("misses.json", facts);
  },

  expect(results) {
    const { counted, single, probe, noted } = results.json("misses.json") as MissesFacts;
    const ops = operationsIn(results.path(recording));
    const eventsOf = ({ fromNs, toNs }: Round): number =>
      ops.filter((op) => op.status?.nfs?.endsWith("NOENT") === true && op.startedNs >= fromNs && op.startedNs < toNs)
        .length;
    const versions = nfsVersions.length;
    for (const [round, names] of [
      [counted, MISSES],
      [single, 50],
    ] as const) {
      assert.equal(round.failed, versions * names, "LOOKUPs that failed, in mountstats");
      assert.equal(round.metric, round.failed, "in the metrics");
      assert.equal(round.errors, round.failed, "in the detector");
    }
    // One that took very long is told for that.
    assert.ok(eventsOf(counted) <= 2, `${eventsOf(counted)} of ${counted.failed} came as operations`);
    assert.equal(eventsOf(single), single.failed, "each came as an operation");
    assert.ok(
      ops.some(({ status, comm }) => status?.nfs === "NFS3ERR_STALE" && comm !== ""),
      "who got the stale handle",
    );
    assert.ok(noted >= 1, "the rule has spoken");
    // A kernel with preemption may lose a run of a program, and says so.
    const kinds = preemptsTasks(results) ? ["recursion"] : [];
    assert.deepEqual(
      probe.losses.filter(({ kind }) => !kinds.includes(kind)),
      [],
    );
  },
});

/** What the helper of nfs_rpc has said. */
function operationsIn(path: string): readonly RpcOp[] {
  const file = openRecording(path);
  const reader = new FrameReader(nfsRpc.fits);
  const decoder = nfsRpc.decoder();
  const probe = 1 + furtherKinds.findIndex(({ name }) => name === "nfs_rpc");
  try {
    return [...file.chunks()]
      .filter((chunk) => chunk.kind === "frames" && chunk.probe === probe)
      .flatMap(({ payload, at }) => reader.push(payload).flatMap((frame) => decoder.decode(frame, at.nowNs) ?? []))
      .flatMap((event) => (event.type === "ops" ? event.ops : []));
  } finally {
    file.close();
  }
}
