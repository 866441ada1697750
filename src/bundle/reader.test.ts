import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lstat, readdir, readFile, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { AodError } from "../system/error.ts";
import { withDir } from "../system/fixture.ts";
import { fixedClock, metaOf } from "./fixture.ts";
import type { Manifest } from "./manifest.ts";
import { extractBundle, readItem, readManifest, verifyBundle } from "./reader.ts";
import { createBundle } from "./writer.ts";

type Part = readonly [header: Partial<Header> & { name: string }, content?: string];

async function archive(dir: string, parts: readonly Part[]): Promise<string> {
  const tar = pack();
  for (const [header, content] of parts) tar.entry(header, content ?? "");
  tar.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of tar as unknown as AsyncIterable<Buffer>) pieces.push(piece);
  const path = join(dir, "x.tar.zst");
  await writeFile(path, zstdCompressSync(Buffer.concat(pieces)));
  return path;
}

function manifest(items: Manifest["items"] = [], more: object = {}): Part {
  const value = { schema_version: 1, state: "complete", ...metaOf("x"), notes: [], items, ...more };
  return [{ name: "x/manifest.json" }, JSON.stringify(value)];
}

const itemOf = (name: string, content: string) => ({
  name,
  source: "test",
  status: "ok" as const,
  size: content.length,
  sha256: createHash("sha256").update(content).digest("hex"),
});

const hostile: readonly (readonly [what: string, parts: readonly Part[]])[] = [
  ["a way upwards", [[{ name: "x/../../evil" }, "x"]]],
  ["an absolute path", [[{ name: "/etc/evil" }, "x"]]],
  ["a symbolic link", [[{ name: "x/link", type: "symlink", linkname: "/etc/passwd" }]]],
  ["a hard link", [[{ name: "x/link", type: "link", linkname: "x/manifest.json" }]]],
  ["a device", [[{ name: "x/dev", type: "character-device" }]]],
  ["a FIFO", [[{ name: "x/fifo", type: "fifo" }]]],
  ["a directory", [[{ name: "x/dir", type: "directory" }]]],
  ["a hidden file", [[{ name: "x/.bashrc" }, "x"]]],
  ["a line break in a name", [[{ name: "x/a\nb" }, "x"]]],
  ["an escape in a name", [[{ name: "x/\u001b[31m" }, "x"]]],
  ["another top directory", [[{ name: "y/a" }, "x"]]],
  [
    "a name twice",
    [
      [{ name: "x/a" }, "x"],
      [{ name: "x/a" }, "y"],
    ],
  ],
  ["a second manifest", [manifest()]],
];

describe("reading a bundle of somebody else", () => {
  for (const [what, parts] of hostile) {
    it(`refuses ${what}`, () =>
      withDir(async (dir) => {
        const path = await archive(dir, [manifest(), ...parts]);
        await assert.rejects(verifyBundle(path), AodError);
        await assert.rejects(extractBundle(path, join(dir, "out")), AodError);
        assert.deepEqual((await readdir(dir)).sort(), ["out", "x.tar.zst"]);
        const out = (await readdir(join(dir, "out"), { recursive: true })).sort();
        assert.ok(
          out.every((name) => ["x", "x/manifest.json", "x/a"].includes(name)),
          out.join(" "),
        );
      }));
  }

  for (const [what, part] of [
    ["no manifest first", [{ name: "x/ops.ndjson" }, "{}"]],
    ["a manifest that is not JSON", [{ name: "x/manifest.json" }, "{"]],
    ["a manifest with an item outside", manifest([itemOf("../evil", "")])],
    ["a manifest of the wrong shape", manifest([], { anomalies: 3 })],
  ] as const) {
    it(`refuses ${what}`, () =>
      withDir(async (dir) => {
        await assert.rejects(readManifest(await archive(dir, [part as Part])), AodError);
      }));
  }

  it("says that a schema of the future is not supported", () =>
    withDir(async (dir) => {
      const path = await archive(dir, [manifest([], { schema_version: 7 })]);
      await assert.rejects(readManifest(path), (error) => error instanceof AodError && error.code === "unsupported");
    }));

  it("stops at the limits for bytes, files and the size of what it gives back", () =>
    withDir(async (dir) => {
      const big = "0".repeat(3_000_000);
      const path = await archive(dir, [manifest([itemOf("a", big)]), [{ name: "x/a" }, big]]);
      await assert.rejects(verifyBundle(path, { totalBytes: 1_000_000 }), /more than 1000000 bytes/);
      await assert.rejects(verifyBundle(path, { members: 1 }), /more than 1 files/);
      await assert.rejects(readItem(path, "a", 1000), /the limit is 1000/);
      assert.equal((await verifyBundle(path)).ok, true);
    }));

  it("stops a bomb, whatever its headers say", () =>
    withDir(async (dir) => {
      const path = join(dir, "x.tar.zst");
      await writeFile(path, zstdCompressSync(Buffer.alloc(50_000_000)));
      await assert.rejects(verifyBundle(path, { totalBytes: 1_000_000, members: 10 }), AodError);
    }));

  it("finds what differs, is missing or is not listed", () =>
    withDir(async (dir) => {
      const items = [itemOf("a", "one"), itemOf("b", "two"), itemOf("c", "three")];
      const path = await archive(dir, [
        manifest(items),
        [{ name: "x/a" }, "one"],
        [{ name: "x/b" }, "TWO"],
        [{ name: "x/d" }, "4"],
      ]);
      const report = await verifyBundle(path);
      assert.equal(report.ok, false);
      assert.deepEqual(Object.fromEntries(report.items.map(({ name, result }) => [name, result])), {
        a: "ok",
        b: "differs",
        c: "missing",
        d: "unlisted",
      });
    }));

  it("refuses what is cut, damaged, empty, something else or not there", () =>
    withDir(async (dir) => {
      const writer = await createBundle(dir, metaOf("w"), { clock: fixedClock, minFreeBytes: 0 });
      await writer.addFile("ops.ndjson", Array.from({ length: 5000 }, (_, n) => `${(n * 7919) % 10007}\n`).join(""));
      const { path, bytes } = await writer.finish(metaOf("w"));
      const whole = await readFile(path);
      for (const size of [0, 1, 4, 100, Math.floor(bytes / 2), bytes - 1]) {
        await writeFile(path, whole);
        await truncate(path, size);
        await assert.rejects(verifyBundle(path), AodError, `${size} bytes`);
      }
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(bytes - 200) ^ 0xff, bytes - 200);
      await writeFile(path, damaged);
      await assert.rejects(verifyBundle(path), AodError);
      await writeFile(path, "#!/bin/sh\n");
      await assert.rejects(readManifest(path), AodError);
      await assert.rejects(readManifest(join(dir, "none")), AodError);
    }));

  it("unpacks into a new directory only, and never through a link", () =>
    withDir(async (dir) => {
      const content = "{}\n";
      const path = await archive(dir, [manifest([itemOf("open/ops", content)]), [{ name: "x/open/ops" }, content]]);
      const report = await extractBundle(path, join(dir, "out"));
      assert.deepEqual([report.ok, report.dir], [true, join(dir, "out", "x")]);
      assert.equal(await readFile(join(dir, "out", "x", "open", "ops"), "utf8"), content);
      assert.equal((await lstat(join(dir, "out", "x", "open", "ops"))).mode & 0o777, 0o600);
      await assert.rejects(extractBundle(path, join(dir, "out")), /is there already/);
      await symlink("/tmp", join(dir, "y"));
      await assert.rejects(extractBundle(await archive(dir, [manifest([], { id: "y" })]), dir), /is there already/);
    }));
});
