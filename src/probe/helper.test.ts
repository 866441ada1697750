import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AodFrameType } from "./decoders.gen.ts";
import { FrameReader } from "./frames.ts";
import { type ProbeExit, type ProbeOptions, startProbe } from "./helper.ts";
import type { ProbeEvent } from "./op.ts";
import { fakeStarter } from "./testing/fake-process.ts";
import { errorFrame, helloFrame, historyAnswerFrame, lostFrame, opsFrame, rawOp } from "./testing/make-frames.ts";

const clock = { nowNs: () => 2e12, wallMs: () => 0 };

function probeWith(options: Partial<ProbeOptions> = {}, deaf = false) {
  const { start, started } = fakeStarter(deaf);
  const events: ProbeEvent[] = [];
  const exits: ProbeExit[] = [];
  const probe = startProbe(
    { program: "/lib/aod-probe", object: "/lib/bpf/smb_wire.bpf.o", probe: "smb_wire", start, clock, ...options },
    (event) => events.push(event),
    (exit) => exits.push(exit),
  );
  const [helper] = started;
  assert.ok(helper);
  return { probe, helper, events, exits };
}

describe("the helper process", () => {
  it("is started as an argv", () => {
    const { helper } = probeWith({
      tickMs: 250,
      outliersKib: 1024,
      hide: ["answer", "send"],
      fentry: false,
      args: ["--shared"],
    });
    const expected = ["/lib/aod-probe", "--probe", "smb_wire", "--object", "/lib/bpf/smb_wire.bpf.o"];
    assert.deepEqual(helper.argv, [
      ...expected,
      "--tick-ms",
      "250",
      "--outliers-kib",
      "1024",
      "--hide",
      "answer,send",
      "--no-fentry",
      "--shared",
    ]);
  });

  it("gives events in order, and one exit after the last", async () => {
    const { probe, helper, events, exits } = probeWith();
    await helper.say(helloFrame(), opsFrame([rawOp()]));
    await probe.stop();
    assert.deepEqual(
      events.map((event) => event.type),
      ["hello", "ops"],
    );
    assert.deepEqual(exits, [{ requested: true, unsupported: false, message: "stopped" }]);
  });

  it("gets settings and requests for the history, each with a token of its own", async () => {
    const { probe, helper } = probeWith();
    probe.set({ slowUs: 10_000, inflightUs: null });
    assert.deepEqual([probe.history(0), probe.history(7)], [1, 2]);
    await helper.say(historyAnswerFrame([rawOp()], { token: 2 }));
    await probe.stop();
    const types = new FrameReader().push(Buffer.concat(helper.received)).map((frame) => frame.type);
    const { REQUEST_SET, REQUEST_HISTORY } = AodFrameType;
    assert.deepEqual(types, [REQUEST_SET, REQUEST_HISTORY, REQUEST_HISTORY]);
  });

  it("says in its own words why it is not supported here", async () => {
    const { helper, exits, events, probe } = probeWith();
    await helper.say(errorFrame(3, 0, "this kernel has no BTF"));
    await helper.exit({ code: 3 });
    await probe.stop();
    assert.deepEqual(exits, [{ requested: false, unsupported: true, message: "this kernel has no BTF" }]);
    assert.equal(events.at(-1)?.type, "error");
  });

  it("that dies early leaves its last words in one line", async () => {
    const { helper, exits } = probeWith();
    helper.stderr.write("libbpf: failed to load\nlibbpf: -13\n");
    await helper.exit({ code: 1 });
    assert.deepEqual(exits, [
      {
        requested: false,
        unsupported: false,
        message: "aod-probe ended (exit status 1): libbpf: failed to load; libbpf: -13",
      },
    ]);
  });

  it("that is missing is named, with what to do", async () => {
    const { helper, exits } = probeWith();
    await helper.exit({ error: Object.assign(new Error("spawn ENOENT"), { code: "ENOENT" }) });
    assert.match(exits[0]?.message ?? "", /\/lib\/aod-probe is missing: build it/);
  });

  it("that does not end is killed", async () => {
    const { probe, helper, exits } = probeWith({ stopLimitMs: 0 }, true);
    await probe.stop();
    assert.equal(helper.killed, true);
    assert.equal(exits[0]?.requested, true);
  });

  it("reports what was thrown away on this side together with its own losses", async () => {
    const { probe, helper, events } = probeWith();
    const torn = rawOp({ seqCheck: 99 });
    await helper.say(lostFrame([{ kind: 5, detail: 0, count: 2 }]), opsFrame([torn]));
    await probe.stop();
    const last = events.at(-1);
    assert.equal(last?.type, "lost");
    assert.deepEqual(last.losses, [
      { kind: "ringbuf", count: 2 },
      { kind: "record-torn", count: 1 },
    ]);
  });

  it("that ends within a frame leaves a loss", async () => {
    const { helper, events, probe } = probeWith();
    await helper.say(helloFrame().subarray(0, 30));
    await helper.exit({ code: 0 });
    await probe.stop();
    assert.deepEqual(events, [{ type: "lost", losses: [{ kind: "frame-truncated", count: 1 }] }]);
  });
});
