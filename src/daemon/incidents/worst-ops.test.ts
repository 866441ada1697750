import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { op } from "../../detect/fixture.ts";
import { WorstOps } from "./worst-ops.ts";

describe("the worst operations of an incident", () => {
  it("are the slowest first, and one of each kind that failed", () => {
    const worst = new WorstOps();
    worst.push(
      Array.from({ length: 200 }, (_, index) => ({
        ...op({ latencyMs: 1, endedNs: 1 }),
        seq: index,
        latencyUs: 1000 + index,
      })),
    );
    const failures = Array.from({ length: 50 }, (_, index) => ({
      ...op({ latencyMs: 1, endedNs: 1 }),
      seq: 500 + index,
      latencyUs: 1,
      status: 0xc0000034,
    }));
    worst.push(failures);
    const list = worst.list();
    assert.equal(list.length, 21);
    assert.deepEqual([list[0]?.latencyUs, list[19]?.latencyUs], [1199, 1180]);
    assert.equal(list[20]?.seq, 549);
  });

  it("leave out what waits for as long as it has to", () => {
    const worst = new WorstOps();
    worst.push([{ ...op({ latencyMs: 1, endedNs: 1 }), command: "SMB2_CHANGE_NOTIFY", latencyUs: 1e9 }]);
    assert.deepEqual(worst.list(), []);
  });
});
