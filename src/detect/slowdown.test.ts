import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bucketOf } from "../probe/histogram.ts";
import { commandCode, type SmbCommandName } from "../smb/commands.ts";
import type { Anomaly } from "./detector.ts";
import { brief, MS, mid, off, S, smbState } from "./fixture.ts";
import { SlowdownDetector, type SlowdownRules } from "./slowdown.ts";
import { ThroughputDetector } from "./throughput.ts";

const rules: SlowdownRules = {
  sliceNs: 10 * S,
  slices: 3,
  minRequests: 30,
  factor: 4,
  leastNs: 20 * MS,
  learnSlices: 10,
  halfLifeSlices: 100,
  adaptSlices: 30,
  rateFactor: 2,
  maxKeys: 16,
};

/** Slices of requests, one after the other, from wherever it stands. */
class World {
  readonly detector: SlowdownDetector;
  nowNs = 1000 * S;

  constructor(change: Partial<SlowdownRules> = {}) {
    this.detector = new SlowdownDetector({ ...rules, ...change });
    this.detector.observe({ type: "smb-state", nowNs: this.nowNs, data: smbState() });
  }

  slices(
    count: number,
    requests: number,
    latencyMs: number,
    command: SmbCommandName = "SMB2_CREATE",
    treeId = 5,
  ): Anomaly[] {
    return Array.from({ length: count }, () => this.#slice(requests, latencyMs, command, treeId)).flat();
  }

  idle(seconds: number): void {
    this.nowNs += seconds * S;
    this.detector.observe({ type: "smb-window", nowNs: this.nowNs, windows: [], reconnects: 0 });
  }

  sizes(bytesPerRead: number): void {
    this.detector.observe({
      type: "smb-stats",
      nowNs: this.nowNs,
      delta: {
        intervalNs: S,
        sessionReconnects: 0,
        shareReconnects: 0,
        commands: [],
        shares: [
          {
            target: { protocol: "smb", share: "\\\\files.example\\share" },
            disconnected: false,
            requests: 10,
            bytesRead: 10 * bytesPerRead,
            bytesWritten: 0,
            counts: new Map([["Reads", { total: 10, failed: 0 }]]),
          },
        ],
      },
    });
  }

  #slice(requests: number, latencyMs: number, command: SmbCommandName, treeId: number): Anomaly[] {
    const spread = [0.7, 1, 1.4].map((factor) => [bucketOf(latencyMs * factor * MS), requests / 3] as const);
    const latency = new Map<number, number>();
    for (const [bucket, count] of spread) latency.set(bucket, (latency.get(bucket) ?? 0) + count);
    this.nowNs += 10 * S;
    return this.detector.observe({
      type: "smb-window",
      nowNs: this.nowNs,
      reconnects: 0,
      windows: [
        {
          connectionId: 1n,
          sessionId: 0x65n,
          treeId,
          commandCode: commandCode(command),
          count: requests,
          errors: 0,
          latency,
        },
      ],
    });
  }
}

test("a server that gets slower than it usually is, far below any threshold", () => {
  const world = new World();
  assert.deepEqual(world.slices(30, 300, 2), []);
  assert.deepEqual(world.slices(3, 100, 60), [], "not yet long enough");
  const [first, ...more] = world.slices(3, 100, 60);
  assert.match(
    first?.summary ?? "",
    /^SMB2_CREATE takes 6\d\.?\d* ms in the middle, usually \d\.\d+ ms, for 30 s now$/,
  );
  assert.equal(first?.stage, "onset");
  assert.ok(more.every(({ stage }) => stage === "ongoing"));
});

test("what was never usual is not judged, and a slice of few requests neither", () => {
  assert.deepEqual(new World().slices(9, 300, 2000), []);
  const world = new World();
  world.slices(30, 300, 2);
  assert.deepEqual(world.slices(30, 20, 60), []);
});

test("idle hours teach nothing and age nothing", () => {
  const world = new World();
  world.slices(30, 300, 2);
  for (let hour = 0; hour < 48; hour++) world.idle(3600);
  world.slices(1, 300, 2);
  assert.equal(brief(world.slices(6, 100, 60))[0], "distribution onset warning");
});

test("more of the same at once is a queue of the client's own making", () => {
  const world = new World();
  world.slices(30, 300, 2);
  assert.deepEqual(world.slices(20, 900, 60), []);
  const copying = new World();
  copying.slices(30, 300, 2);
  for (let slice = 0; slice < 20; slice++) {
    copying.slices(1, 600, 40, "SMB2_WRITE");
    assert.deepEqual(copying.slices(1, 300, 60), [], "requests queue behind a large copy");
  }
});

