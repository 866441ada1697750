import assert from "node:assert/strict";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { AodError } from "../system/error.ts";
import { withDir } from "../system/fixture.ts";
import { realDisk } from "./disk.ts";
import { diskOf, fixedClock, metaOf } from "./fixture.ts";
import { readItem, readManifest, verifyBundle } from "./reader.ts";
import { createBundle } from "./writer.ts";

const options = { clock: fixedClock, minFreeBytes: 0 };

describe("a bundle", () => {
  it("appears whole, with its manifest first and every item in it", () =>
    withDir(async (state) => {
      const writer = await createBundle(state, metaOf("one"), options);
      await writer.addFile(
        "ops.ndjson",
        (async function* () {
          for (let seq = 0; seq < 5000; seq++) yield `${JSON.stringify({ seq, command: "SMB2_WRITE" })}\n`;
        })(),
      );
      await writer.addFile("open/DebugData", Buffer.from("Display Internal\n"), { source: "/proc/fs/cifs/DebugData" });
      await writer.addMissing("open/sockets", "ss", "failed", "exit status 1");
      writer.note("The clock went back by 3 s.");
      writer.lost({ kind: "kernel-log", count: 2 });
      writer.lost({ kind: "kernel-log", count: 3 });
      assert.deepEqual(await readdir(join(state, "bundles")), [".tmp-one"]);
      const { path, bytes } = await writer.finish(
        metaOf("one", { closed: "2026-11-22T13:06:00.000000Z", losses: [{ kind: "ring", count: 1 }] }),
      );

      assert.deepEqual(await readdir(join(state, "bundles")), ["one.tar.zst"]);
      const file = await lstat(path);
      assert.equal(file.size, bytes);
      assert.equal(file.mode & 0o777, 0o600);
      assert.equal((await lstat(join(state, "bundles"))).mode & 0o777, 0o700);
      const manifest = await readManifest(path);
      assert.equal(manifest.state, "complete");
      assert.equal(manifest.closed, "2026-11-22T13:06:00.000000Z");
      assert.deepEqual(manifest.losses, [
        { kind: "ring", count: 1 },
        { kind: "kernel-log", count: 5 },
      ]);
      assert.deepEqual(manifest.notes, ["The clock went back by 3 s."]);
      assert.deepEqual(
        manifest.items.map(({ name, status, source }) => [name, status, source]),
        [
          ["open/DebugData", "ok", "/proc/fs/cifs/DebugData"],
          ["open/sockets", "failed", "ss"],
          ["ops.ndjson", "ok", "ops.ndjson"],
        ],
      );
      assert.equal((await readItem(path, "open/DebugData")).toString(), "Display Internal\n");
      assert.equal((await readItem(path, "ops.ndjson")).toString().split("\n").length, 5001);
      assert.equal((await verifyBundle(path)).ok, true);
    }));

  it("says what was cut, failed or stalled, and keeps what there was", () =>
    withDir(async (state) => {
      const writer = await createBundle(state, metaOf("two"), options);
      const cut = await writer.addFile("cut", "x".repeat(100), { limitBytes: 10 });
      const failed = await writer.addFile(
        "failed",
        (async function* () {
          yield "half\n";
          throw new Error("EIO: input/output error");
        })(),
      );
      const time = new AbortController();
      const stalled = writer.addFile(
        "stalled",
        (async function* () {
          yield "half\n";
          time.abort();
          await new Promise(() => {});
        })(),
        { signal: time.signal },
      );
      assert.deepEqual([cut.status, cut.size], ["truncated", 10]);
      assert.deepEqual([failed.status, failed.size, failed.reason], ["failed", 5, "EIO: input/output error"]);
      assert.deepEqual([(await stalled).status, (await stalled).size], ["timed_out", 5]);
      await writer.abort("test");
      assert.deepEqual(await readdir(join(state, "bundles")), []);
    }));

  it("has on the disk what a source gave before it paused", () =>
    withDir(async (state) => {
      const writer = await createBundle(state, metaOf("pause"), options);
      const go = Promise.withResolvers<undefined>();
      const source = (async function* () {
        yield "one\n";
        await go.promise;
        yield "two\n";
      })();
      const adding = writer.addFile("ops.ndjson", source);
      const path = join(writer.dir, "items", "ops.ndjson");
      let seen = "";
      while (seen === "") {
        await new Promise((resolve) => setImmediate(resolve));
        seen = await readFile(path, "utf8").catch(() => "");
      }
      assert.equal(seen, "one\n");
      go.resolve(undefined);
      assert.equal((await adding).size, 8);
      await writer.abort("test");
    }));

  it("cuts text after a line", () =>
    withDir(async (state) => {
      const writer = await createBundle(state, metaOf("lines"), options);
      await writer.addFile("a.ndjson", "{}\n{}\n{}\n", { limitBytes: 7 });
      assert.equal(await readFile(join(writer.dir, "items", "a.ndjson"), "utf8"), "{}\n{}\n");
      const pieces = (async function* () {
        yield "{}\n";
        yield '{"long":1}\n';
      })();
      await writer.addFile("b.ndjson", pieces, { limitBytes: 7 });
      assert.equal(await readFile(join(writer.dir, "items", "b.ndjson"), "utf8"), "{}\n");
      await writer.abort("test");
    }));

  it("takes secrets out of text and says how many", () =>
    withDir(async (state) => {
      const writer = await createBundle(state, metaOf("three"), options);
      const item = await writer.addFile("mounts", "//s/x /mnt cifs rw,username=joe,password=hunter2 0 0\n");
      assert.equal(item.redacted, 1);
      const raw = await readFile(join(writer.dir, "items", "mounts"), "utf8");
      assert.ok(!raw.includes("hunter2") && raw.includes("username=joe"));
      await writer.abort("test");
    }));

  for (const name of ["../x", "/etc/passwd", "a/../b", ".hidden", "a//b", "manifest.json", "", "a\nb"]) {
    it(`refuses the name ${JSON.stringify(name)}`, () =>
      withDir(async (state) => {
        const writer = await createBundle(state, metaOf("four"), options);
        await assert.rejects(writer.addFile(name, "x"), AodError);
        await writer.abort("test");
      }));
  }

  it("does not start below the disk's floor, and skips what comes when it sinks below", () =>
    withDir(async (state) => {
      let free = 10 * 1024 ** 2;
      const disk = { ...realDisk, freeBytes: () => Promise.resolve(free) };
      const limits = { ...options, disk, minFreeBytes: 20 * 1024 ** 2 };
      await assert.rejects(createBundle(state, metaOf("low"), limits), /10 MiB free .* the floor is 20 MiB/);
      free = 30 * 1024 ** 2;
      const writer = await createBundle(state, metaOf("low"), limits);
      free = 1024 ** 2;
      const item = await writer.addFile("ops.ndjson", "{}\n");
      assert.equal(item.status, "skipped");
      assert.match(item.reason ?? "", /1 MiB free/);
      await writer.finish(metaOf("low"));
    }));
});

