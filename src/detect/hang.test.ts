import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SmbOp } from "../probe/op.ts";
import { brief, mid, off, op, rpc, S, smbState, waiter } from "./fixture.ts";
import { HangDetector, type HangRules } from "./hang.ts";
import type { NfsTransportDelta, StuckTask } from "./observation.ts";

const make = (change: Partial<HangRules> = {}) =>
  new HangDetector({ afterNs: 10 * S, exclude: new Set([15]), locks: false, maxTracked: 100, ...change });
const open = (facts: Partial<SmbOp> & { readonly ageS: number; readonly nowS: number }): SmbOp => {
  const { ageS, nowS, ...rest } = facts;
  return { ...op({ latencyMs: ageS * 1000, endedNs: undefined, nowNs: nowS * S }), ...rest };
};
const inflight = (detector: HangDetector, nowS: number, ops: SmbOp[], waiters = [] as ReturnType<typeof waiter>[]) =>
  detector.observe({ type: "inflight", nowNs: nowS * S, inflight: { ops, waiters } });
const task = (sinceS: number, facts: Partial<StuckTask> = {}): StuckTask => ({
  pid: 9,
  tid: 9,
  comm: "dd",
  sinceNs: sinceS * S,
  layer: "cifs",
  stack: ["wait_for_response", "compound_send_recv", "SMB2_open"],
  ...facts,
});
const tasks = (detector: HangDetector, nowS: number, ...all: StuckTask[]) =>
  detector.observe({ type: "stuck-tasks", nowNs: nowS * S, tasks: all });

test("a request in flight hangs at its age, while nothing else happens", () => {
  const detector = make();
  assert.deepEqual(inflight(detector, 100, [open({ ageS: 9.9, nowS: 100 })]), []);
  const [anomaly] = inflight(detector, 100.2, [open({ ageS: 10.1, nowS: 100.2, mid: 7n })]);
  assert.equal(anomaly?.summary, "SMB2_WRITE has not ended for 10.1 s (dd, pid 1234)");
  assert.equal(anomaly?.severity, "critical");
  assert.deepEqual(anomaly?.hang, { needed: 1, ops: [{ seq: 1, connectionId: 1n, mid: 7n }], waiters: [] });
  assert.deepEqual([anomaly?.evidence.age_s, anomaly?.evidence.mid], [10.1, "7"]);
  assert.equal(anomaly?.firstNs, 90.1 * S);
});

test("its stack is there when the task was seen to sleep", () => {
  const detector = make();
  tasks(detector, 100, task(99, { tid: 1234 }));
  const [anomaly] = inflight(detector, 100, [open({ ageS: 11, nowS: 100 })]);
  assert.equal(anomaly?.evidence.stack, "wait_for_response < compound_send_recv < SMB2_open");
});

test("all of one connection are one anomaly that names the oldest", () => {
  const ops = Array.from({ length: 30 }, (_, index) => open({ ageS: 11 + index, nowS: 100, seq: index + 1 }));
  const other = open({ ageS: 20, nowS: 100, connectionId: 2n });
  const [first, second, ...more] = inflight(make(), 100, [...ops, other]);
  assert.equal(more.length, 0);
  assert.match(first?.summary ?? "", /^SMB2_WRITE has not ended for 40 s .*, and 29 more of the same$/);
  assert.equal(first?.hang?.ops.length, 30);
  assert.equal(second?.target.connectionId, 2n);
});

test("what waits by design does not hang", () => {
  const detector = make();
  const notify = open({ ageS: 5000, nowS: 10_000, command: "SMB2_CHANGE_NOTIFY", commandCode: 15 });
  const lock = open({ ageS: 5000, nowS: 10_000, command: "SMB2_LOCK", commandCode: 10 });
  assert.deepEqual(inflight(detector, 10_000, [notify, lock]), []);
  assert.equal(inflight(make({ locks: true }), 10_000, [notify, lock]).length, 1);
});

