import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RpcStatus } from "../nfs/status.ts";
import type { Anomaly } from "./detector.ts";
import { type ErrorRule, ErrorsDetector, type ErrorsRules } from "./errors.ts";
import { brief, off, op, rpc, S } from "./fixture.ts";

const DENIED = 0xc000_0022;
const NOT_FOUND = 0xc000_0034;
const severe: ErrorRule = {
  name: "severe",
  protocol: "smb",
  statuses: new Set([DENIED]),
  count: 3,
  severity: "warning",
};
const missing: ErrorRule = {
  name: "missing",
  protocol: "smb",
  commands: new Set(["SMB2_CREATE"]),
  statuses: new Set([NOT_FOUND]),
  count: 5,
  severity: "info",
};
const stale: ErrorRule = { name: "stale", protocol: "nfs", statuses: new Set([70]), count: 2, severity: "warning" };
const make = (change: Partial<ErrorsRules> = {}) =>
  new ErrorsDetector({ windowNs: 60 * S, rules: [severe, missing, stale], counters: 10, maxTargets: 8, ...change });
const failed = (detector: ErrorsDetector, atS: number, facts: Partial<Parameters<typeof op>[0]> = {}): Anomaly[] =>
  detector.observe({
    type: "ops",
    nowNs: atS * S,
    ops: [op({ command: "SMB2_CREATE", status: DENIED, latencyMs: 1, endedNs: atS * S, ...facts })],
  });

test("the third within the window is an anomaly, and says what it was and who met it last", () => {
  const detector = make();
  assert.deepEqual(failed(detector, 1), []);
  assert.deepEqual(failed(detector, 20), []);
  const [anomaly] = failed(detector, 40);
  assert.equal(
    anomaly?.summary,
    "3 errors of severe within 60 s: STATUS_ACCESS_DENIED 3 to SMB2_CREATE 3, last for dd (pid 1234)",
  );
  assert.deepEqual(anomaly?.target, { protocol: "smb", connectionId: 1n, sessionId: 0x65n, treeId: 5 });
  assert.deepEqual(brief(failed(detector, 41)), ["severe ongoing warning"]);
});

test("those of two shares, of other commands or of other statuses are none", () => {
  const detector = make();
  for (let atS = 1; atS < 5; atS++) failed(detector, atS, { treeId: atS });
  for (let atS = 5; atS < 20; atS++) {
    assert.deepEqual(failed(detector, atS, { command: "SMB2_QUERY_INFO", status: NOT_FOUND }), []);
    assert.deepEqual(failed(detector, atS, { status: 0 }), []);
  }
  for (let atS = 20; atS < 24; atS++) assert.deepEqual(failed(detector, atS, { status: NOT_FOUND }), []);
  assert.deepEqual(brief(failed(detector, 24, { status: NOT_FOUND })), ["missing onset info"]);
});

test("an NFS status counts by its number, whatever the version calls it", () => {
  const detector = make();
  const answer = (atS: number, nfs: string) =>
    detector.observe({
      type: "rpc-ops",
      nowNs: atS * S,
      ops: [rpc({ latencyMs: 1, endedNs: atS * S, status: { nfs, code: 70, errno: 116 } })],
    });
  assert.deepEqual(answer(1, "NFS3ERR_STALE"), []);
  const [anomaly] = answer(2, "NFS4ERR_STALE");
  assert.equal(anomaly?.rule, "stale");
  assert.equal(anomaly?.target.server, "nas");
});

test("without the probe the counters of what does not fail on a healthy share", () => {
  const detector = make();
  const stats = (atS: number, name: string, amount: number) =>
    detector.observe({
      type: "smb-stats",
      nowNs: atS * S,
      delta: {
        intervalNs: S,
        sessionReconnects: 0,
        shareReconnects: 0,
        commands: [],
        shares: [
          {
            target: { protocol: "smb", share: "\\\\a\\b" },
            disconnected: false,
            requests: 100,
            bytesRead: 0,
            bytesWritten: 0,
            counts: new Map([[name, { total: 100, failed: amount }]]),
          },
        ],
      },
    });
  assert.deepEqual(stats(1, "Writes", 100), [], "the probe tells of them itself");
  detector.observe(off("smb_wire"));
  assert.deepEqual(stats(2, "Creates", 1000), [], "a name that is not there");
  assert.deepEqual(stats(3, "Writes", 9), []);
  const [anomaly] = stats(4, "Writes", 3);
  assert.equal(anomaly?.rule, "counters");
  assert.match(anomaly?.summary ?? "", /^12 requests to \\\\a\\b failed within 60 s: Writes 12; /);
  assert.match(
    detector.blind().join(),
    /only how many failed is known, not with which status \(smb_wire is off: BPF is refused\)/,
  );
});

