import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { debugData } from "../daemon/fixture.ts";
import { AodOpState as S } from "../probe/decoders.gen.ts";
import type { ProbeExit } from "../probe/helper.ts";
import type { SmbOp, Waiter } from "../probe/op.ts";
import { fakeStarter } from "../probe/testing/fake-process.ts";
import { helloFrame, inflightFrame, lostFrame, opsFrame, rawOp, T0, tickFrame } from "../probe/testing/make-frames.ts";
import { LiveWorld } from "../record/live-world.ts";
import { openRecording } from "../record/reader.ts";
import { AodError } from "../system/error.ts";
import { filtersOf } from "../tools/filters.ts";
import { LiveRun } from "../tools/live.ts";
import type { World } from "../tools/op.ts";
import type { CommonOptions } from "../tools/options.ts";
import { startRecording } from "../tools/recording.ts";
import { ReplayWorld, replay, requireProbes } from "../tools/replay.ts";
import { Session } from "../tools/session.ts";
import { smbslower } from "./smbslower.ts";

const directory = mkdtempSync(join(tmpdir(), "aod-replay-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const proc = join(directory, "proc");
mkdirSync(join(proc, "fs/cifs"), { recursive: true });
mkdirSync(join(proc, "50/task/51"), { recursive: true });
writeFileSync(join(proc, "50/task/51/comm"), "tar\n");

type Asked = Omit<CommonOptions<SmbOp>, "format" | "verbose">;

function sessionIn(world: World, asked: Asked) {
  const out: string[] = [];
  const common: CommonOptions<SmbOp> = { format: "json", verbose: true, ...asked };
  const plan = smbslower.plan({ args: [1], options: {} }, common);
  let finished = false;
  const session = new Session<SmbOp>({
    plan,
    common,
    outcomes: smbslower.outcomes,
    filters: filtersOf({ ...common, replay: "x" }, "smb", world, "/"),
    world,
    output: {
      out: (line) => out.push(line),
      err: (line) => out.push(line),
      finish: () => {
        finished = true;
      },
    },
  });
  return { session, plan, isFinished: () => finished, lines: () => [...out, ...session.summaryLines()] };
}

const open = (seq: number) => rawOp({ seq, state: S.OPEN, answered: 0, closed: 0, flags: 0, mid: BigInt(seq) });
const waiter: Waiter = { kind: "reconnect", tid: 71, pid: 70, comm: "ls", connectionId: 1n, sinceNs: T0 };

/** A run with everything in it that a line can depend on: names that come later, waiting tasks, losses, what is still open. */
async function liveRun(file: string, asked: Asked = {}): Promise<readonly string[]> {
  writeFileSync(join(proc, "fs/cifs/DebugData"), "Servers: \n");
  let nowNs = T0 + 3e9;
  const seconds = (count: number): void => {
    nowNs += count * 1e9;
  };
  // Milliseconds that do not go exactly with the other clock.
  const world = new LiveWorld(proc, { nowNs: () => nowNs, wallMs: () => Math.floor(nowNs / 1e6) + 1.7e12 });
  const { session, plan, lines } = sessionIn(world, asked);
  const recorder = startRecording(file, "smbslower", plan, world);
  const { start, started } = fakeStarter();
  const inputs = {
    event: session.take.bind(session),
    waiters: session.takeWaiters.bind(session),
    exit: ({ requested }: ProbeExit) => assert.ok(requested),
  };
  const { waiters: _, ...unsampled } = plan;
  const run = new LiveRun<SmbOp>(unsampled, world, inputs, start);
  const [helper] = started;
  assert.ok(helper);
  await helper.say(helloFrame());
  await helper.say(opsFrame([rawOp(), rawOp({ seq: 2, comm: "a\nb" })]));
  writeFileSync(join(proc, "fs/cifs/DebugData"), debugData);
  seconds(1.2345678);
  const whole = Buffer.concat([
    opsFrame([rawOp({ seq: 3, status: 0xc000_0022 })]),
    tickFrame(),
    inflightFrame([open(4)], [{ asked: T0, connection: 1n, tid: 51, tgid: 50, kind: 1 }]),
  ]);
  // As a pipe cuts it.
  for (let at = 0; at < whole.length; at += 100) await helper.say(whole.subarray(at, at + 100));
  seconds(0.1);
  world.advance();
  session.takeWaiters([waiter]);
  recorder.waiters([waiter]);
  await helper.say(opsFrame([rawOp({ seq: 5, seqCheck: 6 })]), lostFrame([{ kind: 5, detail: 0, count: 2 }]));
  seconds(0.3);
  await run.drain();
  session.end();
  await recorder.end();
  await run.stop();
  return lines();
}

async function replayed(file: string, asked: Asked & { readonly durationS?: number } = {}): Promise<readonly string[]> {
  const recording = openRecording(file);
  const world = new ReplayWorld(recording);
  const { session, plan, lines, isFinished } = sessionIn(world, asked);
  requireProbes(plan, "smbslower", recording);
  const inputs = {
    event: session.take.bind(session),
    waiters: session.takeWaiters.bind(session),
    exit: () => assert.fail("ended"),
  };
  await replay(plan, world, inputs, { durationS: asked.durationS, finished: isFinished, ready: async () => {} });
  session.end();
  recording.close();
  return lines();
}

describe("a replay", () => {
  it("prints what the live run printed, to the byte", async () => {
    for (const [index, asked] of [{}, { format: "csv" }, { format: "text" }, { count: 1 }, { comm: "dd" }].entries()) {
      const file = join(directory, `same-${index}`);
      const live = await liveRun(file, asked as Asked);
      assert.deepEqual(await replayed(file, asked as Asked), live);
    }
  });

  it("knows names, waiting tasks and losses from the file alone", async () => {
    const file = join(directory, "knows");
    const live = await liveRun(file);
    rmSync(join(proc, "fs/cifs/DebugData"));
    const lines = await replayed(file);
    assert.deepEqual(lines, live);
    const text = lines.join("\n");
    for (const part of [
      '"files.example"',
      '"tar"',
      '"waiting":"reconnect"',
      '"state":"open"',
      "2 ringbuf",
      "1 record-torn",
    ]) {
      assert.ok(text.includes(part), `${part} in\n${text}`);
    }
  });

  it("may be asked for less than there is", async () => {
    const file = join(directory, "less");
    const live = await liveRun(file);
    const ops = (lines: readonly string[]) => lines.filter((line) => line.includes('"command"'));
    assert.deepEqual(ops(await replayed(file, { durationS: 0.5 })), ops(live).slice(0, 2));
    assert.deepEqual(await replayed(file, { durationS: 1e6 }), live);
    assert.deepEqual(ops(await replayed(file, { count: 2 })), ops(live).slice(0, 2));
    assert.deepEqual(ops(await replayed(file, { pid: 9 })), []);
  });

  it("of another probe is refused", async () => {
    const file = join(directory, "other");
    await liveRun(file);
    const recording = openRecording(file);
    const { plan } = sessionIn(new ReplayWorld(recording), {});
    const other = { ...plan, probe: { ...plan.probe, name: "nfs_rpc" as const } };
    assert.throws(
      () => requireProbes(other, "nfsslower", recording),
      (error: unknown) =>
        error instanceof AodError &&
        error.code === "usage" &&
        error.message === `${file} holds nothing of nfs_rpc, which nfsslower needs: it is of smb_wire`,
    );
    recording.close();
    assert.doesNotMatch(readFileSync(file, "latin1"), /files\.example/, "packed");
  });
});
