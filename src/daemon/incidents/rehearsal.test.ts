import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { rehearse } from "./rehearsal.ts";

const meta = {
  anomaly: { detector: "rehearsal", time: "", summary: "" },
  anomalies: [],
  target: {},
  opened: "",
  losses: [],
  versions: { aod: "0", node: "v26", kernel: "6.12" },
  host: { name: "client", kernel: "6.12", arch: "x86_64" },
};

const never = new AbortController().signal;

function runDirOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "aod-rehearsal-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test("a rehearsal says what each capture gives, and leaves nothing behind", async (t) => {
  const runDir = runDirOf(t);
  const rehearsal = await rehearse({
    runDir,
    meta,
    limitMs: 60_000,
    signal: never,
    capture: async (writing) => {
      const writer = await writing;
      const ok = await writer.addFile("open/DebugData", "text");
      return { items: [ok, await writer.addMissing("open/sockets.txt", "ss", "absent", "no ss here")], unfinished: [] };
    },
  });
  assert.deepEqual(rehearsal, {
    items: [
      { name: "open/DebugData", status: "ok" },
      { name: "open/sockets.txt", status: "absent", reason: "no ss here" },
    ],
  });
  assert.deepEqual(readdirSync(runDir), []);
});

test("a rehearsal that fails says why, and leaves nothing behind", async (t) => {
  const runDir = runDirOf(t);
  const rehearsal = await rehearse({
    runDir,
    meta,
    limitMs: 60_000,
    signal: never,
    capture: () => Promise.reject(new Error("no such thing")),
  });
  assert.deepEqual(rehearsal, { items: [], error: "no such thing" });
  assert.deepEqual(readdirSync(runDir), []);
});

test("the end of the daemon ends a rehearsal", async (t) => {
  const runDir = runDirOf(t);
  const ending = new AbortController();
  const capturing = Promise.withResolvers<void>();
  const rehearsal = rehearse({
    runDir,
    meta,
    limitMs: 60_000,
    signal: ending.signal,
    capture: (_writer, signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve({ items: [], unfinished: ["hanging"] }));
        capturing.resolve();
      }),
  });
  await capturing.promise;
  ending.abort();
  assert.deepEqual(await rehearsal, { items: [] });
  assert.deepEqual(readdirSync(runDir), []);
});
