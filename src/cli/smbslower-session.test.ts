import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { AodOpState as S } from "../probe/decoders.gen.ts";
import { startHelper } from "../probe/helper.ts";
import type { SmbOp, Waiter } from "../probe/op.ts";
import { smbWire } from "../probe/smb-wire.ts";
import { fakeStarter } from "../probe/testing/fake-process.ts";
import { helloFrame, inflightFrame, lostFrame, opsFrame, rawOp, T0 } from "../probe/testing/make-frames.ts";
import { HeldClock } from "../system/held-clock.ts";
import { filtersOf } from "../tools/filters.ts";
import type { CommonOptions, RowFormat } from "../tools/options.ts";
import { Session } from "../tools/session.ts";
import { smbOutcomes } from "../tools/smb.ts";
import { parseStop } from "../tools/stop.ts";
import { smbslower } from "./smbslower.ts";

const open = (seq: number) => rawOp({ seq, state: S.OPEN, answered: 0, closed: 0, flags: 0 });

interface Changes {
  readonly minMs?: number;
  readonly pid?: number;
  readonly count?: number;
  readonly verbose?: boolean;
  readonly only?: boolean;
  readonly format?: RowFormat;
  readonly stopOn?: string;
}

function sessionWith({ minMs = 1, only = false, format = "csv", verbose = false, stopOn, ...rest }: Changes = {}) {
  const { start, started } = fakeStarter();
  const out: string[] = [];
  const err: string[] = [];
  const finished: (string | undefined)[] = [];
  const clock = new HeldClock(T0 + 3e9, 0);
  const world = {
    clock,
    readProc: (path: string) => (path === "50/task/51/comm" ? "tar\n" : undefined),
  };
  const common: CommonOptions<SmbOp> = {
    ...rest,
    format,
    verbose,
    ...(stopOn === undefined ? {} : { stopOn: parseStop(stopOn, smbOutcomes) }),
  };
  const options = only ? { cmds: new Set([5]) } : {};
  const plan = smbslower.plan({ args: [minMs], options }, common);
  const session = new Session<SmbOp>({
    plan,
    common,
    outcomes: smbOutcomes,
    filters: filtersOf({ ...common, replay: "x" }, "smb", world, "/"),
    world,
    output: { out: (line) => out.push(line), err: (line) => err.push(line), finish: (by) => finished.push(by) },
  });
  startHelper(
    { program: "/p", object: "/o", probe: "smb_wire", start, clock },
    smbWire,
    (event) => session.take(event),
    () => {},
  );
  const [helper] = started;
  assert.ok(helper);
  /** The lines without the heading: TASK,PID,TYPE,LATENCY_us of each. */
  const rows = () => out.slice(1).map((line) => line.split(",").slice(1, 5).join(","));
  return { session, helper, clock, out, err, finished, rows };
}

