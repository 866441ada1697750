import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PacketPolicy } from "./packet-policy.ts";

const S = 1e9;

describe("what the packet recorder costs", () => {
  const sample = { intervalNs: 10 * S, cpuNs: 0, taken: 0, host: 0 };
  const policy = (): PacketPolicy => new PacketPolicy({ mode: "auto", budget: 0.005, postNs: 60 * S });

  it("counts its own time, and what the kernel does for packets of the servers and of the whole host", () => {
    for (const [change, cost] of [
      [{ cpuNs: 0.02 * S }, 0.002],
      [{ taken: 10_000 }, 0.0005],
      [{ host: 1_000_000 }, 0.05],
    ] as const) {
      const one = policy();
      one.sample({ ...sample, ...change }, 0);
      assert.equal(one.cost, cost);
      assert.equal(one.phase, cost > 0.005 ? "armed" : "recording");
    }
  });

  it("is too dear after a second of three times the budget, and later the nearer it is to it", () => {
    for (const [cpuNs, seconds] of [
      [0.05 * S, 1],
      [0.016 * S, 1],
      [0.012 * S, 2],
      [0.006 * S, 11],
      [0.005 * S, Number.POSITIVE_INFINITY],
    ] as const) {
      const one = policy();
      let second = 0;
      while (one.phase === "recording" && second < 60) one.sample({ ...sample, intervalNs: S, cpuNs }, ++second * S);
      assert.equal(one.phase === "armed" ? second : Number.POSITIVE_INFINITY, seconds, `${cpuNs / S} of a processor`);
    }
  });

  it("is affordable again when the host has been calm for a while, not while the work goes on that was too dear", () => {
    const busy = { intervalNs: S, cpuNs: 0.02 * S, taken: 8000, host: 10_000 };
    const armed = (host: number, seconds: number): PacketPolicy => {
      const one = policy();
      one.sample(busy, 0);
      assert.equal(one.phase, "armed");
      for (let second = 1; second <= seconds; second++) {
        one.sample({ intervalNs: S, cpuNs: 0, taken: 0, host }, second * S);
        one.advance(second * S);
      }
      return one;
    };
    // A packet of this host cost 2.9 µs: 860 of them a second are within half of the budget, 870 are not.
    assert.deepEqual(
      [armed(860, 59).phase, armed(860, 60).phase, armed(870, 60).phase],
      ["armed", "recording", "armed"],
    );
    assert.deepEqual([armed(9000, 299).phase, armed(9000, 300).phase], ["armed", "recording"]);
    assert.equal(armed(30_000, 599).phase, "armed", "a filter on 30,000 packets a second is too dear by itself");
  });

  it("says what it cost when it was too dear", () => {
    const one = policy();
    one.sample({ ...sample, cpuNs: S }, 0);
    one.sample({ ...sample, host: 100 }, 10 * S);
    assert.equal(one.cost, 0.1);
  });

  it("is looked at again after five minutes, and later each time", () => {
    const one = policy();
    const dear = { ...sample, cpuNs: S };
    one.sample(dear, 0);
    one.advance(299 * S);
    assert.equal(one.phase, "armed");
    one.advance(300 * S);
    assert.equal(one.phase, "recording");
    one.sample(dear, 310 * S);
    one.advance(900 * S);
    assert.equal(one.phase, "armed");
    one.advance(910 * S);
    assert.equal(one.phase, "recording");
  });

  it("does not matter when it is asked for always", () => {
    const one = new PacketPolicy({ mode: "always", budget: 0.005, postNs: S });
    one.sample({ ...sample, cpuNs: 9 * S }, 0);
    assert.equal(one.phase, "recording");
  });
});
