import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../system/fixture.ts";
import { metaOf } from "./fixture.ts";
import { readManifest, verifyBundle } from "./reader.ts";
import { recoverBundles } from "./recover.ts";

// The same as in recover.test.ts and writer.test.ts, with a real SIGKILL and a real full file system.

const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

function script(state: string, body: string): string {
  return `
    import { createBundle } from ${url("./writer.ts")};
    const meta = ${JSON.stringify(metaOf("x"))};
    const writer = await createBundle(${JSON.stringify(state)}, meta, { minFreeBytes: 0 });
    const noise = async function* (lines) {
      for (let n = 0; n < lines; n++) yield JSON.stringify({ n, noise: Math.random() }) + "\\n";
    };
    ${body}`;
}

describe("kill -9", () => {
  it("in the middle of a file leaves a bundle that the next start finishes", () =>
    withDir(async (state) => {
      const body = `
        await writer.addFile("first", "whole\\n");
        process.stdout.write("ready\\n");
        await writer.addFile("ops.ndjson", noise(Infinity), { limitBytes: 1e12 });`;
      const child = spawn(process.execPath, ["--input-type=module", "-e", script(state, body)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      child.kill("SIGKILL");
      await once(child, "close");
      assert.deepEqual(
        (await recoverBundles(state)).map(({ action }) => action),
        ["finished"],
      );
      const path = join(state, "bundles", "x.tar.zst");
      assert.deepEqual(await readdir(join(state, "bundles")), ["x.tar.zst"]);
      assert.equal((await verifyBundle(path)).ok, true);
      const { state: how, items } = await readManifest(path);
      assert.equal(how, "recovered");
      assert.deepEqual([items[0]?.name, items[0]?.status], ["first", "ok"]);
    }));
});

/** A file system of 1 MiB in a mount namespace of its own: it is gone with the process. */
function onTmpfs(dir: string, body: string) {
  const mountAndRun = 'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"';
  const node = [process.execPath, "--input-type=module", "-e", body];
  return spawnSync("unshare", ["-m", "sh", "-c", mountAndRun, "sh", dir, ...node], { encoding: "utf8" });
}

const probe = await withDir(async (dir) => onTmpfs(dir, ""));
const skip =
  probe.status === 0 ? false : `no file system can be mounted here: ${probe.error?.message ?? probe.stderr.trim()}`;

describe("a file system of 1 MiB", { skip }, () => {
  for (const [what, lines] of [
    ["while a file is written", 100_000],
    ["while it is packed", 22_000],
  ] as const) {
    it(`that gets full ${what} keeps the older bundle and nothing half`, () =>
      withDir(async (state) => {
        const body = `
          import { readdirSync } from "node:fs";
          await writer.addFile("a", "a");
          await writer.finish(meta);
          const second = await createBundle(${JSON.stringify(state)}, { ...meta, id: "y" }, { minFreeBytes: 0 });
          const told = await second.addFile("ops.ndjson", noise(${lines})).then(() => second.finish({ ...meta, id: "y" })).catch((error) => error.message);
          await second.abort("test");
          console.log(JSON.stringify({ told, left: readdirSync(${JSON.stringify(join(state, "bundles"))}) }));`;
        const { stdout, stderr } = onTmpfs(state, script(state, body));
        assert.notEqual(stdout, "", stderr);
        const { told, left } = JSON.parse(stdout);
        assert.match(told, /bundle y could not be written: no space left below/);
        assert.deepEqual(left, ["x.tar.zst"]);
      }));
  }
});
