import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { withDir } from "../system/fixture.ts";

function aod(directory: string, ...args: string[]) {
  const { AOD_STATE_DIR: _, AOD_RUN_DIR: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "main.ts"), ...args], {
    encoding: "utf8",
    env: { ...env, AOD_CONFIG: join(directory, "aod.yaml"), AOD_RUN_DIR: "/elsewhere" },
  });
  return { status, stdout, stderr };
}

describe("aod config", () => {
  it("says that all is right, and which files it read", () =>
    withDir(async (directory) => {
      mkdirSync(join(directory, "conf.d"));
      writeFileSync(join(directory, "aod.yaml"), "");
      writeFileSync(join(directory, "conf.d/1.yaml"), "bundles: {max_count: 7}\n");
      const { status, stdout } = aod(directory, "config", "check");
      assert.deepEqual([status, stdout], [0, `right: ${directory}/aod.yaml, ${directory}/conf.d/1.yaml\n`]);
    }));

  it("says everything that is wrong, with status 2", () =>
    withDir(async (directory) => {
      writeFileSync(join(directory, "aod.yaml"), "bundles:\n  max_count: none\ncolour: 1\n");
      const text = aod(directory, "config", "check");
      assert.equal(text.status, 2);
      assert.match(text.stderr, /aod\.yaml:2:bundles\.max_count: expected a whole number/);
      const { status, stdout } = aod(directory, "config", "check", "--json");
      const problems = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      assert.equal(status, 2);
      assert.deepEqual(
        problems.map(({ line, key }) => [line, key]),
        [
          [2, "bundles.max_count"],
          [3, "colour"],
        ],
      );
      assert.equal(aod(directory, "run").status, 2);
    }));

  it("shows what holds and where it comes from", () =>
    withDir(async (directory) => {
      writeFileSync(join(directory, "aod.yaml"), "bundles:\n  max_count: 7\ndetectors: {latency: {exclude: [echo]}}\n");
      const { stdout } = aod(directory, "config", "show");
      assert.match(stdout, new RegExp(`^  max_count: 7 # from ${directory}/aod.yaml:2$`, "m"));
      assert.match(stdout, /^run_dir: \/elsewhere # from AOD_RUN_DIR$/m);
      assert.match(stdout, /^ {2}max_age: 30d$/m);
      const shown = JSON.parse(aod(directory, "config", "show", "--json").stdout);
      assert.deepEqual(shown, parse(stdout));
      assert.deepEqual(shown.detectors.latency.exclude, ["echo"]);
    }));

  it("prints the defaults and the schema", () =>
    withDir(async (directory) => {
      const { stdout } = aod(directory, "config", "default");
      assert.equal(parse(stdout).bundles.max_count, 100);
      assert.deepEqual(JSON.parse(aod(directory, "config", "default", "--json").stdout), parse(stdout));
      assert.equal(JSON.parse(aod(directory, "config", "schema").stdout).title, "aod.yaml");
    }));
});
