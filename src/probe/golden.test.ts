import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { goldenText, readFrames } from "./testing/golden.ts";

const here = new URL("../../test/fixtures/frames/", import.meta.url);

describe("golden frame files", () => {
  for (const file of globSync("*.frames", { cwd: here }).sort()) {
    it(`${file} gives the golden events`, () => {
      const golden = readFileSync(new URL(file.replace(/frames$/, "json"), here), "utf8");
      assert.equal(goldenText(readFileSync(new URL(file, here))), golden);
    });
  }

  it("of a real kernel hold together", () => {
    const { events, discarded } = readFrames(readFileSync(new URL("6.12-freeze.frames", here)));
    assert.deepEqual(discarded, []);
    const ops = events.flatMap((event) => (event.type === "ops" ? event.ops : []));
    assert.ok(ops.length > 0);
    for (const op of ops) {
      const { queue = 0, send = 0, wire = 0, wake = 0 } = op.phasesUs;
      assert.ok(queue + send + wire + wake <= op.latencyUs, `op ${op.seq}`);
      assert.ok(op.compound || op.end !== undefined || op.latencyUs - queue - send - wire - wake <= 5, `op ${op.seq}`);
    }
    assert.ok(events.some((event) => event.type === "inflight" && event.inflight.ops.some((op) => op.latencyUs > 1e6)));
    assert.ok(events.some((event) => event.type === "history" && event.history.ops.length > 0));
  });
});
