import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fakeStarter } from "../probe/testing/fake-process.ts";
import { helloFrame, inflightFrame, opsFrame, rawOp, T0 } from "../probe/testing/make-frames.ts";
import { headerOf } from "../record/header.ts";
import { LiveWorld } from "../record/live-world.ts";
import { decodeFile } from "../record/payloads.ts";
import { openRecording } from "../record/reader.ts";
import { Recorder } from "../record/recorder.ts";
import { salvage } from "../record/salvage.ts";
import { createRecording } from "../record/writer.ts";
import { RecordRun } from "./record-ops.ts";
import { recordables } from "./recordable.ts";

const directory = mkdtempSync(join(tmpdir(), "aod-record-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const proc = join(directory, "proc");
mkdirSync(join(proc, "fs/cifs"), { recursive: true });
mkdirSync(join(proc, "self"), { recursive: true });
mkdirSync(join(proc, "50/task/51"), { recursive: true });
writeFileSync(join(proc, "50/task/51/comm"), "tar\n");
const mountinfo = `40 22 0:45 / /mnt rw - cifs //srv/share rw,vers=3.1.1,password=hunter2,addr=10.0.0.7\n${"#".repeat(300)}`;
writeFileSync(join(proc, "self/mountinfo"), mountinfo);

const wire = recordables.filter(({ codec }) => codec.name === "smb_wire");

function recording(name: string) {
  let nowNs = T0;
  const clock = { nowNs: () => nowNs, wallMs: () => nowNs / 1e6 };
  const world = new LiveWorld(proc, clock);
  const file = join(directory, name);
  const probes = wire.map(({ codec }) => ({ name: codec.name, module: codec.module, args: [] }));
  const recorder = new Recorder(createRecording(file, headerOf("record ops", probes, world.start)), () => world.at);
  world.recordWith(recorder);
  const { start, started } = fakeStarter();
  const exits: string[] = [];
  const run = new RecordRun(
    wire,
    { params: true },
    world,
    recorder,
    { hello: () => {}, exit: (probe) => exits.push(probe), beat: () => {} },
    start,
  );
  const [helper] = started;
  assert.ok(helper);
  const end = async (): Promise<void> => {
    await run.end();
    await run.stop();
  };
  const pass = (seconds: number): void => {
    nowNs += seconds * 1e9;
  };
  return { file, helper, run, end, pass, exits };
}

function chunksOf(file: string) {
  const whole = openRecording(file);
  try {
    return [...whole.chunks()];
  } finally {
    whole.close();
  }
}

describe("record ops", () => {
  it("asks for everything, and keeps each piece behind the names that were known then", async () => {
    const { file, helper, run, end, pass } = recording("names");
    assert.ok(helper.argv.includes("--params"));
    writeFileSync(join(proc, "fs/cifs/DebugData"), `first ${"x".repeat(300)}`);
    pass(1);
    await helper.say(helloFrame(), opsFrame([rawOp(), rawOp({ seq: 2 })]));
    writeFileSync(join(proc, "fs/cifs/DebugData"), `second ${"x".repeat(300)}`);
    pass(0.05);
    await helper.say(opsFrame([rawOp({ seq: 3 })]));
    pass(0.06);
    const waiter = { asked: T0, connection: 1n, tid: 51, tgid: 50, kind: 1 };
    await helper.say(inflightFrame([], [waiter]));
    await end();
    assert.equal(run.probes[0]?.ops, 3);
    const said = chunksOf(file).map(({ kind, payload }) => {
      if (kind !== "file") return kind;
      const read = decodeFile(payload);
      return `${read.path}: ${read.kind === "text" ? read.text.slice(0, 6) : read.kind}`;
    });
    assert.deepEqual(said, [
      "fs/cifs/DebugData: none",
      "self/mountinfo: 40 22 ",
      // Read again only when 100 ms have passed, kept only when it has changed.
      "frames",
      "fs/cifs/DebugData: first ",
      "self/mountinfo: same",
      "frames",
      "frames",
      "50/task/51/comm: tar\n",
      "fs/cifs/DebugData: second",
      "self/mountinfo: same",
      "frames",
      "end",
    ]);
  });

  it("keeps no password of a mount", async () => {
    const { file, end } = recording("secrets");
    await end();
    const texts = chunksOf(file).map(({ payload }) => payload.toString());
    assert.ok(texts.some((text) => text.includes("vers=3.1.1")));
    assert.ok(texts.every((text) => !text.includes("hunter2")));
  });

  it("tells a helper that ends by itself, and keeps how", async () => {
    const { file, helper, run, end, exits } = recording("exit");
    helper.stderr.write("libbpf: no\n");
    await helper.exit({ code: 1 });
    await end();
    assert.deepEqual(exits, ["smb_wire"]);
    assert.match(run.probes[0]?.exit?.message ?? "", /exit status 1\): libbpf: no/);
    const exit = chunksOf(file).find(({ kind }) => kind === "exit");
    assert.deepEqual(JSON.parse(exit?.payload.toString() ?? ""), { code: 1, signal: null, complaint: "libbpf: no\n" });
  });

  it("can be salvaged: the copy is whole and has the same pieces", async () => {
    const { file, helper, end } = recording("whole");
    await helper.say(helloFrame(), opsFrame([rawOp()]));
    await end();
    const copy = join(directory, "copy");
    const { chunks, why } = await salvage(file, copy);
    assert.equal(why, undefined);
    assert.equal(chunks + 1, chunksOf(file).length);
    assert.deepEqual(chunksOf(copy).slice(0, -1), chunksOf(file).slice(0, -1));
  });
});
