import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stuckParts } from "./health.ts";
import { watchdogPeriodMs } from "./notify.ts";
import { Service } from "./service.ts";

const S = 1e9;

function world() {
  const sent: string[] = [];
  const logged: string[] = [];
  const state = { nowNs: 100 * S, probeNs: (100 * S) as number | undefined, summary: "all well" };
  const service = new Service({
    manager: { send: (message) => sent.push(message), end: () => Promise.resolve() },
    watchdogMs: 30_000,
    pulses: [{ name: "the probe", limitNs: 20 * S, lastNs: () => state.probeNs }],
    nowNs: () => state.nowNs,
    summary: () => state.summary,
    log: { error: (_, text) => logged.push(text), info: (text) => logged.push(text) },
  });
  const seconds = (count: number): void => {
    for (let n = 0; n < count; n++) {
      state.nowNs += S;
      service.beat();
    }
  };
  return { sent, logged, state, service, seconds };
}

describe("the service manager", () => {
  it("is told that the daemon is ready, and how it does", () => {
    const { sent, service, state, seconds } = world();
    service.ready();
    assert.deepEqual(sent, ["READY=1", "WATCHDOG=1", "STATUS=all well"]);
    state.summary = "1 incident";
    seconds(9);
    assert.deepEqual(sent.slice(3), []);
    seconds(1);
    assert.deepEqual(sent.slice(3), ["WATCHDOG=1", "STATUS=1 incident"]);
  });

  it("gets signs of life three times in the watchdog's time, as long as the parts give theirs", () => {
    const { sent, state, service, seconds } = world();
    service.ready();
    for (let n = 0; n < 30; n++) {
      state.probeNs = state.nowNs;
      seconds(1);
    }
    assert.equal(sent.filter((message) => message === "WATCHDOG=1").length, 4);
  });

  it("gets none while a part is stuck, and is told which", () => {
    const { sent, logged, state, service, seconds } = world();
    service.ready();
    seconds(21);
    const fed = sent.filter((message) => message === "WATCHDOG=1").length;
    seconds(100);
    assert.equal(sent.filter((message) => message === "WATCHDOG=1").length, fed);
    assert.equal(logged.length, 1, "told once");
    assert.ok(sent.some((message) => /^STATUS=not healthy: the probe gave no sign of life for \d+ s$/.test(message)));
    state.probeNs = state.nowNs;
    seconds(1);
    assert.equal(sent.filter((message) => message === "WATCHDOG=1").length, fed + 1);
    assert.match(logged.at(-1) ?? "", /healthy again/);
  });

  it("does not wait for what has nothing to do", () => {
    const { sent, state, service, seconds } = world();
    state.probeNs = undefined;
    service.ready();
    seconds(100);
    assert.ok(sent.filter((message) => message === "WATCHDOG=1").length > 9);
  });
});

it("what is silent for exactly its limit is not stuck yet", () => {
  const pulses = [{ name: "x", limitNs: 5 * S, lastNs: () => 10 * S }];
  assert.deepEqual(stuckParts(pulses, 15 * S), []);
  assert.deepEqual(stuckParts(pulses, 16 * S), ["x gave no sign of life for 6 s"]);
});

for (const [env, expected] of [
  [{}, undefined],
  [{ WATCHDOG_USEC: "30000000" }, 30_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "77" }, 30_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "78" }, undefined],
  [{ WATCHDOG_USEC: "0" }, undefined],
  [{ WATCHDOG_USEC: "soon" }, undefined],
] as const) {
  it(`the watchdog's time of ${JSON.stringify(env)} is ${expected}`, () =>
    assert.equal(watchdogPeriodMs(env, 77), expected));
}
