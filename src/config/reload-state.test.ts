import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Anomaly, Detector } from "../detect/detector.ts";
import { MS, mid, off, op, rpc, S, smbState, waiter } from "../detect/fixture.ts";
import type { NfsMountDelta, Observation, SocketSample } from "../detect/observation.ts";
import { reconfigure } from "../detect/reconfigure.ts";
import { createDetectors, type DetectorRules, detectorKinds } from "../detect/registry.ts";
import { bucketOf } from "../probe/histogram.ts";
import { parseConfig } from "./config.ts";
import { detectorRules } from "./detector-rules.ts";

// SIGHUP in the middle of whatever happens: what the detectors say after it is what they would have said without.

const smb = { protocol: "smb", server: "files.example", share: "\\\\files.example\\share" } as const;
const nfs = { protocol: "nfs", server: "nas", address: "192.0.2.2" } as const;
const remote = { address: "192.0.2.1", port: 445 };

/** What happens for some seconds: nothing, or one kind of trouble of everything that the detectors know. */
type Fault = (typeof faults)[number];
const faults = [
  "none",
  "slow",
  "errors",
  "hang",
  "down",
  "storm",
  "network",
  "rpc",
  "auth",
  "log",
  "collapse",
] as const;

/** One second: what all sources and probes tell of it. */
function second(fault: Fault, nowNs: number, blind: boolean): Observation[] {
  const is = (one: Fault): boolean => fault === one;
  const ms = is("slow") ? 800 : 2;
  const count = is("collapse") ? 0 : 50;
  const latency = new Map([[bucketOf(ms * MS), count]]);
  const down = is("down") || is("hang");
  const state = smbState(
    { tcpStatus: down ? 3 : 1, instance: is("storm") ? Math.floor(nowNs / S) : 1 },
    down || is("collapse") ? [mid(5), mid(8, 42n)] : [],
  );
  const seq = Math.floor(nowNs / S) * 10;
  const ended = [0, 1, 2, 3].map((index) =>
    op({
      seq: seq + index,
      command: "SMB2_WRITE",
      latencyMs: ms,
      endedNs: nowNs - index * MS,
      status: is("errors") ? 0xc000007f : is("storm") ? 0xc0000203 : 0,
    }),
  );
  const hangs = op({ seq: 7, latencyMs: 5000, endedNs: undefined, nowNs });
  const rpcs = [0, 1, 2, 3].map((index) =>
    rpc({
      seq: seq + index,
      latencyMs: is("rpc") ? 700 : 2,
      endedNs: nowNs,
      retransmissions: is("rpc") ? 1 : 0,
      ...(is("errors") ? { status: { nfs: "NFS4ERR_STALE", code: 70, errno: 116 } } : {}),
    }),
  );
  const probes: Observation[] = [
    { type: "ops", nowNs, ops: ended },
    { type: "inflight", nowNs, inflight: { ops: down ? [hangs] : [], waiters: down ? waiting(nowNs) : [] } },
    {
      type: "smb-window",
      nowNs,
      reconnects: 0,
      windows: [{ connectionId: 1n, sessionId: 0x65n, treeId: 5, commandCode: 5, count, errors: 0, latency }],
    },
    { type: "rpc-ops", nowNs, ops: rpcs },
    {
      type: "rpc-inflight",
      nowNs,
      ops: is("rpc") ? [rpc({ seq: 9, latencyMs: 6000, endedNs: undefined, nowNs })] : [],
    },
  ];
  return [
    ...(blind ? [] : probes),
    { type: "smb-state", nowNs, data: state },
    {
      type: "smb-stats",
      nowNs,
      delta: {
        intervalNs: S,
        sessionReconnects: is("storm") ? 1 : 0,
        shareReconnects: 0,
        shares: [
          {
            target: smb,
            disconnected: false,
            requests: count,
            bytesRead: count * 4096,
            bytesWritten: 0,
            counts: new Map([["Reads", { total: 50, failed: is("errors") ? 3 : 0 }]]),
          },
        ],
        commands: [{ connection: 0, commandCode: 9, count: 4, totalMs: 4 * ms, slow: 0 }],
      },
    },
    { type: "mountstats", nowNs, mounts: [mountOf(is("rpc"), is("errors"))] },
    { type: "sockets", nowNs, sockets: [socketOf(is("network"))], gone: [] },
    ...(is("auth")
      ? [
          {
            type: "journal",
            nowNs,
            lines: [{ timeNs: nowNs, program: "cifs.upcall", verdict: "denied", text: "" }],
          } as const,
        ]
      : []),
    ...(is("log")
      ? [
          {
            type: "kernel-messages",
            nowNs,
            messages: [
              {
                id: "smb.not-responding",
                protocol: "smb",
                kind: "trouble",
                timeNs: nowNs,
                level: 3,
                text: "no answer",
              },
            ],
          } as const,
        ]
      : []),
  ];
}

const waiting = (nowNs: number) =>
  Array.from({ length: 6 }, (_, index) => waiter({ tid: 100 + index, sinceNs: nowNs - 4 * S }));

