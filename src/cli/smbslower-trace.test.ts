import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { AOD_FRAME_SIZE, decodeAodSettings, AodOpState as S } from "../probe/decoders.gen.ts";
import { startProbe } from "../probe/helper.ts";
import type { Waiter } from "../probe/op.ts";
import { fakeStarter } from "../probe/testing/fake-process.ts";
import { helloFrame, inflightFrame, lostFrame, opsFrame, rawOp, T0, tickFrame } from "../probe/testing/make-frames.ts";
import type { SlowerOptions } from "./smbslower-options.ts";
import { SlowerTrace } from "./smbslower-trace.ts";

const all = new Set(Array.from({ length: 20 }, (_, code) => code));
const defaults: SlowerOptions = { minMs: 1, commands: all, onlyCommands: false, format: "csv", verbose: false };
const open = (seq: number) => rawOp({ seq, state: S.OPEN, answered: 0, closed: 0, flags: 0 });

function traceWith(changes: Partial<SlowerOptions> = {}) {
  const { start, started } = fakeStarter();
  const world = {
    nowNs: T0 + 3e9,
    waiters: [] as readonly Waiter[],
    out: [] as string[],
    err: [] as string[],
    attached: 0,
  };
  const clock = { nowNs: () => world.nowNs, wallMs: () => 0 };
  const trace = new SlowerTrace(
    { ...defaults, ...changes },
    {
      start: (onEvent, onExit) =>
        startProbe({ program: "/p", object: "/o", probe: "smb_wire", start, clock }, onEvent, onExit),
      clock,
      targetOf: () => ({ server: "127.0.0.1", share: "\\\\127.0.0.1\\share" }),
      reconnectWaiters: { note: () => {}, sample: async () => world.waiters },
      commOf: (pid) => (pid === 50 ? "tar" : undefined),
      out: (line) => world.out.push(line),
      err: (line) => world.err.push(line),
      onAttached: () => world.attached++,
    },
  );
  const [helper] = started;
  assert.ok(helper);
  /** The lines without the heading: TASK,PID,TYPE,LATENCY_us of each. */
  const rows = () => world.out.slice(1).map((line) => line.split(",").slice(1, 5).join(","));
  return { trace, helper, world, rows };
}