test("it asks the probe for the commands of its rules, and for all where a rule is about any", () => {
  assert.equal(make().needs.errorCommands?.size, 20);
  assert.deepEqual([...(make({ rules: [missing] }).needs.errorCommands ?? [])], [5]);
  assert.equal(make({ rules: [missing] }).needs.rpc, undefined);
});

test("statuses of rules about rates alone are not asked for one by one, and count by what the kernel has counted", () => {
  const burst: ErrorRule = { ...missing, name: "burst", count: 1000 };
  const detector = make({ rules: [severe, burst] });
  assert.deepEqual([...(detector.needs.errorStatuses ?? [])], [DENIED]);
  const counted = (atS: number, status: number, count: number, commandCode = 5) =>
    detector.observe({
      type: "smb-window",
      nowNs: atS * S,
      windows: [],
      failures: [{ connectionId: 1n, sessionId: 0x65n, treeId: 5, commandCode, status, count }],
      reconnects: 0,
    });
  assert.deepEqual(counted(1, NOT_FOUND, 999), []);
  assert.deepEqual(counted(2, NOT_FOUND, 5000, 16), [], "of another command");
  assert.deepEqual(counted(2, DENIED, 5000), [], "it comes as requests");
  assert.deepEqual(failed(detector, 3, { status: NOT_FOUND }), [], "it was counted: a slow one is told besides");
  const [anomaly] = counted(4, NOT_FOUND, 1);
  assert.equal(
    anomaly?.summary,
    "1000 errors of burst within 60 s: STATUS_OBJECT_NAME_NOT_FOUND 1000 to SMB2_CREATE 1000",
  );
  assert.deepEqual(anomaly?.target, { protocol: "smb", connectionId: 1n, sessionId: 0x65n, treeId: 5 });
  const [warning] = ((detector) => {
    detector.configure({
      windowNs: 60 * S,
      rules: [{ ...severe, statuses: new Set([0x8000_0006]) }],
      counters: 10,
      maxTargets: 8,
    });
    return counted(5, 0x8000_0006, 3, 14);
  })(detector);
  assert.equal(warning?.rule, "severe", "what is no error comes as a count alone");
  // A rule of few wants to know who it was.
  detector.configure({ windowNs: 60 * S, rules: [burst, missing], counters: 10, maxTargets: 8 });
  assert.deepEqual([...(detector.needs.errorStatuses ?? [])], [NOT_FOUND]);
});

test("the same of NFS: by server, whoever asked", () => {
  const noent: ErrorRule = {
    ...stale,
    name: "noent",
    commands: new Set(["LOOKUP"]),
    statuses: new Set([2]),
    count: 1000,
  };
  const detector = make({ rules: [stale, noent] });
  assert.deepEqual(detector.needs.rpc, { errors: true, errorStatuses: new Set([70]) });
  const counted = (atS: number, status: RpcStatus, count: number, procedure = "LOOKUP") =>
    detector.observe({
      type: "rpc-window",
      nowNs: atS * S,
      windows: [],
      failures: [{ server: "nas", address: "192.0.2.7", procedure, status, count }],
    });
  const missed = { nfs: "NFS4ERR_NOENT", code: 2, errno: 2 };
  assert.deepEqual(counted(1, missed, 900), []);
  assert.deepEqual(counted(2, missed, 5000, "OPEN"), [], "of another procedure");
  assert.deepEqual(counted(2, { errno: 2 }, 5000), [], "nobody has answered");
  assert.deepEqual(counted(2, { nfs: "NFS4ERR_STALE", code: 70, errno: 116 }, 5000), [], "it comes as operations");
  const slow = rpc({ procedure: "LOOKUP", status: missed, latencyMs: 900, endedNs: 3 * S });
  assert.deepEqual(detector.observe({ type: "rpc-ops", nowNs: 3 * S, ops: [slow] }), [], "a slow one is told besides");
  const [anomaly] = counted(4, { nfs: "NFS3ERR_NOENT", code: 2, errno: 2 }, 100);
  assert.equal(
    anomaly?.summary,
    "1000 errors of noent within 60 s: NFS4ERR_NOENT 900, NFS3ERR_NOENT 100 to LOOKUP 1000",
  );
  assert.deepEqual(anomaly?.target, { protocol: "nfs", server: "nas", address: "192.0.2.7" });
});

test("it speaks when the naive count of a window says so, and not when a count of a little more does not", () => {
  const steps = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(steps, (gaps) => {
      const detector = make();
      let atS = 0;
      const times: number[] = [];
      for (const gap of gaps) {
        atS += gap;
        times.push(atS);
        const spoke = failed(detector, atS).length > 0;
        const within = (windowS: number) => times.filter((one) => atS - one < windowS).length;
        if (within(58) >= 3) assert.ok(spoke, `at ${atS}`);
        if (within(60) < 3) assert.ok(!spoke, `at ${atS}`);
      }
    }),
  );
});