describe("an id", () => {
  for (const id of ["../x", "a/b", ".", "..", ".hidden", "", "a b", "a\0"]) {
    it(`is not ${JSON.stringify(id)}`, () =>
      withDir(async (state) => {
        await assert.rejects(createBundle(state, metaOf(id), options), AodError);
      }));
  }

  it("is used once", () =>
    withDir(async (state) => {
      const writer = await createBundle(state, metaOf("same"), options);
      await assert.rejects(createBundle(state, metaOf("same"), options), /there is a bundle same already/);
      await writer.finish(metaOf("same"));
      await assert.rejects(createBundle(state, metaOf("same"), options), /there is a bundle same already/);
    }));
});

describe("a full disk", () => {
  for (const room of [0, 100, 3_000, 70_000, 141_000, 141_800]) {
    it(`with ${room} bytes left leaves nothing half and the older bundles alone`, () =>
      withDir(async (state) => {
        const older = await createBundle(state, metaOf("older"), options);
        await older.addFile("a", "a");
        const { path } = await older.finish(metaOf("older"));
        const run = async (): Promise<void> => {
          const writer = await createBundle(state, metaOf("full"), { ...options, disk: diskOf(room) });
          // Text that does not compress.
          const noise = Array.from({ length: 20_000 }, (_, i) => ((i * 2654435761) % 4294967296).toString(36)).join(
            "\n",
          );
          await Promise.allSettled([
            writer.addFile("one", noise.slice(0, 70_000)),
            writer.addFile("two", noise.slice(70_000, 140_000)),
          ]);
          await writer.finish(metaOf("full"));
        };
        await assert.rejects(run(), (error: unknown) => {
          assert.ok(error instanceof AodError);
          assert.match(error.message, /bundle full could not be written: no space left below/);
          return true;
        });
        assert.deepEqual(await readdir(join(state, "bundles")), ["older.tar.zst"]);
        assert.equal((await verifyBundle(path)).ok, true);
      }));
  }
});
