import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { OpBase } from "../probe/op.ts";
import { AodError } from "../system/error.ts";
import { type Outcomes, parseStop } from "./stop.ts";

interface Op extends OpBase {
  readonly code: number;
}

const outcomes: Outcomes<Op> = {
  failed: (op) => op.code !== 0,
  errno: (op) => op.code,
  status: {
    find: (text) => (text === "BAD" ? { ok: true, code: 13 } : { ok: false, suggestion: "BAD" }),
    of: (op) => op.code,
    failure: (code) => code > 10,
  },
};

function op(atMs: number, code = 0, latencyUs = 1): Op {
  return { seq: 1, startedNs: 0, endedNs: atMs * 1e6, latencyUs, tid: 1, comm: "x", cgroupId: 0n, code };
}

describe("--stop-on", () => {
  it("slow>= is met by an op of that latency, also in flight", () => {
    for (const [text, us] of [
      ["slow>=100ms", 100_000],
      ["slow >= 1.5s", 1_500_000],
      ["slow>=250us", 250],
      ["slow>=2", 2000],
      ["slow>=1m", 60e6],
    ] as const) {
      const stop = parseStop(text, outcomes);
      assert.deepEqual(stop.watch, { slowUs: us, errors: false, all: false });
      assert.deepEqual([stop.met(op(0, 0, us - 1), true), stop.met(op(0, 0, us), false)], [false, true]);
    }
  });

  it("status= and errno= are met by an op that ended so", () => {
    const status = parseStop("status=BAD", outcomes);
    assert.deepEqual(status.watch, { errors: true, all: false });
    assert.deepEqual(
      [status.met(op(0, 13), true), status.met(op(0, 13), false), status.met(op(0, 2), true)],
      [true, false, false],
    );
    assert.equal(parseStop("errno=EACCES", outcomes).met(op(0, 13), true), true);
    assert.deepEqual(parseStop("errno=0", outcomes).watch, { errors: false, all: true });
  });

  it("errors>= counts what failed within the time", () => {
    const met = (...moments: readonly number[]): readonly boolean[] => {
      const stop = parseStop("errors>=3/1s", outcomes);
      return moments.map((moment) => stop.met(op(moment, 5), true));
    };
    assert.deepEqual(met(0, 500, 1000), [false, false, true]);
    assert.deepEqual(met(0, 500, 1001, 1500), [false, false, false, true]);
    const stop = parseStop("errors>=1/10ms", outcomes);
    assert.deepEqual([stop.met(op(0), true), stop.met(op(0, 1), true)], [false, true]);
  });

  it("a name that is not known is answered with the nearest", () => {
    assert.throws(() => parseStop("status=BED", outcomes), {
      message: 'there is no status "BED": did you mean "BAD"?',
    });
    assert.throws(() => parseStop("errno=EACESS", outcomes), /did you mean "EACCES"/);
  });

  it("what is no condition is refused in one line", () => {
    for (const text of [
      "",
      "slow",
      "slow>=",
      "slow>=0",
      "slow>=-1s",
      "slow>=1h",
      "errors>=0/1s",
      "errors>=1",
      "errors>=9999999/1s",
      "x=1",
    ]) {
      assert.throws(() => parseStop(text, outcomes), { code: "usage" }, text);
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseStop(text, outcomes);
        } catch (error) {
          assert.ok(error instanceof AodError && error.code === "usage");
        }
      }),
    );
  });
});
