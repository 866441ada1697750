import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, MS, off, op, rpc, rules, S } from "./fixture.ts";
import { stateMessages } from "./kernel-log-defaults.ts";
import { CounterLatencyDetector } from "./latency-counters.ts";
import { NfsLatencyDetector, type NfsLatencyRules } from "./nfs-latency.ts";
import { NfsRpcDetector } from "./nfs-rpc.ts";
import type { NfsMountDelta, NfsOperationDelta, SmbCommandDelta } from "./observation.ts";

const makeRpc = () =>
  new NfsRpcDetector({
    windowNs: 60 * S,
    retransmissions: 5,
    timeouts: 1,
    backlogNs: 5 * S,
    backlogCount: 5,
    stateMessages,
    maxTargets: 8,
  });
const operation = (change: Partial<NfsOperationDelta> = {}): NfsOperationDelta => ({
  operation: "GETATTR",
  count: 10,
  transmissions: change.count ?? 10,
  majorTimeouts: 0,
  queueMs: 0,
  roundTripMs: 10,
  executeMs: 11,
  ...change,
});
const mount = (operations: readonly NfsOperationDelta[], change: Partial<NfsMountDelta> = {}): NfsMountDelta => ({
  target: { protocol: "nfs", server: "nas", export: "/a" },
  mountPoint: "/mnt/a",
  intervalNs: S,
  operations,
  transports: [],
  ...change,
});
type Observer = { observe: NfsRpcDetector["observe"] };
const stats = (detector: Observer, nowS: number, ...mounts: NfsMountDelta[]) =>
  detector.observe({ type: "mountstats", nowNs: nowS * S, mounts });

test("RPCs that were sent again, and major timeouts, of all mounts of one server together", () => {
  const detector = makeRpc();
  assert.deepEqual(stats(detector, 1, mount([operation({ transmissions: 14 })])), []);
  const other = { target: { protocol: "nfs", server: "nas", export: "/b" } } as const;
  const [anomaly] = stats(detector, 30, mount([operation({ transmissions: 11 })], other));
  assert.equal(anomaly?.summary, "5 RPCs to nas were sent again within 60 s");
  assert.deepEqual(brief(stats(detector, 90, mount([operation({ majorTimeouts: 1 })]))), ["timeouts onset warning"]);
});

test("a backlog of what moves no data; a large copy waits for its turn without harm", () => {
  const detector = makeRpc();
  assert.deepEqual(stats(detector, 1, mount([operation({ operation: "WRITE", count: 500, queueMs: 500 * 9000 })])), []);
  assert.deepEqual(stats(detector, 2, mount([operation({ count: 4, queueMs: 4 * 9000 })])), []);
  const [anomaly] = stats(detector, 3, mount([operation({ count: 8, queueMs: 8 * 6000 })]));
  assert.equal(anomaly?.summary, "8 RPCs to nas waited 6 s on average before they were sent");
});

test("a lease that expired, and what the state manager says in the kernel log", () => {
  const detector = makeRpc();
  assert.deepEqual(brief(stats(detector, 1, mount([], { leaseExpired: true }))), ["lease onset critical"]);
  const message = (id: string) =>
    detector.observe({
      type: "kernel-messages",
      nowNs: 2 * S,
      messages: [{ id, protocol: "nfs", kind: "trouble", timeNs: 2 * S, level: 4, server: "nas", text: "text" }],
    });
  assert.deepEqual(message("nfs.not-responding"), [], "the detector of the kernel log tells that");
  assert.deepEqual(brief(message("nfs.locks-lost")), ["state-manager onset critical"]);
});

test("without mountstats the probe tells of RPCs that were sent again", () => {
  const detector = makeRpc();
  const ops = [rpc({ latencyMs: 90_000, endedNs: 100 * S, retransmissions: 9, timeouts: 1 })];
  assert.deepEqual(detector.observe({ type: "rpc-ops", nowNs: 100 * S, ops }), []);
  detector.observe(off("mountstats"));
  assert.deepEqual(brief(detector.observe({ type: "rpc-ops", nowNs: 100 * S, ops })), [
    "timeouts onset warning",
    "retransmissions onset warning",
  ]);
});