test("waits for credits and for a reconnect, each by its own rule", () => {
  const waiters = [waiter({ sinceNs: 80 * S }), waiter({ sinceNs: 85 * S, kind: "reconnect", tid: 78 })];
  const anomalies = inflight(make(), 100, [], waiters);
  assert.deepEqual(brief(anomalies), ["credits onset critical", "reconnect onset critical"]);
  assert.equal(anomalies[1]?.summary, "a wait for the connection to come back has not ended for 15 s (cp, pid 77)");
});

test("what DebugData knows nothing of is not told again, until it ends", () => {
  const detector = make();
  const stuck = open({ ageS: 20, nowS: 100, seq: 5 });
  detector.reject([5]);
  assert.deepEqual(inflight(detector, 100, [stuck]), []);
  detector.observe({ type: "ops", nowNs: 101 * S, ops: [{ ...stuck, state: "closed", endedNs: 101 * S }] });
  assert.equal(inflight(detector, 130, [open({ ageS: 20, nowS: 130, seq: 5 })]).length, 1);
});

test("a task that sleeps long hangs when nothing is answered meanwhile", () => {
  const detector = make();
  const answers = (nowS: number, commandCode: number) =>
    detector.observe({
      type: "smb-window",
      nowNs: nowS * S,
      reconnects: 0,
      windows: [
        { connectionId: 1n, sessionId: 1n, treeId: 1, commandCode, count: 3, errors: 0, latency: new Map([[3, 3]]) },
      ],
    });
  for (let nowS = 1; nowS <= 60; nowS++) {
    answers(nowS, 9);
    assert.deepEqual(tasks(detector, nowS, task(1)), [], "dd waits for its pages to be written");
  }
  for (let nowS = 61; nowS < 70; nowS++) {
    answers(nowS, 13);
    assert.deepEqual(tasks(detector, nowS, task(1)), []);
  }
  answers(70, 13);
  const [anomaly] = tasks(detector, 70, task(1));
  assert.equal(anomaly?.summary, "a task in cifs has not ended for 69 s (dd, pid 9)", "an ECHO is no progress");
});

test("nor does a task that waits by design, on a server that has nothing else to answer", () => {
  const notify = { stack: ["wait_for_response [cifs]", "SMB2_change_notify [cifs]", "smb3_notify [cifs]"] };
  const lock = { stack: ["wait_for_response [cifs]", "cifs_send_recv [cifs]", "SMB2_lock [cifs]"] };
  for (const facts of [notify, lock]) assert.deepEqual(tasks(make(), 100, task(1, facts)), []);
  assert.equal(tasks(make({ exclude: new Set() }), 100, task(1, notify)).length, 1);
  assert.equal(tasks(make({ locks: true }), 100, task(1, lock)).length, 1);
  // Where stacks may not be read DebugData knows whose request it is.
  const detector = make();
  const state = (command: number) =>
    detector.observe({ type: "smb-state", nowNs: 100 * S, data: smbState({}, [{ ...mid(command), pid: 9 }]) });
  const unread = { pid: 9, tid: 9, comm: "dd", sinceNs: 1 * S, layer: "cifs", wchan: "wait_for_response" } as const;
  state(15);
  assert.deepEqual(tasks(detector, 100, unread), []);
  state(5);
  assert.equal(tasks(detector, 101, unread).length, 1);
});

test("RPCs: metadata by its age, data when the server answers nothing", () => {
  const detector = make();
  const flight = (nowS: number, procedure: string) =>
    brief(
      detector.observe({
        type: "rpc-inflight",
        nowNs: nowS * S,
        ops: [rpc({ procedure, latencyMs: 12_000, endedNs: undefined, nowNs: nowS * S })],
      }),
    );
  const window = (nowS: number) =>
    detector.observe({
      type: "rpc-window",
      nowNs: nowS * S,
      windows: [
        {
          target: { protocol: "nfs", server: "nas" },
          procedure: "WRITE",
          count: 9,
          errors: 0,
          attempts: 9,
          transmissions: 9,
          latency: new Map([[9, 9]]),
        },
      ],
    });
  window(100);
  assert.deepEqual(flight(101, "WRITE"), [], "it waits for its turn");
  assert.deepEqual(flight(101, "LOCK"), []);
  assert.deepEqual(flight(102, "GETATTR"), ["rpc onset critical"]);
  assert.deepEqual(flight(111, "WRITE"), ["rpc ongoing critical"], "nothing for 11 s");
});