describe("smbslower while it traces", () => {
  it("asks for the wanted commands from the limit on, and for nothing else", async () => {
    const { trace, helper } = traceWith({ minMs: 2.5, commands: new Set([8, 9]) });
    await trace.stop();
    const { smb, inflightNs } = decodeAodSettings(Buffer.concat(helper.received), AOD_FRAME_SIZE);
    assert.deepEqual([smb.slowNs[5], smb.slowNs[8], smb.slowNs[9], inflightNs], [2 ** 64, 2.5e6, 2.5e6, 2.5e6]);
  });

  it("says nothing before it is attached, then the heading, then each op", async () => {
    const { trace, helper, world, rows } = traceWith();
    await helper.say();
    assert.deepEqual(world.out, []);
    await helper.say(helloFrame());
    assert.equal(world.attached, 1);
    await helper.say(opsFrame([rawOp(), rawOp({ seq: 2, comm: "cp", tgid: 7, command: 9 })]));
    await trace.stop();
    assert.deepEqual(rows(), ["dd,1234,SMB2_CREATE,5150", "cp,7,SMB2_WRITE,5150"]);
    assert.deepEqual(world.err, []);
  });

  it("-p shows one process alone", async () => {
    const { trace, helper, rows } = traceWith({ pid: 7 });
    await helper.say(helloFrame(), opsFrame([rawOp(), rawOp({ seq: 2, comm: "cp", tgid: 7 })]));
    await trace.stop();
    assert.deepEqual(rows(), ["cp,7,SMB2_CREATE,5150"]);
  });

  it("-n ends it after that many lines", async () => {
    const { trace, helper, rows } = traceWith({ count: 2 });
    await helper.say(helloFrame(), opsFrame([rawOp(), rawOp({ seq: 2 }), rawOp({ seq: 3 })]));
    assert.equal(await trace.finished, undefined);
    await trace.stop();
    assert.equal(rows().length, 2);
  });

  it("what is in flight is shown at the end, unless it has ended since", async () => {
    const { trace, helper, rows } = traceWith();
    await helper.say(helloFrame(), inflightFrame([open(1), open(2)]));
    assert.deepEqual(rows(), []);
    await helper.say(opsFrame([rawOp({ seq: 2 })]));
    await trace.stop();
    assert.deepEqual(rows(), ["dd,1234,SMB2_CREATE,5150", "dd,1234,SMB2_CREATE (open),2000000"]);
  });

  it("-v shows it once more, when it has passed the limit", async () => {
    const { trace, helper, world } = traceWith({ verbose: true });
    await helper.say(helloFrame(), inflightFrame([open(1)]), inflightFrame([open(1)], [], { now: T0 + 3e9 }));
    assert.equal(world.out.filter((line) => line.includes("(open)")).length, 1);
    await helper.say(opsFrame([rawOp()]));
    await trace.stop();
    assert.equal(world.out.length, 3);
  });

  it("a wait for a reconnect is shown when it is over, or at the end", async () => {
    const { trace, helper, world, rows } = traceWith();
    const ls: Waiter = { kind: "reconnect", tid: 71, pid: 70, comm: "ls", sinceNs: T0 };
    world.waiters = [ls, { ...ls, tid: 80, pid: 80, comm: "cp" }];
    await helper.say(helloFrame(), tickFrame());
    await setImmediate();
    world.waiters = world.waiters.slice(1);
    assert.deepEqual(rows(), []);
    await helper.say(tickFrame());
    await setImmediate();
    assert.deepEqual(rows(), ["ls,70,(waiting: reconnect),3000000"]);
    world.nowNs += 1e9;
    await trace.stop();
    assert.deepEqual(rows().slice(1), ["cp,80,(waiting: reconnect),4000000"]);
  });

  it("who waits for credits at the end is shown, but not with -c", async () => {
    for (const onlyCommands of [false, true]) {
      const { trace, helper, rows } = traceWith({ onlyCommands });
      await helper.say(helloFrame(), inflightFrame([], [{ asked: T0, connection: 1n, tid: 51, tgid: 50, kind: 1 }]));
      await trace.stop();
      assert.deepEqual(rows(), onlyCommands ? [] : ["tar,50,(waiting: credits),3000000"]);
    }
  });

  it("losses are said at the end", async () => {
    const { trace, helper, world } = traceWith();
    await helper.say(
      helloFrame(),
      lostFrame([
        { kind: 5, detail: 0, count: 2 },
        { kind: 7, detail: 8, count: 1 },
      ]),
    );
    await trace.stop();
    assert.deepEqual(world.err, ["Lost: 2 ringbuf, 1 unseen (SMB2_READ)"]);
  });

  it("hooks that are missing are said, others only with -v", async () => {
    const hooks = [
      { rung: 2, why: "no fentry" },
      { name: "send", function: "__smb_send_rqst", rung: 0, why: "inlined" },
    ];
    for (const verbose of [false, true]) {
      const { trace, helper, world } = traceWith({ verbose });
      await helper.say(helloFrame(hooks));
      await trace.stop();
      const missing = "send (__smb_send_rqst): not attached: inlined";
      assert.deepEqual(world.err, verbose ? ["create (smb2_setup_request): kprobe: no fentry", missing] : [missing]);
    }
  });

  it("a helper that ends by itself ends it, with the reason", async () => {
    const { trace, helper } = traceWith();
    await helper.exit({ code: 3 });
    const exit = await trace.finished;
    assert.equal(exit?.unsupported, true);
    await trace.stop();
  });

  it("frames of a real kernel become lines", async () => {
    const { trace, helper, world } = traceWith({ format: "text", minMs: 0 });
    const frames = readFileSync(new URL("../../test/fixtures/frames/6.12-freeze.frames", import.meta.url));
    await helper.say(frames);
    await trace.stop();
    assert.equal(world.out[0], "Tracing SMB operations that are slower than 0 ms.");
    assert.ok(world.out.some((line) => / dd {13}\d+ +SMB2_WRITE /.test(line)));
    assert.ok(world.out.some((line) => / cat {12}\d+ +SMB2_CREATE +2\d{3}\.\d{3} /.test(line)));
  });
});
