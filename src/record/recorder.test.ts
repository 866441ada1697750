import assert from "node:assert/strict";
import test from "node:test";
import { fromTaggedJson } from "../system/tagged-json.ts";
import type { Chunk } from "./format.ts";
import { Recorder } from "./recorder.ts";
import type { RecordingWriter } from "./writer.ts";

test("what a source saw is kept as it is, but for secrets", async () => {
  const chunks: Chunk[] = [];
  const writer = { write: (chunk: Chunk) => chunks.push(chunk), flush: () => {}, end: async () => {} };
  const recorder = new Recorder(writer as unknown as RecordingWriter, () => ({ nowNs: 7, wallMs: 8 }));
  const seen = { type: "journal", lines: [{ text: "mount -o username=u,password=hunter2 //a/b" }], id: 2n ** 60n };
  recorder.observation(seen);
  await recorder.end();
  const [chunk] = chunks;
  assert.deepEqual([chunk?.kind, chunk?.at.nowNs], ["observation", 7]);
  const text = chunk?.payload.toString() ?? "";
  assert.ok(!text.includes("hunter2"));
  const back = fromTaggedJson(text) as typeof seen;
  assert.deepEqual([back.type, back.id], ["journal", 2n ** 60n]);
});
