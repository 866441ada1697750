import assert from "node:assert/strict";
import { test } from "node:test";
import type { SmbOp } from "../probe/op.ts";
import { TargetNames } from "../probe/target-names.ts";
import { parseDebugData } from "../smb/debug-data.ts";
import { seenRequests } from "./requests.ts";

test("what is in flight has its age and its names, and so have tasks that wait", () => {
  const clock = { nowNs: () => 100e9, wallMs: () => 1_795_351_052_000 };
  const data = parseDebugData(
    "Servers: \n1) ConnectionId: 0x2 Hostname: files \n\t1) Address: 10.0.0.9 Uses: 1 Capability: 0x7\tSession Status: 1 \n" +
      "\tSecurity type: RawNTLMSSP  SessionId: 0x5\n\t1) \\\\files\\data Mounts: 1 DevInfo: 0x20 Attributes: 0x1\n\ttid: 0x7\tMaximal Access: 0x1\n",
  );
  const op: SmbOp = {
    seq: 1,
    state: "open",
    command: "SMB2_READ",
    commandCode: 8,
    startedNs: 91e9,
    latencyUs: 9e6,
    phasesUs: {},
    pid: 7,
    tid: 7,
    comm: "cat",
    uid: 0,
    cgroupId: 0n,
    connectionId: 2n,
    sessionId: 5n,
    treeId: 7,
    mid: 36n,
    compound: false,
    lateAnswer: false,
  };
  const waiter = { kind: "reconnect", tid: 8, connectionId: 2n, sinceNs: 96e9 } as const;
  const seen = seenRequests(
    { nowNs: 100e9, open: 3, ops: [op], waiters: [] },
    [waiter],
    new TargetNames(() => data, clock),
    clock,
  );
  assert.equal(seen.open, 3);
  const [request] = seen.requests;
  assert.deepEqual(
    [request?.command, request?.latency_us, request?.share, request?.mid, request?.state],
    ["SMB2_READ", 9e6, "\\\\files\\data", "36", "open"],
  );
  assert.deepEqual(
    seen.waiters.map(({ waiting, waited_us, server }) => [waiting, waited_us, server]),
    [["reconnect", 4e6, "files"]],
  );
});
