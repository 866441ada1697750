// From the kernel's code over the helper's frames to the decoded events, without a kernel: what comes out is what went in.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FrameReader } from "../../src/probe/frames.ts";
import type { ProbeEvent, SmbOp } from "../../src/probe/op.ts";
import { fitsWire, SmbWireDecoder } from "../../src/probe/smb-wire.ts";
import { compile, runProgram, withoutCompiler } from "./compile.ts";

const skip = withoutCompiler || (existsSync("/usr/include/bpf/bpf.h") ? false : "libbpf-dev is not installed");

/** What the driver did. */
interface Truth {
  readonly begun: number;
  readonly open: number;
  /** By command code. */
  readonly released: readonly number[];
  readonly failed: readonly number[];
  /** Seqs of requests that never ended. */
  readonly hanging: readonly number[];
}

function eventsOf(program: string, ...args: readonly number[]): { events: readonly ProbeEvent[]; truth: Truth } {
  const { status, stdout, stderr } = runProgram(program, args.map(String));
  assert.equal(status, 0, stderr);
  const reader = new FrameReader(fitsWire);
  const decoder = new SmbWireDecoder();
  const events = reader.push(stdout).flatMap((frame) => decoder.decode(frame, 0) ?? []);
  reader.end();
  assert.deepEqual([...reader.discarded, ...decoder.discarded], []);
  return { events, truth: JSON.parse(stderr) as Truth };
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, one) => total + one, 0);

describe("smb_wire in one process", { skip }, () => {
  const program =
    skip === false
      ? compile("whole", [
          "wire/wire",
          "wire/outliers",
          "wire/phases",
          "failures",
          "wire/targets",
          "wire/history",
          "wire/record",
          "clock",
          "out",
        ])
      : "";

  // Less than the ring holds, and several times as much.
  for (const steps of [500, 30_000, 200_000]) {
    test(`${steps} steps`, () => {
      for (const [seed, credits] of fc.sample(fc.tuple(fc.nat(), fc.constantFrom(0, 1)), 4)) {
        const { events, truth } = eventsOf(program, seed, steps, credits);
        const ticks = events.flatMap((event) => (event.type === "tick" ? [event.tick] : []));
        const entries = ticks.flatMap((tick) => tick.entries);
        for (const [command, count] of truth.released.entries()) {
          const counted = entries.filter((entry) => entry.commandCode === command);
          assert.equal(sum(counted.map((entry) => entry.count)), count, `command ${command}`);
          const inBuckets = counted.flatMap((entry) => [...(entry.histograms.latency?.values() ?? [])]);
          assert.equal(sum(inBuckets), count, `latencies of command ${command}`);
          const waited = counted.flatMap((entry) => [...(entry.histograms.queue?.values() ?? [])]);
          // READ and WRITE of an asynchronous call wait elsewhere.
          if (command !== 8 && command !== 9) assert.equal(sum(waited), credits * count, `queue phases of ${command}`);
          const sent = counted.flatMap((entry) => [...(entry.histograms.send?.values() ?? [])]);
          assert.equal(sum(sent), count, `send phases of command ${command}`);
        }
        const failures = ticks.flatMap((tick) => tick.failures);
        for (const [command, count] of truth.failed.entries()) {
          const counted = failures.filter(
            (failure) => failure.commandCode === command && failure.status === 0xc0000034,
          );
          assert.equal(sum(counted.map((failure) => failure.count)), count, `failures of command ${command}`);
        }
        assert.equal(ticks.at(-1)?.head, truth.begun);

        const inflight = events.findLast((event) => event.type === "inflight")?.inflight;
        assert.equal(inflight?.open, truth.open);
        assert.deepEqual(
          truth.hanging.filter((seq) => !inflight.ops.some((op) => op.seq === seq && op.state === "open")),
          [],
          "what hangs is seen, also when the ring has gone on",
        );

        const answers = events.flatMap((event) => (event.type === "history" ? [event.history] : []));
        assert.deepEqual([answers.at(-1)?.done, answers.at(-1)?.torn], [true, 0]);
        const oldest = answers.at(-1)?.oldest ?? 0;
        const bySeq = new Map<number, SmbOp>();
        for (const op of answers.flatMap((answer) => answer.ops)) {
          assert.ok(!bySeq.has(op.seq), `seq ${op.seq} comes once`);
          bySeq.set(op.seq, op);
        }
        for (let seq = oldest; seq <= truth.begun; seq++) assert.ok(bySeq.has(seq), `seq ${seq} is in the history`);
        for (const seq of truth.hanging) assert.equal(bySeq.get(seq)?.state, "open");
        // What hangs until the ring has gone on is in no histogram of phases.
        const lost = events.findLast((event) => event.type === "lost")?.losses ?? [];
        assert.deepEqual(lost, oldest > truth.hanging.length ? [{ kind: "overtaken", count: 10 }] : []);
      }
    });
  }
});
