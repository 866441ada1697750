import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DebugMid, DebugServer } from "../smb/debug-data.ts";
import { ConnectionDetector, type ConnectionRules } from "./connection.ts";
import { brief, mid, off, op, S, smbState, waiter } from "./fixture.ts";

const rules: ConnectionRules = {
  downAfterNs: 10 * S,
  creditsAfterNs: 10 * S,
  stormCount: 5,
  stormWindowNs: 600 * S,
  expiries: 3,
  waiters: 5,
  waiterAgeNs: 2 * S,
  maxTargets: 16,
};
const make = () => new ConnectionDetector(rules);
const look = (detector: ConnectionDetector, nowS: number, change: Partial<DebugServer> = {}, mids: DebugMid[] = []) =>
  detector.observe({ type: "smb-state", nowNs: nowS * S, data: smbState(change, mids) });

test("a reconnect with requests in flight is told, one of an idle connection is counted", () => {
  const detector = make();
  look(detector, 1, {}, [mid(9), mid(15, 2n), mid(13, 3n)]);
  const [anomaly] = look(detector, 2, { instance: 2 });
  assert.equal(anomaly?.summary, "the connection to files.example was made anew with 1 requests in flight");
  look(detector, 3, { instance: 2 }, [mid(15), mid(13, 2n)]);
  assert.deepEqual(look(detector, 4, { instance: 3 }), [], "nobody waited for an answer");
  assert.deepEqual([detector.state().reconnects, detector.state().reconnects_without_harm], [2, 1]);
});

test("requests that a reconnect killed tell of it, also when they came and went between two looks", () => {
  const detector = make();
  look(detector, 1);
  detector.observe({
    type: "ops",
    nowNs: 1.5 * S,
    ops: [op({ latencyMs: 5, endedNs: 1.5 * S, end: "reconnect" })],
  });
  assert.deepEqual(brief(look(detector, 2, { instance: 2 })), ["reconnect onset warning"]);
});

test("reconnects again and again are a storm, idle or not", () => {
  const detector = make();
  const told = Array.from({ length: 7 }, (_, index) => brief(look(detector, index * 100, { instance: index })));
  assert.deepEqual(told.slice(0, 5).flat(), []);
  assert.deepEqual(told.slice(5), [["reconnect-storm onset warning"], ["reconnect-storm ongoing warning"]]);
});

test("a connection that stays away: a warning, and critical when requests wait", () => {
  const detector = make();
  look(detector, 0);
  for (let nowS = 1; nowS < 11; nowS++) assert.deepEqual(look(detector, nowS, { tcpStatus: 3 }), []);
  const [anomaly] = look(detector, 11, { tcpStatus: 3 });
  assert.deepEqual([anomaly?.rule, anomaly?.severity, anomaly?.firstNs], ["down", "warning", 1 * S]);
  assert.deepEqual(brief(look(detector, 12, { tcpStatus: 5 }, [mid(8)])), ["down onset critical"], "it got worse");
  assert.deepEqual(look(detector, 13), [], "and is good again");
  for (const tcpStatus of [0, 2]) {
    for (let nowS = 20; nowS < 60; nowS++) assert.deepEqual(look(make(), nowS, { tcpStatus }), [], "mount and unmount");
  }
});

test("no credits while tasks wait and nothing is answered", () => {
  const detector = make();
  const starved = { credits: [0, 1, 1], inMaxRequestWait: 3 };
  const answered = (nowS: number) =>
    detector.observe({
      type: "smb-window",
      nowNs: nowS * S,
      reconnects: 0,
      windows: [
        { connectionId: 1n, sessionId: 1n, treeId: 1, commandCode: 9, count: 1, errors: 0, latency: new Map() },
      ],
    });
  for (let nowS = 1; nowS < 60; nowS++) {
    answered(nowS);
    assert.deepEqual(look(detector, nowS, starved), [], "a large copy uses all that it gets");
  }
  for (let nowS = 60; nowS < 69; nowS++) assert.deepEqual(look(detector, nowS, starved), []);
  const [anomaly] = [...look(detector, 69, starved), ...look(detector, 70, starved)];
  assert.match(
    anomaly?.summary ?? "",
    /^files\.example has granted no credits for 1[01](\.\d+)? s; 3 tasks wait for some$/,
  );
});

test("a session that the server ends again and again; refusals of one expiry are one", () => {
  const detector = make();
  const expired = (atS: number, count = 1) =>
    detector.observe({
      type: "ops",
      nowNs: atS * S,
      ops: Array.from({ length: count }, () => op({ latencyMs: 1, endedNs: atS * S, status: 0xc000_035c })),
    });
  assert.deepEqual(expired(1, 50), []);
  assert.deepEqual(expired(5), []);
  assert.deepEqual(expired(200), []);
  assert.deepEqual(brief(expired(400)), ["session-expired onset warning"]);
  assert.deepEqual(expired(1400), [], "long ago");
});

test("tasks that wait, as soon as they are many and have waited for a moment", () => {
  const detector = make();
  const waiters = Array.from({ length: 5 }, (_, tid) => waiter({ tid, sinceNs: 10 * S }));
  const waiting = (nowS: number, count: number) =>
    detector.observe({
      type: "inflight",
      nowNs: nowS * S,
      inflight: { ops: [], waiters: waiters.slice(0, count) },
    });
  assert.deepEqual(waiting(11, 5), []);
  assert.deepEqual(waiting(13, 4), []);
  const [anomaly] = waiting(14, 5);
  assert.equal(anomaly?.summary, "5 tasks wait without a request: 5 for credits, 0 for a reconnect");
  assert.equal(anomaly?.hang?.needed, 5);
});

test("a password that is not accepted any more; a session that does not come back is told when somebody needs it", () => {
  const change = (session: object) => ({
    sessions: smbState().servers[0]?.sessions.map((one) => ({ ...one, ...session })) ?? [],
  });
  assert.deepEqual(brief(look(make(), 1, change({ passwordInvalid: true }))), ["password onset critical"]);
  const detector = make();
  for (let nowS = 1; nowS < 100; nowS++) assert.deepEqual(look(detector, nowS, change({ status: 3 })), [], "idle");
  for (let nowS = 100; nowS < 110; nowS++) assert.deepEqual(look(detector, nowS, change({ status: 3 }), [mid(5)]), []);
  assert.deepEqual(brief(look(detector, 110, change({ status: 3 }), [mid(5)])), ["session onset critical"]);
});

test("Stats alone tells of a storm, and the detector says what it cannot see", () => {
  const detector = make();
  detector.observe(off("debug-data"));
  const stats = (nowS: number) =>
    detector.observe({
      type: "smb-stats",
      nowNs: nowS * S,
      delta: { intervalNs: S, sessionReconnects: 2, shareReconnects: 2, shares: [], commands: [] },
    });
  assert.deepEqual([stats(1), stats(2)].flat(), []);
  assert.deepEqual(brief(stats(3)), ["reconnect-storm onset warning"]);
  assert.match(detector.blind()[0] ?? "", /^SMB: of connections only the number of reconnects is known/);
});

test("whatever is mounted and gone, its memory is bounded, and a good connection is silent", () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 1n, max: 200n }), { maxLength: 200 }), (ids) => {
      const detector = make();
      for (const [index, connectionId] of ids.entries()) {
        assert.deepEqual(look(detector, index, { connectionId }), []);
        assert.ok((detector.state().connections ?? 0) <= 16);
      }
    }),
    { numRuns: 30 },
  );
});
