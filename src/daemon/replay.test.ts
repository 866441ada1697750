import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseConfig } from "../config/config.ts";
import type { Observation } from "../detect/observation.ts";
import { AodOpState as S } from "../probe/decoders.gen.ts";
import { frameOf } from "../probe/frames.ts";
import { helloFrame, inflightFrame, opsFrame, rawOp, T0 } from "../probe/testing/make-frames.ts";
import type { Chunk, ChunkKind } from "../record/format.ts";
import { headerOf } from "../record/header.ts";
import { encodeExit, encodeFile, encodeWaiters } from "../record/payloads.ts";
import { openRecording } from "../record/reader.ts";
import { createRecording } from "../record/writer.ts";
import { AodError } from "../system/error.ts";
import { withDir } from "../system/fixture.ts";
import { taggedJson } from "../system/tagged-json.ts";
import { debugData } from "./fixture.ts";
import type { IncidentJson } from "./incidents/json.ts";
import { replayDaemon } from "./replay.ts";

const yaml = "incidents:\n  cool_down: 3s\n  post: 1s\ndetectors:\n  latency:\n    single: 400ms\n";
const WALL = Date.UTC(2026, 10, 22, 13, 5, 11);

function at(seconds: number, kind: ChunkKind, payload: Buffer = Buffer.alloc(0)): Chunk {
  return { kind, probe: 0, at: { nowNs: T0 + seconds * 1e9, wallMs: WALL + seconds * 1000 }, payload };
}

const debugDataAs = (text: string) => encodeFile({ path: "fs/cifs/DebugData", kind: "text", text });
const slow = (seq: number) => rawOp({ seq, session: 0x65n, answered: T0 + 2e9, closed: T0 + 2e9 });
const hung = rawOp({ seq: 4, state: S.OPEN, answered: 0, closed: 0, flags: 0 });

async function replayed(chunks: readonly Chunk[], probe = "smb_wire") {
  const closed: IncidentJson[] = [];
  const counts = await withDir(async (directory) => {
    const file = join(directory, "recording");
    const start = { nowNs: T0, wallMs: WALL };
    const writer = createRecording(file, headerOf("test", [{ name: probe, module: "cifs", args: [] }], start));
    for (const chunk of chunks) writer.write(chunk);
    await writer.end(chunks.at(-1)?.at ?? start);
    const recording = openRecording(file);
    try {
      return await replayDaemon(recording, parseConfig(yaml, "test.yaml"), {
        closed: (incident) => closed.push(incident),
      });
    } finally {
      recording.close();
    }
  });
  return { closed, counts };
}

describe("the daemon on a recording", () => {
  it("judges what the sources saw", async () => {
    const text = "nfs: server nas not responding, still trying";
    const message = {
      id: "nfs.not-responding",
      protocol: "nfs",
      kind: "trouble",
      level: 4,
      server: "nas",
      text,
    } as const;
    const nowNs = T0 + 2e9;
    const seen: Observation = { type: "kernel-messages", nowNs, messages: [{ ...message, timeNs: nowNs }] };
    const { closed } = await replayed([
      at(0, "frames", helloFrame()),
      at(2, "observation", Buffer.from(taggedJson(seen))),
      ...[3, 4, 5, 6, 7].map((second) => at(second, "beat")),
    ]);
    assert.deepEqual(
      closed.map(({ target, anomalies }) => [target.server, anomalies[0]?.detector]),
      [["nas", "kernel-log"]],
    );
  });

  it("opens and closes the incidents of that time, by the clock of that time", async () => {
    const { closed, counts } = await replayed([
      at(0, "file", debugDataAs(debugData)),
      at(0, "frames", helloFrame()),
      at(2, "frames", opsFrame([slow(1)])),
      ...[3, 4, 5].map((second) => at(second, "beat")),
    ]);
    assert.equal(counts.incidents, 1);
    const [incident] = closed;
    assert.deepEqual(
      [incident?.id, incident?.opened, incident?.closed, incident?.close_reason, incident?.target.share],
      [
        "20261122T130513Z-latency-0001",
        "2026-11-22T13:05:13.000000Z",
        "2026-11-22T13:05:16.000000Z",
        "quiet",
        "\\\\files.example\\share",
      ],
    );
  });

  it("has seconds of its own where no daemon was there", async () => {
    const { closed } = await replayed([
      at(0, "frames", helloFrame()),
      at(2, "frames", opsFrame([slow(1)])),
      ...[3, 4, 5, 6, 7].map((second) => at(second, "frames", opsFrame([rawOp({ seq: second })]))),
    ]);
    assert.deepEqual(
      closed.map(({ close_reason }) => close_reason),
      ["quiet"],
    );
  });

  it("asks the DebugData of that time whether a hang is one", async () => {
    const chunks = (text: string) => [
      at(0, "file", debugDataAs(text)),
      at(0, "frames", helloFrame()),
      at(2, "frames", inflightFrame([hung])),
    ];
    assert.equal((await replayed(chunks(debugData))).counts.incidents, 1);
    const { counts } = await replayed(chunks(debugData.replace("mid 41", "mid 40")));
    assert.deepEqual([counts.incidents, counts.ghosts], [0, 1]);
  });

  it("gives each question the answer of that time, also of two while one piece was dealt with", async () => {
    const next = { ...hung, seq: 5, mid: 43n };
    const { counts } = await replayed([
      at(0, "frames", helloFrame()),
      at(2, "file", debugDataAs(debugData)),
      at(2, "file", debugDataAs(debugData.replace("mid 41", "mid 43"))),
      at(2, "frames", Buffer.concat([inflightFrame([hung]), inflightFrame([next])])),
    ]);
    // One read for the first hang, one for the second: in another order neither would be one.
    assert.equal(counts.ghosts, 0);
    assert.ok(counts.anomalies >= 1);
  });

  it("sees who waited for the connection, through the end of a helper and the start of the next", async () => {
    const waiter = { kind: "reconnect", tid: 7, pid: 7, comm: "ls", connectionId: 1n, sinceNs: T0 } as const;
    const { closed, counts } = await replayed([
      at(0, "frames", helloFrame()),
      at(1, "exit", encodeExit({ code: 1, signal: null, complaint: "killed" })),
      at(1, "lost", Buffer.from('{"chunks":3,"bytes":10}')),
      at(2, "frames", helloFrame()),
      at(3, "waiters", encodeWaiters([waiter])),
      at(4, "frames", opsFrame([slow(1)])),
    ]);
    assert.match(closed[0]?.anomalies[0]?.summary ?? "", /wait for reconnect/);
    assert.equal(closed[0]?.close_reason, "end");
    assert.equal(counts.lost, 3);
  });

  it("that another build has written, or of another probe, is refused", async () => {
    const other = [at(0, "frames", helloFrame([{}], { opSize: 8 }))];
    for (const [chunks, probe, said] of [
      [other, "smb_wire", /cannot be replayed: aod-probe writes ops of 8 bytes/],
      [[], "nfs_rpc", /holds nothing of smb_wire, which the daemon judges by/],
      [[at(0, "waiters", Buffer.from("[3]"))], "smb_wire", /is damaged/],
      [[at(0, "frames", frameOf(99, Buffer.alloc(3)))], "smb_wire", undefined],
    ] as const) {
      const result = replayed(chunks, probe);
      if (said === undefined) assert.equal((await result).counts.incidents, 0);
      else
        await assert.rejects(
          result,
          (error: unknown) => error instanceof AodError && error.code === "usage" && said.test(error.message),
        );
    }
  });
});
