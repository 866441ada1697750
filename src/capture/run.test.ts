import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { diskOf, fixedClock, metaOf } from "../bundle/fixture.ts";
import { readManifest } from "../bundle/reader.ts";
import { type BundleWriter, createBundle } from "../bundle/writer.ts";
import { withDir } from "../system/fixture.ts";
import type { Capture } from "./capture.ts";
import { environmentOf } from "./fixture.ts";
import { createCaptureRunner, type TimeLimit } from "./run.ts";

const capture = (name: string, collect: Capture["collect"]): Capture => ({
  name,
  summary: `about ${name}`,
  phases: ["open"],
  collect,
});
const good = capture("good", async function* () {
  yield { name: "good.txt", source: "here", content: "good\n" };
});

const withWriter = (work: (writer: BundleWriter) => Promise<void>): Promise<void> =>
  withDir(async (state) => work(await createBundle(state, metaOf("x"), { clock: fixedClock, minFreeBytes: 0 })));

describe("running captures", () => {
  it("keeps what the others give when one fails, and says why", () =>
    withWriter(async (writer) => {
      const failing = capture("failing", async function* () {
        yield { name: "half.txt", source: "there", content: "half\n" };
        throw new Error("EIO");
      });
      const { items, unfinished } = await createCaptureRunner({ captures: [failing, good] }).run(
        "open",
        writer,
        environmentOf(),
      );
      const told = items.map(({ name, status, reason }) => [name, status, reason ?? ""]).sort();
      assert.deepEqual(told, [
        ["open/failing", "failed", "EIO"],
        ["open/good.txt", "ok", ""],
        ["open/half.txt", "ok", ""],
      ]);
      assert.deepEqual(unfinished, ["failing"]);
      await writer.abort("test");
    }));

  it("gives up at the time limit, and does not start again what still hangs", () =>
    withWriter(async (writer) => {
      const answer = Promise.withResolvers<undefined>();
      const asked = Promise.withResolvers<undefined>();
      let starts = 0;
      const hanging = capture("hanging", async function* () {
        starts += 1;
        asked.resolve(undefined);
        await answer.promise;
        yield { name: `late${starts}.txt`, source: "late", content: "late\n" };
      });
      const control = new AbortController();
      let limit: TimeLimit = { signal: control.signal, cancel: () => {} };
      const runner = createCaptureRunner({
        captures: [{ ...hanging, phases: ["open", "close"] }],
        timeLimit: () => limit,
      });
      const first = runner.run("open", writer, environmentOf());
      await asked.promise;
      control.abort();
      assert.deepEqual(
        (await first).items.map(({ name, status, reason }) => [name, status, reason]),
        [["open/hanging", "timed_out", "not done after 30000 ms"]],
      );
      limit = { signal: new AbortController().signal, cancel: () => {} };
      assert.deepEqual(
        (await runner.run("close", writer, environmentOf())).items.map(({ status }) => status),
        ["skipped"],
      );
      assert.equal(starts, 1);
      answer.resolve(undefined);
      await new Promise((resolve) => setImmediate(resolve));
      const { path } = await writer.finish(metaOf("x"));
      assert.deepEqual(
        (await readManifest(path)).items.map(({ name }) => name),
        ["close/hanging", "open/hanging"],
      );
    }));

  it("ends with the daemon", () =>
    withWriter(async (writer) => {
      const waiting = capture("waiting", async function* () {
        await new Promise(() => {});
        yield* [];
      });
      const end = AbortSignal.abort();
      const { items } = await createCaptureRunner({ captures: [waiting] }).run("open", writer, {
        ...environmentOf(),
        signal: end,
      });
      assert.deepEqual([items[0]?.status, items[0]?.reason], ["timed_out", "the time for all captures was over"]);
      await writer.abort("test");
    }));

  it("never rejects when the disk fails: the writer tells", () =>
    withDir(async (state) => {
      const writer = await createBundle(state, metaOf("x"), { disk: diskOf(2000), clock: fixedClock, minFreeBytes: 0 });
      const big = capture("big", async function* () {
        yield { name: "big.txt", source: "big", content: "line\n".repeat(20_000) };
      });
      const summary = await createCaptureRunner({ captures: [big, good] }).run("open", writer, environmentOf());
      assert.ok(summary.unfinished.includes("big"));
      assert.match(writer.failure?.message ?? "", /no space left/);
      await assert.rejects(writer.finish(metaOf("x")), /no space left/);
    }));

  it("runs those of the phase only, and bounds each file", () =>
    withWriter(async (writer) => {
      const long: Capture = {
        ...capture("long", async function* () {
          yield { name: "long.txt", source: "long", content: "x".repeat(100) };
        }),
        limitBytes: 10,
      };
      const runner = createCaptureRunner({ captures: [long, { ...good, phases: ["close"] }] });
      const { items } = await runner.run("open", writer, environmentOf());
      assert.deepEqual(
        items.map(({ name, status, size }) => [name, status, size]),
        [["open/long.txt", "truncated", 10]],
      );
      await writer.abort(join("t"));
    }));
});
