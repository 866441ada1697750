import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fixedClock, metaOf } from "../bundle/fixture.ts";
import { archivePath } from "../bundle/layout.ts";
import { createBundle } from "../bundle/writer.ts";
import { AodError } from "../system/error.ts";
import { withDir } from "../system/fixture.ts";
import { build } from "./bundle.ts";

interface Outcome {
  readonly out: string;
  readonly status: number;
}

/** Runs the command with what it prints caught. */
async function aodBundle(...argv: string[]): Promise<Outcome> {
  const write = process.stdout.write;
  const status = process.exitCode;
  let out = "";
  process.stdout.write = (piece: string | Uint8Array): boolean => {
    out += typeof piece === "string" ? piece : Buffer.from(piece).toString();
    return true;
  };
  try {
    process.exitCode = 0;
    await build().parseAsync(argv, { from: "user" });
    return { out, status: Number(process.exitCode) };
  } finally {
    process.stdout.write = write;
    process.exitCode = status;
  }
}

/** Two bundles and the environment that leads to them. */
async function withBundles(work: (state: string) => Promise<void>): Promise<void> {
  const before = { ...process.env };
  await withDir(async (state) => {
    process.env.AOD_STATE_DIR = state;
    delete process.env.AOD_CONFIG;
    for (const id of ["one", "two"]) {
      const writer = await createBundle(state, metaOf(id), { clock: fixedClock, minFreeBytes: 0 });
      await writer.addFile("ops.ndjson", '{"command":"SMB2_WRITE"}\n');
      await writer.addMissing("open/sockets.txt", "ss", "absent", "ss is not installed\u001b[31m");
      await writer.finish(metaOf(id, { closed: "2026-11-22T13:06:00.000000Z", losses: [{ kind: "ring", count: 3 }] }));
    }
    await work(state);
  }).finally(() => {
    process.env = before;
  });
}

describe("aod bundle", () => {
  it("lists bundles for people and machines, a damaged one with the reason", () =>
    withBundles(async (state) => {
      await writeFile(archivePath(state, "broken"), "x");
      const lines = (await aodBundle("list")).out.trimEnd().split("\n");
      assert.match(lines[0] ?? "", /^ID +SIZE +OPENED +WHAT$/);
      assert.equal(lines.length, 4);
      assert.ok(lines.some((line) => /^one .*2026-11-22T13:05:11Z latency: 12 operations over 500 ms/.test(line)));
      assert.ok(lines.some((line) => /^broken .*cannot be read as a bundle/.test(line)));
      const rows = (await aodBundle("list", "--json")).out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      assert.deepEqual(rows.map(({ id }) => id).sort(), ["broken", "one", "two"]);
    }));

  it("says when there is nothing", () =>
    withDir(async (dir) => {
      process.env.AOD_STATE_DIR = dir;
      assert.equal((await aodBundle("list")).out, `no bundles below ${dir}\n`);
      assert.equal((await aodBundle("list", "--json")).out, "");
      delete process.env.AOD_STATE_DIR;
    }));

  it("shows a manifest by id and by path, without control characters of its texts", () =>
    withBundles(async (state) => {
      const { out } = await aodBundle("show", "one");
      assert.match(out, /^Bundle +one \(complete\)\n/);
      assert.match(out, /Time +2026-11-22T13:05:11.000000Z to 2026-11-22T13:06:00.000000Z\n/);
      assert.match(out, /\n +ok +25 B {2}ops.ndjson\n/);
      assert.match(out, /\n +absent +- {2}open\/sockets.txt +ss; ss is not installed\\x1b\[31m\n/);
      assert.match(out, /Lost:\n +3 {2}ring\n/);
      assert.equal((await aodBundle("show", archivePath(state, "one"))).out, out);
      assert.equal(JSON.parse((await aodBundle("show", "one", "--json")).out).id, "one");
      assert.equal((await aodBundle("show", "one", "--item", "ops.ndjson")).out, '{"command":"SMB2_WRITE"}\n');
      await assert.rejects(aodBundle("show", "three"), /neither a file three nor a bundle/);
      await assert.rejects(aodBundle("show", "../x"), AodError);
      await assert.rejects(aodBundle("show", "one", "--item", "none"), AodError);
    }));

  it("verifies and extracts", () =>
    withBundles(async (state) => {
      assert.deepEqual(await aodBundle("verify", "one"), {
        out: "all 1 files are as the manifest says (25 B)\n",
        status: 0,
      });
      const { out } = await aodBundle("extract", "one", join(state, "out"));
      assert.ok(out.startsWith(`${join(state, "out", "one")}\n`));
      assert.equal(await readFile(join(state, "out", "one", "ops.ndjson"), "utf8"), '{"command":"SMB2_WRITE"}\n');
    }));
});

describe("aod bundle pin, delete, export, verify", () => {
  it("pins and unpins, and deletes what is not pinned", () =>
    withBundles(async (state) => {
      assert.equal((await aodBundle("pin", "one")).out, "one is pinned\n");
      const listed = (await aodBundle("list", "--json")).out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      assert.deepEqual(Object.fromEntries(listed.map(({ id, pinned }) => [id, pinned])), { one: true, two: false });
      assert.match((await aodBundle("list")).out, /one .*\(pinned\)/);
      await assert.rejects(aodBundle("delete", "two", "one"), /one is pinned: --force removes it/);
      assert.equal(existsSync(archivePath(state, "two")), true, "all or none");
      assert.equal((await aodBundle("pin", "one", "--off", "--json")).out, '{"id":"one","pinned":false}\n');
      assert.equal((await aodBundle("delete", "one", "--json")).out, '{"id":"one","deleted":true}\n');
      assert.deepEqual(readdirSync(join(state, "bundles")), ["two.tar.zst"]);
      await aodBundle("pin", "two");
      await aodBundle("delete", "two", "--force");
      assert.deepEqual(readdirSync(join(state, "bundles")), []);
      for (const command of ["pin", "delete"]) await assert.rejects(aodBundle(command, "../one"), /there is no bundle/);
    }));

  it("exports a copy, as it is or under pseudonyms, and never over a file", () =>
    withBundles(async (state) => {
      const plain = join(state, "plain.tar.zst");
      await aodBundle("export", "one", plain);
      assert.deepEqual(await readFile(plain), await readFile(archivePath(state, "one")));
      await assert.rejects(aodBundle("export", "one", plain), { exitStatus: 2 });
      const hidden = join(state, "hidden.tar.zst");
      const { out } = await aodBundle("export", "one", hidden, "--pseudonymise", "--json");
      assert.equal(JSON.parse(out).pseudonymised, true);
      assert.ok(existsSync(join(state, "pseudonyms.json")));
      assert.equal((await aodBundle("show", hidden, "--json")).status, 0);
    }));

  it("tests the redaction itself, and finds a secret that is in a bundle", () =>
    withBundles(async (state) => {
      assert.match((await aodBundle("verify")).out, /took out all \d+ planted secrets/);
      const writer = await createBundle(state, metaOf("three"), { clock: fixedClock, minFreeBytes: 0 });
      await writer.addFile("x.txt", "password=hunter2\n", { binary: true });
      await writer.finish(metaOf("three"));
      const { out, status } = await aodBundle("verify", "three");
      assert.equal(status, 1);
      assert.match(out, /^secret +x\.txt/m);
    }));
});
