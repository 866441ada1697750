// In the place of aod-probe: node feeder.ts PLAN --probe smb_wire ... Writes frames at the rates of the plan, as the helper does: through a
// pipe that the reader may leave full, with 4 MiB before it, and before these the kernel's ring buffer, beyond which requests are lost and counted.
import { readFileSync, writeFileSync } from "node:fs";
import * as gen from "../../src/probe/decoders.gen.ts";
import { FrameReader, frameOf } from "../../src/probe/frames.ts";
import { hello, history, MAX_OPS, ops, tick } from "./frames.ts";
import type { FeedCounts, FeedPhase, FeedPlan, FeedReport } from "./plan.ts";

/** OUT_SIZE of probe/out.c. */
const ROOM = 4 << 20;
/** OUT_LOW of probe/probe.h: with less room requests wait in the ring buffer, ... */
const LOW = (2 << 20) + (512 << 10);
/** ... which has room for so many: OUTLIERS_KIB of src/daemon/machine.ts, with 8 bytes before each. */
const RING_OPS = Math.floor((1 << 20) / (gen.AOD_SMB_OP_SIZE + 8));
const STEP_MS = 10;
const TICK_MS = 500;
const START_MS = 1000;

const [planFile = "", ...words] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planFile, "utf8")) as FeedPlan;
const nothing = { ticks: 0, requests: 0, told: 0, bytes: 0, dropped: 0, mostWaiting: 0, mostRing: 0, latestMs: 0 };
let counts = { ...nothing };
const phases: Record<string, FeedCounts> = {};
const nowNs = (): number => Number(process.hrtime.bigint());
let head = 0;
/** In the ring buffer. */
let waiting: { phase: FeedPhase; seq: number; count: number } | undefined;
let answers: Generator<Buffer> | undefined;

const room = (): number => ROOM - process.stdout.writableLength;

function write(frame: Buffer): void {
  if (room() < frame.length) return;
  process.stdout.write(frame);
  counts.bytes += frame.length;
  counts.mostWaiting = Math.max(counts.mostWaiting, process.stdout.writableLength);
}

/** As serve() of probe/main.c: a part of the history and of what waits, as long as the reader takes it. */
function pump(): void {
  while (answers !== undefined && room() > LOW) {
    const { value, done } = answers.next();
    if (done === true) answers = undefined;
    else write(value);
  }
  while (waiting !== undefined && waiting.count > 0 && room() > LOW) {
    const count = Math.min(waiting.count, MAX_OPS);
    for (const frame of ops(waiting.seq, count, nowNs(), waiting.phase)) write(frame);
    waiting.seq += count;
    waiting.count -= count;
    counts.told += count;
  }
}

function happen(phase: FeedPhase, count: number): void {
  waiting = { phase, seq: head + 1 - (waiting?.count ?? 0), count: (waiting?.count ?? 0) + count };
  head += count;
  counts.mostRing = Math.max(counts.mostRing, waiting.count);
  if (waiting.count > RING_OPS) {
    counts.dropped += waiting.count - RING_OPS;
    waiting.seq += waiting.count - RING_OPS;
    waiting.count = RING_OPS;
  }
}

function report(phase: string, done: boolean): void {
  phases[phase] = { ...counts };
  const text: FeedReport = { phase, done, phases };
  writeFileSync(plan.report, JSON.stringify(text));
}

/** Steps at equal distances; one that comes late makes up for what it has missed. */
async function feed(phase: FeedPhase): Promise<void> {
  const began = performance.now();
  const own = { told: 0, ticks: 0, failed: 0 };
  let step = 0;
  counts = { ...nothing };
  for (let at = 0; at < phase.seconds * 1000; at = performance.now() - began) {
    const due = Math.floor((at / 1000) * phase.told) - own.told;
    counts.latestMs = Math.max(counts.latestMs, at - step * STEP_MS);
    happen(phase, due);
    pump();
    own.told += due;
    own.failed += phase.kind === "failed" ? due : 0;
    if (at >= own.ticks * TICK_MS) {
      const requests = (phase.requests * TICK_MS) / 1000;
      head += phase.told >= phase.requests ? 0 : requests;
      for (const frame of tick(nowNs(), head, requests, own.failed, phase)) write(frame);
      own.ticks++;
      own.failed = 0;
      counts.ticks++;
      counts.requests += requests;
      if (own.ticks % 2 === 0) report(phase.name, false);
    }
    step = Math.floor((performance.now() - began) / STEP_MS) + 1;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + step * STEP_MS - performance.now())));
  }
}

function answer(type: number, payload: Buffer): void {
  if (type !== gen.AodFrameType.REQUEST_HISTORY) return;
  const { from, token } = gen.decodeAodHistoryRequest(payload, 0);
  answers = history(token, from, head, nowNs());
  pump();
}

const requests = new FrameReader(() => true);
process.stdin.on("data", (chunk: Buffer) => {
  for (const { type, payload } of requests.push(chunk)) answer(type, payload);
});
process.stdin.on("end", () => process.exit(0));
process.stdout.on("drain", pump);
process.stdout.on("error", () => process.exit(0));

if (words[words.indexOf("--probe") + 1] !== "smb_wire") {
  const bytes = Buffer.alloc(gen.AOD_ERROR_SIZE);
  gen.encodeAodError({ code: 3, error: 0, text: "the feeder has no other probe" }, bytes, 0);
  process.stdout.write(frameOf(gen.AodFrameType.FRAME_ERROR, bytes), () => process.exit(3));
} else {
  process.stdout.write(hello(process.pid));
  await new Promise((resolve) => setTimeout(resolve, START_MS));
  for (const phase of plan.phases) {
    await feed(phase);
    for (pump(); (waiting?.count ?? 0) > 0; pump()) await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    report(phase.name, false);
  }
  const last = plan.phases.at(-1);
  if (last !== undefined) report(last.name, true);
  // Ticks go on, with nothing in them.
  const idle: FeedPhase = { name: "quiet", seconds: 0, requests: 0, connections: 0, told: 0, kind: "failed" };
  setInterval(() => {
    for (const frame of tick(nowNs(), head, 0, 0, idle)) write(frame);
  }, TICK_MS);
}