function mountOf(sentAgain: boolean, failing: boolean): NfsMountDelta {
  const ms = sentAgain ? 900 : 2;
  const operation = {
    operation: "READ",
    count: 10,
    transmissions: sentAgain ? 11 : 10,
    majorTimeouts: sentAgain ? 1 : 0,
    errors: failing ? 3 : 0,
    queueMs: 0,
    roundTripMs: 10 * ms,
    executeMs: 10 * ms,
    bytes: 40_960,
  };
  const transport = { kind: "tcp", connects: 0, sends: 10, receives: 10, badXids: 0, pending: 0 };
  return { target: nfs, mountPoint: "/n", intervalNs: S, operations: [operation], transports: [transport] };
}

function socketOf(bad: boolean): SocketSample {
  const delta = { intervalNs: S, segmentsOut: 50, retransmits: bad ? 10 : 0 };
  const local = { address: "192.0.2.9", port: 40_000 };
  const queues = { sendQueue: bad ? 1000 : 0, receiveQueue: 0, unacked: bad ? 1 : 0, zeroWindow: bad };
  return { target: smb, local, remote, state: "ESTABLISHED", ...queues, delta };
}

const yaml = `detectors:
  errors: {counters: 8}
  hang: {after: 3s}
  connection: {down_after: 2s, storm_count: 3, storm_window: 1m}
  auth: {failures: 2}
  nfs_rpc: {retransmissions: 3, timeouts: 2}
  slowdown: {slice: 1s, slices: 2, min_requests: 5, learn: 4}
  throughput: {lasts: 6s, before: 20s, min_requests: 10, min_bytes: 1000}
`;
const rules = detectorRules(parseConfig(yaml, "aod.yaml"));

/** Every number twice as large, but lengths of windows and slices: to those there is no way back. */
function doubled<T>(value: T, name = ""): T {
  if (typeof value === "number") return (/^(?:window|stormWindow|slice)Ns$/.test(name) ? value : value * 2) as T;
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, doubled(one)])) as T;
  if (value instanceof Set || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => doubled(one)) as T;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, doubled(one, key)])) as T;
}

const other: DetectorRules = doubled(rules);
/** How a reload goes: the detectors that hold from then on. */
const reloads: Readonly<Record<string, (detectors: readonly Detector[]) => readonly Detector[]>> = {
  "the same again": (detectors) => reconfigure(detectors, rules, rules),
  "another one and back": (detectors) => reconfigure(reconfigure(detectors, rules, other), other, rules),
};

function judge(stream: readonly Observation[], at: number, reload?: (typeof reloads)[string]): Anomaly[] {
  let detectors: readonly Detector[] = createDetectors(rules);
  return stream.flatMap((observation, index) => {
    if (index === at && reload !== undefined) detectors = reload(detectors);
    return detectors.flatMap((detector) => detector.observe(observation));
  });
}

for (const [name, reload] of Object.entries(reloads)) {
  test(`a reload in the middle of a stream (${name}) changes nothing of what is told`, () => {
    const told = new Set<string>();
    const phases = fc.shuffledSubarray([...faults, ...faults], { minLength: 2 * faults.length });
    fc.assert(
      fc.property(phases, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), (order, blind, part) => {
        const sources = blind ? [off("smb_wire"), off("nfs_rpc")] : [];
        const seconds = ["none" as const, ...order].flatMap((fault) => Array.from({ length: 10 }, () => fault));
        const stream = [...sources, ...seconds.flatMap((fault, index) => second(fault, (1000 + index) * S, blind))];
        const at = Math.floor(part * stream.length);
        const expected = judge(stream, -1);
        assert.deepEqual(judge(stream, at, reload), expected);
        for (const { detector } of expected) told.add(`${detector}${blind ? " without probes" : ""}`);
      }),
      { numRuns: 20 },
    );
    // Else the property would say nothing of a detector.
    const names = createDetectors(rules).map((detector) => detector.name);
    assert.equal(names.length, detectorKinds.length);
    const silent = names.filter((one) => !told.has(one) && !told.has(`${one} without probes`));
    // It tells in the name of the detector whose place it takes.
    assert.deepEqual(silent, ["latency-counters"]);
    assert.ok(told.has("latency without probes"));
  });
}

test("a window of another length keeps what was counted in it", () => {
  const rulesOf = (window: string): DetectorRules => {
    const { errors } = detectorRules(parseConfig(`detectors: {errors: {window: ${window}, counters: 8}}`, "a.yaml"));
    return { ...(errors && { errors }) };
  };
  const failing = (nowNs: number) => second("errors", nowNs, true).filter(({ type }) => type === "smb-stats");
  const detectors = createDetectors(rulesOf("60s"));
  const observe = (all: readonly Detector[], at: number) =>
    failing(at * S).flatMap((one) => all.flatMap((detector) => detector.observe(one)));
  for (const detector of detectors) detector.observe(off("smb_wire"));
  assert.deepEqual([...observe(detectors, 1000), ...observe(detectors, 1010)], []);
  const after = reconfigure(detectors, rulesOf("60s"), rulesOf("90s"));
  assert.deepEqual(
    observe(after, 1080).map(({ evidence }) => evidence.within_window),
    [9],
  );
});