const latencyRules: NfsLatencyRules = {
  windowNs: 10 * S,
  count: 3,
  general: { thresholdNs: 500 * MS, singleNs: S },
  commands: new Map([["COMMIT", { thresholdNs: 2 * S, singleNs: 10 * S }]]),
  exclude: new Set(["LOCK"]),
  inFlight: true,
  maxTargets: 8,
};

test("slow RPCs: one that is slow enough, several, and what is excluded", () => {
  const detector = new NfsLatencyDetector(latencyRules);
  const ended = (...ops: ReturnType<typeof rpc>[]) => detector.observe({ type: "rpc-ops", nowNs: 0, ops });
  assert.deepEqual(ended(rpc({ latencyMs: 5000, endedNs: 10 * S, procedure: "LOCK" })), []);
  assert.deepEqual(ended(rpc({ latencyMs: 1900, endedNs: 10 * S, procedure: "COMMIT" })), []);
  const [single] = ended(rpc({ seq: 2, latencyMs: 1500, endedNs: 11 * S, procedure: "OPEN" }));
  assert.equal(single?.summary, "NFS OPEN took 1.5 s (cp, pid 77)");
  ended(rpc({ seq: 3, latencyMs: 600, endedNs: 12 * S }));
  assert.deepEqual(brief(ended(rpc({ seq: 4, latencyMs: 600, endedNs: 13 * S }))), ["count onset warning"]);
});

test("how long data waited to be sent is not its latency; in flight it cannot be told", () => {
  const detector = new NfsLatencyDetector(latencyRules);
  const queued = rpc({
    latencyMs: 9000,
    endedNs: 10 * S,
    procedure: "WRITE",
    phasesUs: { queue: 8_900_000, wire: 90_000, wake: 10_000 },
  });
  assert.deepEqual(detector.observe({ type: "rpc-ops", nowNs: 10 * S, ops: [queued] }), []);
  const open = (procedure: string) =>
    detector.observe({
      type: "rpc-inflight",
      nowNs: 20 * S,
      ops: [rpc({ seq: 9, procedure, latencyMs: 3000, endedNs: undefined, nowNs: 20 * S })],
    });
  assert.deepEqual(open("WRITE"), []);
  assert.deepEqual(brief(open("GETATTR")), ["single onset warning"]);
});

test("without probes the kernel's own sums: a mean over a threshold", () => {
  const detector = new CounterLatencyDetector({
    windowNs: 10 * S,
    count: 10,
    smb: rules().commands,
    nfs: latencyRules,
    maxTargets: 8,
  });
  const smb = (nowS: number, commandCode: number, count: number, totalMs: number, extra: SmbCommandDelta[] = []) =>
    detector.observe({
      type: "smb-stats",
      nowNs: nowS * S,
      delta: {
        intervalNs: S,
        sessionReconnects: 0,
        shareReconnects: 0,
        shares: [
          {
            target: { protocol: "smb", server: "a" },
            disconnected: false,
            requests: count,
            bytesRead: 0,
            bytesWritten: 0,
            counts: new Map(),
          },
        ],
        commands: [{ connection: 0, commandCode, count, totalMs, slow: 0 }, ...extra],
      },
    });
  assert.deepEqual(smb(1, 9, 5, 50_000), [], "the probe sees them");
  detector.observe(off("smb_wire"));
  detector.observe(off("nfs_rpc"));
  assert.deepEqual(smb(2, 15, 1, 500_000), [], "a CHANGE_NOTIFY");
  assert.deepEqual(smb(3, 9, 100, 9_000), []);
  const [single] = smb(4, 9, 5, 6_000);
  assert.equal(single?.summary, "SMB2_WRITE took 1.2 s on average of 5");
  assert.deepEqual([single?.detector, single?.target.server], ["latency", "a"]);
  assert.deepEqual(smb(5, 9, 6, 3_600), []);
  assert.deepEqual(brief(smb(6, 9, 6, 3_600)), ["count onset warning"]);
  assert.deepEqual(brief(stats(detector, 7, mount([operation({ count: 3, roundTripMs: 4000 })]))), [
    "single onset warning",
  ]);
  assert.deepEqual(detector.observe({ type: "ops", nowNs: 8 * S, ops: [op({ latencyMs: 5000, endedNs: 8 * S })] }), []);
  assert.equal(detector.blind().length, 2);
});
