import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type AodSmbOp, AodOpFlag as F, AodOpState as S } from "./decoders.gen.ts";
import type { SmbOp } from "./op.ts";
import { smbOpOf } from "./smb-op.ts";
import { rawOp, T0 } from "./testing/make-frames.ts";

const NOW = T0 + 9_000_000;

function op(changes: Partial<AodSmbOp>): SmbOp {
  const found = smbOpOf(rawOp(changes), NOW);
  assert.ok(found);
  return found;
}

describe("phases of an op", () => {
  const cases: readonly (readonly [string, Partial<AodSmbOp>, SmbOp["phasesUs"], number])[] = [
    ["a synchronous call has all four", {}, { queue: 10, send: 100, wire: 5_000, wake: 40 }, 5_150],
    [
      "without a seen wait for credits there is no queue",
      { flags: F.STATUS },
      { send: 100, wire: 5_000, wake: 40 },
      5_140,
    ],
    [
      "an asynchronous call has no wake and ends with its answer",
      { flags: F.ASYNC_CALL },
      { send: 100, wire: 5_000 },
      5_100,
    ],
    [
      "an answer before the send call returned ends the send phase",
      { flags: F.ASYNC_CALL, sent: T0 + 5_200_000 },
      { send: 5_100, wire: 0 },
      5_100,
    ],
    [
      "an asynchronous call without an answer ends with its release",
      { flags: F.ASYNC_CALL, answered: 0 },
      { send: 100 },
      5_140,
    ],
    [
      "in a compound the wake begins with the last response",
      { flags: F.COMPOUND, lastAnswer: T0 + 5_120_000 },
      { send: 100, wire: 5_000, wake: 20 },
      5_140,
    ],
    [
      "in a compound whose last response is not known there is no wake",
      { flags: F.COMPOUND },
      { send: 100, wire: 5_000 },
      5_140,
    ],
    ["a late answer leaves the wake in the wire", { flags: F.LATE_ANSWER }, { send: 100, wire: 5_000 }, 5_140],
    ["what was never sent has neither send nor wire", { flags: F.CANCELLED, sent: 0, answered: 0 }, {}, 5_140],
    ["a failed send has a send phase alone", { flags: F.SEND_FAILED, answered: 0 }, { send: 100 }, 5_140],
    ["what a reconnect killed has no wire", { flags: F.RETRY, answered: 0 }, { send: 100 }, 5_140],
    [
      "in flight there is what is over",
      { state: S.OPEN, flags: F.QUEUE, answered: 0, closed: 0 },
      { queue: 10, send: 100 },
      9_010,
    ],
  ];
  for (const [name, changes, phases, latency] of cases) {
    it(name, () => {
      const found = op(changes);
      assert.deepEqual(found.phasesUs, phases);
      assert.equal(found.latencyUs, latency);
    });
  }

  it("are never negative and never more than the whole", () => {
    const moment = fc.oneof(fc.constant(0), fc.integer({ min: T0, max: T0 + 1e9 }));
    const random = fc.record({
      created: fc.integer({ min: T0, max: T0 + 1e9 }),
      sent: moment,
      answered: moment,
      lastAnswer: moment,
      closed: moment,
      queueNs: fc.nat(1e9),
      flags: fc.nat(0xffff),
      state: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(random, (changes) => {
        const found = op(changes);
        for (const phase of Object.values(found.phasesUs)) assert.ok(phase >= 0 && Number.isInteger(phase));
        assert.ok(found.latencyUs >= 0);
      }),
    );
  });
});

describe("the other facts of an op", () => {
  it("absent facts are absent", () => {
    const found = op({ flags: 0 });
    for (const key of ["status", "end", "opener", "asyncId", "lead"]) assert.equal(key in found, false, key);
  });

  it("an op in flight has no end, and its latency reaches to the moment of observation", () => {
    const found = op({ state: S.OPEN, answered: 0, closed: 0 });
    assert.equal(found.endedNs, undefined);
    assert.equal(found.state, "open");
    assert.equal(found.latencyUs, 9_010);
  });

  it("a synchronous op with its response but without its release is still in flight", () => {
    assert.equal(op({ state: S.ANSWERED, closed: 0 }).endedNs, undefined);
  });

  it("an asynchronous op is over with its response", () => {
    assert.equal(op({ state: S.ANSWERED, closed: 0, flags: F.ASYNC_CALL }).endedNs, T0 + 5_100_000);
  });

  it("says how it ended without a response", () => {
    assert.equal(op({ flags: F.CANCELLED }).end, "cancelled");
    assert.equal(op({ flags: F.RETRY | F.CANCELLED }).end, "reconnect");
    assert.equal(op({ flags: F.SHUTDOWN }).end, "shutdown");
    assert.equal(op({ flags: F.SEND_FAILED }).end, "send-failed");
  });

  it("is of the process that called", () => {
    assert.equal(op({ opener: 77 }).pid, 1_234);
  });

  it("is of the opener when a kernel worker writes back or closes late", () => {
    assert.equal(op({ comm: "kworker/u8:2", command: 9, opener: 77 }).pid, 77);
  });

  it("has no process when nobody knows for whom a kernel worker reads, writes or closes", () => {
    for (const command of [6, 8, 9]) assert.equal("pid" in op({ comm: "kworker/u8:2", command }), false);
  });

  it("a kernel worker that is noted as its own opener is not one", () => {
    const found = op({ comm: "kworker/u8:2", command: 9, opener: 1_234 });
    assert.equal("pid" in found || "opener" in found, false);
  });

  it("an echo is the kernel worker's own", () => {
    assert.equal(op({ comm: "kworker/1:1", command: 13 }).pid, 1_234);
  });

  it("empty and moved records are no ops", () => {
    for (const state of [S.EMPTY, S.MOVED, 77]) assert.equal(smbOpOf(rawOp({ state }), NOW), undefined);
  });
});
