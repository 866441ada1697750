import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AodSmbOp, AodOpFlag as F, AodOpState as S } from "./decoders.gen.ts";
import { opToJson, type SmbOpJson, waiterToJson } from "./op-json.ts";
import { smbOpOf } from "./smb-op.ts";
import { rawOp, T0 } from "./testing/make-frames.ts";

// The wall clock stands at 13:05:11.123456 when T0 + 5.14 ms is now.
const clock = { nowNs: () => T0 + 5_140_000, wallMs: () => Date.UTC(2026, 10, 22, 13, 5, 11, 123) + 0.456 };

function json(changes: Partial<AodSmbOp>, nowNs = T0 + 5_140_000): SmbOpJson {
  const op = smbOpOf(rawOp(changes), nowNs);
  assert.ok(op);
  return opToJson(op, { server: "127.0.0.1", share: "\\\\127.0.0.1\\share" }, clock);
}

describe("an op in JSON", () => {
  it("has the public keys in the public order", () => {
    assert.deepEqual(JSON.parse(JSON.stringify(json({ command: 9 }))), {
      time: "2026-11-22T13:05:11.123456Z",
      layer: "wire",
      protocol: "smb",
      command: "SMB2_WRITE",
      status: "STATUS_SUCCESS",
      status_code: "0x00000000",
      errno: 0,
      latency_us: 5_150,
      phases_us: { queue: 10, send: 100, wire: 5_000, wake: 40 },
      pid: 1_234,
      tid: 1_235,
      comm: "dd",
      uid: 1_000,
      server: "127.0.0.1",
      share: "\\\\127.0.0.1\\share",
      connection_id: "0x1",
      session_id: "0x1b80118000065",
      tree_id: "0x5",
      mid: "41",
      compound: false,
      async: false,
      cgroup_id: "4097",
    });
  });

  it("leaves out what is not known", () => {
    const found = json({ flags: F.CANCELLED, answered: 0, cgroup: 0n, comm: "kworker/0:1", command: 9 });
    for (const key of [
      "status",
      "status_code",
      "errno",
      "pid",
      "async_id",
      "state",
      "opener_pid",
      "cgroup_id",
      "late_answer",
    ]) {
      assert.equal(key in found, false, key);
    }
    assert.equal(found.end, "cancelled");
  });

  it("the errno is the client's return code, also without a response", () => {
    const unknown = json({ status: 0xc0ff_0001 });
    assert.deepEqual([unknown.status, unknown.errno], ["0xc0ff0001", 5]);
    const errnos = [F.RETRY, F.SHUTDOWN, F.CANCELLED].map((flags) => json({ flags, answered: 0 }).errno);
    assert.deepEqual(errnos, [11, 112, undefined]);
    assert.deepEqual(
      [json({ flags: F.NOT_MADE, answered: 0, error: -12 })].map(({ end, errno }) => [end, errno]),
      [["not-made", 12]],
    );
  });

  it("in flight says so, and its time is the moment of observation", () => {
    const found = json({ state: S.OPEN, answered: 0, closed: 0, flags: 0 }, T0 + 1_000_000);
    assert.equal(found.state, "open");
    assert.equal(found.latency_us, 1_000);
    assert.equal(found.time, "2026-11-22T13:05:11.119316Z");
  });

  it("an asynchronous response has its id", () => {
    const found = json({ flags: F.WIRE_ASYNC, asyncId: 0x15n });
    assert.equal(found.async_id, "0x15");
    assert.equal(found.async, true);
  });
});

describe("a waiting task in JSON", () => {
  it("has the time that it is known to wait", () => {
    const waiter = { kind: "reconnect", tid: 7, pid: 6, comm: "ls", connectionId: 1n, sinceNs: T0 } as const;
    assert.deepEqual(waiterToJson(waiter, T0 + 5_140_000, { server: "10.0.0.1" }, clock), {
      time: "2026-11-22T13:05:11.123456Z",
      layer: "wire",
      protocol: "smb",
      waiting: "reconnect",
      waited_us: 5_140,
      pid: 6,
      tid: 7,
      comm: "ls",
      server: "10.0.0.1",
      connection_id: "0x1",
    });
  });
});