describe("a session of smbslower", () => {
  it("says nothing before it is attached, then the heading, then each op", async () => {
    const { session, helper, out, err, rows } = sessionWith();
    await helper.say();
    assert.deepEqual(out, []);
    await helper.say(helloFrame());
    await helper.say(opsFrame([rawOp(), rawOp({ seq: 2, comm: "cp", tgid: 7, command: 9 })]));
    session.end();
    assert.deepEqual(rows(), ["dd,1234,SMB2_CREATE,5150", "cp,7,SMB2_WRITE,5150"]);
    assert.deepEqual(err, []);
  });

  it("-p shows one process alone", async () => {
    const { session, helper, rows } = sessionWith({ pid: 7 });
    await helper.say(helloFrame(), opsFrame([rawOp(), rawOp({ seq: 2, comm: "cp", tgid: 7 })]));
    session.end();
    assert.deepEqual(rows(), ["cp,7,SMB2_CREATE,5150"]);
  });

  it("-n ends it after that many lines", async () => {
    const { session, helper, finished, rows } = sessionWith({ count: 2 });
    await helper.say(helloFrame(), opsFrame([rawOp(), rawOp({ seq: 2 }), rawOp({ seq: 3 })]));
    assert.deepEqual(finished, [undefined]);
    session.end();
    assert.equal(rows().length, 2);
  });

  it("what is in flight is shown at the end, unless it has ended since", async () => {
    const { session, helper, rows } = sessionWith();
    await helper.say(helloFrame(), inflightFrame([open(1), open(2)]));
    assert.deepEqual(rows(), []);
    await helper.say(opsFrame([rawOp({ seq: 2 })]));
    session.end();
    assert.deepEqual(rows(), ["dd,1234,SMB2_CREATE,5150", "dd,1234,SMB2_CREATE (open),2000000"]);
  });

  it("-v shows it once more, when it has passed the limit", async () => {
    const { session, helper, out } = sessionWith({ verbose: true });
    await helper.say(helloFrame(), inflightFrame([open(1)]), inflightFrame([open(1)], [], { now: T0 + 3e9 }));
    assert.equal(out.filter((line) => line.includes("(open)")).length, 1);
    await helper.say(opsFrame([rawOp()]));
    session.end();
    assert.equal(out.length, 3);
  });

  it("a wait for a reconnect is shown when it is over, or at the end", async () => {
    const { session, helper, clock, rows } = sessionWith();
    const ls: Waiter = { kind: "reconnect", tid: 71, pid: 70, comm: "ls", sinceNs: T0 };
    const cp: Waiter = { ...ls, tid: 80, pid: 80, comm: "cp" };
    await helper.say(helloFrame());
    session.takeWaiters([ls, cp]);
    assert.deepEqual(rows(), []);
    session.takeWaiters([cp]);
    assert.deepEqual(rows(), ["ls,70,(waiting: reconnect),3000000"]);
    clock.advance(T0 + 4e9, 1000);
    session.end();
    assert.deepEqual(rows().slice(1), ["cp,80,(waiting: reconnect),4000000"]);
  });

  it("who waits for credits at the end is shown, but not with -c", async () => {
    for (const only of [false, true]) {
      const { session, helper, rows } = sessionWith({ only });
      await helper.say(helloFrame(), inflightFrame([], [{ asked: T0, connection: 1n, tid: 51, tgid: 50, kind: 1 }]));
      session.end();
      assert.deepEqual(rows(), only ? [] : ["tar,50,(waiting: credits),3000000"]);
    }
  });

  it("the summary counts per command what was shown, and names every loss", async () => {
    const { session, helper, clock } = sessionWith();
    const failing = rawOp({ seq: 3, command: 9, status: 0xc000_0022 });
    await helper.say(
      helloFrame(),
      opsFrame([rawOp(), rawOp({ seq: 2, answered: T0 + 2e6, closed: T0 + 2e6 }), failing]),
      lostFrame([
        { kind: 5, detail: 0, count: 2 },
        { kind: 7, detail: 8, count: 1 },
      ]),
    );
    session.lost("stdout", [{ kind: "line", count: 7 }]);
    clock.advance(T0 + 5e9, 2000);
    session.end();
    assert.deepEqual(session.summaryLines(), [
      "3 operations in 2.0 s, 1 failed",
      "COMMAND         COUNT    FAILED   P50(ms)   P95(ms)   P99(ms)   MAX(ms)",
      "SMB2_CREATE         2         0     2.097     5.150     5.150     5.150",
      "SMB2_WRITE          1         1     5.150     5.150     5.150     5.150",
      "Lost: 2 ringbuf, 1 unseen (SMB2_READ), 7 line",
    ]);
  });

  it("--stop-on ends it, and the op that did is named", async () => {
    for (const [stopOn, said] of [
      ["slow>=4ms", "slow>=4ms: dd (1234) SMB2_CREATE 5.150 ms"],
      ["status=access_denied", "status=access_denied: cp (7) SMB2_WRITE 5.150 ms"],
      ["errno=EACCES", "errno=EACCES: cp (7) SMB2_WRITE 5.150 ms"],
      ["errors>=2/1s", undefined],
    ] as const) {
      const { helper, finished, rows } = sessionWith({ stopOn, minMs: 5 });
      const failing = rawOp({ seq: 2, comm: "cp", tgid: 7, command: 9, status: 0xc000_0022 });
      await helper.say(helloFrame(), opsFrame([rawOp(), failing]), opsFrame([rawOp({ seq: 3 })]));
      assert.deepEqual(finished, said === undefined ? [] : [said]);
      assert.equal(rows().length, { "slow>=4ms": 1, "errors>=2/1s": 3 }[stopOn as string] ?? 2);
    }
  });

  it("--stop-on looks at no other commands than -c, whatever a recording holds", async () => {
    const { helper, finished } = sessionWith({ stopOn: "slow>=1ms", only: true });
    await helper.say(helloFrame(), opsFrame([rawOp({ command: 9 })]), inflightFrame([{ ...open(3), command: 9 }]));
    assert.deepEqual(finished, []);
    await helper.say(opsFrame([rawOp({ seq: 2, command: 5 })]));
    assert.equal(finished.length, 1);
  });

  it("--stop-on slow>= sees what is still in flight", async () => {
    const { helper, finished } = sessionWith({ stopOn: "slow>=2s", minMs: 5000 });
    await helper.say(helloFrame(), inflightFrame([open(1)]));
    assert.deepEqual(finished, ["slow>=2s: dd (1234) SMB2_CREATE 2000.000 ms"]);
  });

  it("hooks that are missing are said, others only with -v", async () => {
    const hooks = [
      { rung: 2, why: "no fentry" },
      { name: "send", function: "__smb_send_rqst", rung: 0, why: "inlined" },
      { name: "write", function: "smb2_async_writev", rung: 0, why: "not needed: no such struct" },
    ];
    for (const verbose of [false, true]) {
      const { session, helper, err } = sessionWith({ verbose });
      await helper.say(helloFrame(hooks));
      session.end();
      const missing = "send (__smb_send_rqst): not attached: inlined";
      const others = ["create (smb2_setup_request): kprobe: no fentry"];
      const unneeded = "write (smb2_async_writev): not attached: not needed: no such struct";
      assert.deepEqual(err, verbose ? [...others, missing, unneeded] : [missing]);
    }
  });

  it("frames of a real kernel become lines", async () => {
    const { session, helper, out } = sessionWith({ format: "text", minMs: 0 });
    const frames = readFileSync(new URL("../../test/fixtures/frames/6.12-freeze.frames", import.meta.url));
    await helper.say(frames);
    session.end();
    assert.equal(out[0], "Tracing SMB operations that are slower than 0 ms.");
    assert.ok(out.some((line) => / dd {13}\d+ +SMB2_WRITE /.test(line)));
    assert.ok(out.some((line) => / cat {12}\d+ +SMB2_CREATE +2\d{3}\.\d{3} /.test(line)));
  });
});