test("without the probe: MIDs of DebugData from the first look on, and who hangs is the task", () => {
  const detector = make();
  const look = (nowS: number, ...mids: ReturnType<typeof mid>[]) =>
    detector.observe({ type: "smb-state", nowNs: nowS * S, data: smbState({}, mids) });
  assert.deepEqual(look(1, mid(8)), [], "the probe knows better");
  detector.observe(off("smb_wire"));
  for (let nowS = 2; nowS < 12; nowS++) assert.deepEqual(look(nowS, mid(8), mid(15, 9n), mid(10, 10n)), []);
  const [anomaly] = look(12, mid(8), mid(15, 9n));
  assert.equal(anomaly?.summary, "SMB2_READ has not ended for 10 s");
  assert.deepEqual([anomaly?.evidence.tid, anomaly?.evidence.known_from], [1234, "DebugData"]);
  assert.deepEqual(look(13, mid(8, 42n)), [], "another one");
  assert.match(detector.blind().join(), /age of a request is counted from the first look at it/);
});

test("without the probe: a server that was sent something and answers nothing; what was sent again long ago proves nothing", () => {
  const detector = make();
  detector.observe(off("nfs_rpc"));
  const look = (nowS: number, change: Partial<NfsTransportDelta>) =>
    detector.observe({
      type: "mountstats",
      nowNs: nowS * S,
      mounts: ["/a", "/b"].map((path) => ({
        target: { protocol: "nfs", server: "nas", export: path },
        mountPoint: path,
        intervalNs: S,
        operations: [],
        transports: [{ kind: "tcp", connects: 0, sends: 0, receives: 0, badXids: 0, pending: 3, ...change }],
      })),
    });
  for (let nowS = 1; nowS < 100; nowS++) assert.deepEqual(look(nowS, {}), [], "idle since");
  look(100, { sends: 5, receives: 4 });
  look(101, { sends: 1, receives: 2 });
  for (let nowS = 102; nowS < 150; nowS++) assert.deepEqual(look(nowS, {}), [], "all answered");
  look(150, { sends: 2 });
  for (let nowS = 151; nowS < 160; nowS++) assert.deepEqual(look(nowS, {}), []);
  const [anomaly, ...more] = look(160, {});
  assert.equal(more.length, 0, "two mounts of one server");
  assert.equal(anomaly?.summary, "an RPC to nas:/b has not ended for 10 s");
});

test("whatever comes, it tells nothing that is younger than the limit, and its memory is bounded", () => {
  const ages = fc.array(
    fc.record({ ageS: fc.nat({ max: 30 }), id: fc.nat({ max: 500 }), command: fc.nat({ max: 18 }) }),
    {
      maxLength: 300,
    },
  );
  fc.assert(
    fc.property(fc.array(ages, { maxLength: 6 }), (looks) => {
      const detector = make({ maxTracked: 40 });
      detector.observe(off("smb_wire"));
      for (const [index, look] of looks.entries()) {
        const nowS = 1000 + index;
        const ops = look.map(({ ageS, id, command }) => open({ ageS, nowS, seq: id, commandCode: command }));
        const old = look.some(({ ageS, command }) => ageS >= 10 && command !== 15 && command !== 10);
        assert.equal(inflight(detector, nowS, ops).length > 0, old);
        const mids = look.map(({ id, command }) => mid(command, BigInt(id)));
        detector.observe({ type: "smb-state", nowNs: nowS * S, data: smbState({}, mids) });
        assert.ok((detector.state().tracked ?? 0) <= 80);
      }
    }),
    { numRuns: 50 },
  );
});