test("larger reads have a baseline of their own; where nothing tells their size they are not judged", () => {
  const world = new World();
  world.sizes(4096);
  world.slices(30, 300, 1, "SMB2_READ");
  world.sizes(4 * 1024 ** 2);
  assert.deepEqual(world.slices(30, 300, 60, "SMB2_READ"), [], "another workload");
  world.sizes(4096);
  world.slices(1, 300, 1, "SMB2_READ");
  assert.equal(brief(world.slices(6, 100, 60, "SMB2_READ"))[0], "distribution onset warning", "the same, slower");
  const blind = new World();
  blind.slices(30, 300, 1, "SMB2_READ");
  assert.deepEqual(blind.slices(20, 100, 60, "SMB2_READ"), []);
  blind.detector.observe(off("stats"));
  assert.match(blind.detector.blind().join(), /how large reads and writes are is not known/);
});

test("a slowdown that lasts is the new normal; another one from there is told", () => {
  const world = new World();
  world.slices(30, 300, 2);
  const told = world.slices(60, 100, 60);
  assert.equal(brief(told).filter((line) => line.includes("onset")).length, 1);
  assert.deepEqual(world.slices(20, 100, 60), []);
  assert.ok(world.slices(6, 60, 500).length > 0);
});

test("whatever comes: no more baselines than the limit, and a steady target is silent", () => {
  const loads = fc.array(
    fc.record({ requests: fc.integer({ min: 1, max: 2000 }), treeId: fc.integer({ min: 1, max: 60 }) }),
    {
      maxLength: 150,
    },
  );
  fc.assert(
    fc.property(loads, fc.integer({ min: 1, max: 400 }), (list, latencyMs) => {
      const world = new World();
      for (const { requests, treeId } of list) {
        assert.deepEqual(world.slices(1, requests, latencyMs, "SMB2_CREATE", treeId), []);
        assert.ok((world.detector.state().baselines ?? 0) <= 16);
      }
    }),
    { numRuns: 40 },
  );
});

const makeThroughput = () =>
  new ThroughputDetector({
    lastsNs: 10 * S,
    beforeNs: 60 * S,
    share: 0.05,
    minRequests: 50,
    minBytes: 5e6,
    maxTargets: 8,
  });

function second(
  detector: ThroughputDetector,
  nowS: number,
  requests: number,
  bytes: number,
  inFlight: number,
): Anomaly[] {
  const mids = Array.from({ length: inFlight }, (_, id) => mid(8, BigInt(id)));
  detector.observe({ type: "smb-state", nowNs: nowS * S, data: smbState({}, [...mids, mid(15, 99n), mid(10, 98n)]) });
  return detector.observe({
    type: "smb-stats",
    nowNs: nowS * S,
    delta: {
      intervalNs: S,
      sessionReconnects: 0,
      shareReconnects: 0,
      commands: [],
      shares: [
        {
          target: { protocol: "smb", server: "FILES.example", share: "\\\\FILES.example\\share" },
          disconnected: false,
          requests,
          bytesRead: bytes,
          bytesWritten: 0,
          counts: new Map(),
        },
      ],
    },
  });
}

test("throughput that collapses while requests are in flight", () => {
  const detector = makeThroughput();
  for (let nowS = 0; nowS < 60; nowS++) assert.deepEqual(second(detector, nowS, 1000, 1e6, 4), []);
  for (let nowS = 60; nowS < 69; nowS++) assert.deepEqual(second(detector, nowS, 10, 1e4, 4), []);
  const told = [second(detector, 69, 10, 1e4, 4), second(detector, 70, 10, 1e4, 4)].flat();
  assert.match(
    told[0]?.summary ?? "",
    /^files\.example does 10\.0 requests a second, before 1000, although 4 are in flight, for 10 s$/,
  );
});

test("an end of the work, a pause, and another workload are no collapse", () => {
  const cases: readonly (readonly [
    name: string,
    before: readonly [number, number],
    after: readonly [number, number, number],
  ])[] = [
    ["it is done", [1000, 1e6], [0, 0, 0]],
    ["only a CHANGE_NOTIFY and a lock wait", [1000, 1e6], [1, 0, 0]],
    ["many small files, then a large one", [2000, 1e4], [20, 8e7, 4]],
    ["a large file, then many small ones", [100, 1e8], [2000, 1e5, 2]],
    ["little was done before", [20, 1e4], [0, 0, 1]],
  ];
  for (const [name, [requests, bytes], after] of cases) {
    const detector = makeThroughput();
    for (let nowS = 0; nowS < 60; nowS++) second(detector, nowS, requests, bytes, 3);
    for (let nowS = 60; nowS < 180; nowS++) assert.deepEqual(second(detector, nowS, ...after), [], name);
  }
});

test("servers come and go, its memory is bounded", () => {
  const detector = makeThroughput();
  for (let index = 0; index < 500; index++) {
    detector.observe({
      type: "mountstats",
      nowNs: index * S,
      mounts: [
        {
          target: { protocol: "nfs", server: `nas${index}` },
          mountPoint: "/m",
          intervalNs: S,
          operations: [],
          transports: [],
        },
      ],
    });
  }
  assert.equal(detector.state().targets, 8);
});
