import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../system/fixture.ts";
import { FlightRecorder, type FlightRecorderOptions } from "./flight-recorder.ts";
import { LineRing } from "./line-ring.ts";
import { fakeTracefs, put } from "./testing/tracefs.ts";

const S = 1e9;

const withRecorder = (
  work: (recorder: FlightRecorder, world: { atNs: number }) => Promise<void>,
  change: Partial<FlightRecorderOptions> = {},
): Promise<void> =>
  withDir(async (dir) => {
    const { directories } = fakeTracefs(join(dir, "sys"));
    put(dir, "proc/net/dev", "");
    const world = { atNs: 1000 * S };
    const recorder = new FlightRecorder({
      settings: {
        events: { enabled: true, all: false, max_bytes: 1024 * 1024, max_age: 600 * S },
        packets: { mode: "off", budget: 0.005, snap_length: 256, max_bytes: 1e6, max_age: 600 * S, post: 60 * S },
      },
      procRoot: join(dir, "proc"),
      sysRoot: join(dir, "sys"),
      stateDir: dir,
      clock: { nowNs: () => world.atNs, wallMs: () => Date.UTC(2026, 10, 22, 13, 5, 11) },
      pid: 1,
      cpus: 2,
      servers: async () => [],
      sessions: () => [],
      directories,
      ...change,
    });
    await work(recorder, world);
    recorder.end();
  });

describe("the flight recorder", () => {
  it("keeps what sources saw as lines of JSON, whatever is in it", () =>
    withRecorder(async (recorder) => {
      const facts = { id: 0x65n, map: new Map([["a", 1]]), set: new Set([2]), never: Number.POSITIVE_INFINITY };
      recorder.observe({ type: "sockets", nowNs: 999 * S, ...facts });
      const [line] = recorder.observationsSince(0);
      assert.deepEqual(JSON.parse(line ?? ""), {
        time: "2026-11-22T13:05:10.000000Z",
        type: "sockets",
        monotonic_ns: 999 * S,
        id: "0x65",
        map: { a: 1 },
        set: [2],
        never: null,
      });
      assert.deepEqual(recorder.observationsSince(999 * S), []);
    }));

  it("gives its recordings, or says why there are none", () =>
    withRecorder(async (recorder) => {
      const { source, content, losses } = recorder.kernelEvents();
      assert.match(source, /instances\/aod-1-/);
      assert.ok(content !== undefined);
      const pieces = [];
      for await (const piece of content) pieces.push(piece);
      assert.ok(pieces.length > 0);
      assert.deepEqual(losses?.(), { "kernel-events.lost": 4 });
      assert.deepEqual(recorder.packetsSince(0), { source: "tcpdump", absent: "recorder.packets.mode is off" });
      assert.deepEqual([recorder.status().events.state, recorder.status().packets.state], ["recording", "off"]);
    }));
});

describe("lines that are kept for a time", () => {
  it("are bounded by age", () => {
    const ring = new LineRing({ maxAgeNs: 10 * S, maxBytes: 1e6 });
    for (let second = 1; second <= 3000; second++) ring.add(second * S, `${second}\n`);
    assert.deepEqual(
      [ring.since(0).length, ring.since(0)[0], ring.since(2998 * S)],
      [11, "2990\n", ["2999\n", "3000\n"]],
    );
    assert.deepEqual([ring.dropped, ring.bytes], [0, 55]);
  });

  it("are bounded by bytes, and the loss is counted", () => {
    const ring = new LineRing({ maxAgeNs: 1e6 * S, maxBytes: 50 });
    for (let second = 1; second <= 100; second++) ring.add(second * S, "123456789\n");
    assert.deepEqual([ring.since(0).length, ring.bytes, ring.dropped], [5, 50, 95]);
    ring.add(101 * S, "x".repeat(60));
    assert.deepEqual([ring.since(0).length, ring.bytes], [0, 0]);
  });
});
