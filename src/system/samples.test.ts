import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createSampleRing } from "./samples.ts";

const proc = fileURLToPath(new URL("../../test/fixtures/evidence/6.12/proc", import.meta.url));

function clockAt() {
  let seconds = 0;
  return {
    nowNs: () => seconds * 1e9,
    wallMs: () => Date.UTC(2026, 10, 22) + seconds * 1000,
    to: (second: number): void => {
      seconds = second;
    },
  };
}

describe("samples of the system", () => {
  it("hold both clocks, CPU, memory, load and pressure, and name what is missing", () => {
    const ring = createSampleRing(proc, clockAt());
    ring.sample();
    ring.close();
    const sample = JSON.parse(ring.dump(-1)[0] ?? "");
    assert.equal(sample.time, "2026-11-22T00:00:00.000000Z");
    assert.equal(sample.monotonic_ns, 0);
    assert.deepEqual([sample.cpu_ticks.user, sample.cpu_ticks.steal, sample.procs_blocked], [101451, 40377, 1]);
    assert.deepEqual([sample.memory_kib.Dirty, sample.memory_kib.HugePages_Total], [20480, undefined]);
    assert.deepEqual(sample.loadavg, [0.52, 0.31, 0.12]);
    assert.equal(sample.pressure_memory.some.total, 345501373);
    assert.deepEqual(Object.keys(sample.missing), ["pressure/io"]);
    assert.match(sample.missing["pressure/io"], /ENOENT/);
  });

  it("are kept for a time, and told from a moment on", () => {
    const clock = clockAt();
    const ring = createSampleRing(proc, clock, { maxAgeSeconds: 10 });
    for (let second = 1; second <= 30; second++) {
      clock.to(second);
      ring.sample();
    }
    ring.close();
    const seconds = (since?: number): number[] => ring.dump(since).map((line) => JSON.parse(line).monotonic_ns / 1e9);
    assert.deepEqual([seconds()[0], seconds().at(-1), seconds().length], [20, 30, 11]);
    assert.deepEqual(seconds(28e9), [29, 30]);
    assert.equal(ring.dropped, 0);
  });

  it("are bounded in bytes, and the loss is counted", () => {
    const clock = clockAt();
    const ring = createSampleRing(proc, clock, { maxBytes: 3000 });
    for (let second = 1; second <= 10; second++) {
      clock.to(second);
      ring.sample();
    }
    ring.close();
    assert.ok(ring.dump().join("").length <= 3000);
    assert.equal(ring.dropped + ring.dump().length, 10);
  });

  it("of a machine without /proc are empty, not an error", () => {
    const ring = createSampleRing("/nowhere", clockAt());
    ring.sample();
    assert.equal(Object.keys(JSON.parse(ring.dump(-1)[0] ?? "").missing).length, 6);
  });
});
