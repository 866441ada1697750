import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../system/fixture.ts";
import type { Disk } from "./disk.ts";
import { diskUntil, fixedClock, metaOf } from "./fixture.ts";
import { readManifest, verifyBundle } from "./reader.ts";
import { recoverBundles } from "./recover.ts";
import { createBundle } from "./writer.ts";

/** One bundle from beginning to end. Tells whether it was finished. */
async function writeOne(state: string, disk: Disk): Promise<boolean> {
  try {
    const writer = await createBundle(state, metaOf("x"), { disk, clock: fixedClock, minFreeBytes: 0 });
    await writer.addFile("open/DebugData", "one\n");
    await writer.addFile(
      "ops.ndjson",
      (async function* () {
        for (let n = 0; n < 20; n++) yield `{"seq":${n},"command":"SMB2_CREATE"}\n`.repeat(250);
      })(),
    );
    await writer.update(metaOf("x", { target: { server: "10.0.0.1" } }));
    await writer.addMissing("open/sockets", "ss", "failed", "no");
    await writer.finish(metaOf("x", { closed: "2026-11-22T13:06:00.000000Z" }));
    return true;
  } catch {
    return false;
  }
}

describe("the next start after a kill", () => {
  it("finishes or removes what is there, whichever step was the last", async () => {
    let steps = 0;
    const outcomes = new Set<string>();
    for (let finished = false; !finished; steps++) {
      await withDir(async (state) => {
        finished = await writeOne(state, diskUntil(steps).disk);
        const reports = await recoverBundles(state);
        const left = await readdir(join(state, "bundles"));
        assert.ok(
          left.every((name) => name === "x.tar.zst"),
          `after ${steps} steps: ${left.join(" ")}`,
        );
        for (const report of reports) outcomes.add(report.action);
        assert.ok(reports.every((report) => report.action !== "kept"));
        if (left.length === 0) return;
        const path = join(state, "bundles", "x.tar.zst");
        const verified = await verifyBundle(path);
        assert.ok(verified.ok, JSON.stringify(verified));
        const manifest = await readManifest(path);
        const wasRecovered = reports.some((report) => report.action === "finished");
        assert.equal(manifest.state, wasRecovered ? "recovered" : "complete");
        assert.deepEqual(await recoverBundles(state), [], "a second start finds nothing to do");
      });
    }
    assert.ok(steps > 20, `${steps} steps`);
    assert.deepEqual([...outcomes].sort(), ["finished", "removed"]);
  });

  it("survives being killed itself at any step", async () => {
    for (let steps = 0, done = false; !done; steps++) {
      await withDir(async (state) => {
        const writer = await createBundle(state, metaOf("y"), { clock: fixedClock, minFreeBytes: 0 });
        await writer.addFile("ops.ndjson", "{}\n");
        const first = await recoverBundles(state, diskUntil(steps).disk);
        done = first.every((report) => report.action === "finished");
        await recoverBundles(state);
        assert.deepEqual(await readdir(join(state, "bundles")), ["y.tar.zst"]);
        assert.equal((await verifyBundle(join(state, "bundles", "y.tar.zst"))).ok, true);
      });
    }
  });

  it("keeps a file that was being written, and says that it is cut", () =>
    withDir(async (state) => {
      const writer = await createBundle(state, metaOf("z"), { clock: fixedClock, minFreeBytes: 0 });
      await writer.addFile("a", "whole\n");
      await writeFile(join(writer.dir, "items", "b"), "hal");
      const [report] = await recoverBundles(state);
      assert.equal(report?.action, "finished");
      const manifest = await readManifest(join(state, "bundles", "z.tar.zst"));
      assert.deepEqual(
        manifest.items.map(({ name, status, size }) => [name, status, size]),
        [
          ["a", "ok", 6],
          ["b", "truncated", 3],
        ],
      );
      assert.match(manifest.notes.at(-1) ?? "", /daemon ended/);
    }));

  for (const [what, content] of [
    ["empty", ""],
    ["half", '{"meta":{"id":"w"'],
    ["strange", "[]"],
  ] as const) {
    it(`removes a directory whose state is ${what}`, () =>
      withDir(async (state) => {
        const stage = join(state, "bundles", ".tmp-w");
        await mkdir(stage, { recursive: true });
        await writeFile(join(stage, "state.json"), content);
        const [report] = await recoverBundles(state);
        assert.deepEqual([report?.id, report?.action], ["w", "removed"]);
        assert.deepEqual(await readdir(join(state, "bundles")), []);
      }));
  }

  it("leaves alone what is none of its names", () =>
    withDir(async (state) => {
      await mkdir(join(state, "bundles"), { recursive: true });
      for (const name of ["notes.txt", ".tmp-..", "other.tar.gz"]) await writeFile(join(state, "bundles", name), "");
      assert.deepEqual(await recoverBundles(state), []);
      assert.equal((await readdir(join(state, "bundles"))).length, 3);
    }));
});
