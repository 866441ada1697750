import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../system/fixture.ts";
import { install, unitText } from "./install.ts";
import { layoutOf } from "./layout.ts";
import type { System } from "./system.ts";
import { uninstall } from "./uninstall.ts";

const unit = readFileSync(join(import.meta.dirname, "../../packaging/aod.service"), "utf8");

/** A built checkout as far as an installation sees it. */
function checkout(directory: string): string {
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  const source = join(directory, "checkout");
  for (const [name, text] of Object.entries({
    "package.json": "{}",
    LICENSE: "Apache",
    "packaging/aod.service": unit,
    "build/aod-probe": "probe",
    "build/bpf/smb_wire.bpf.o": "object",
    [`node_modules/node-linux-${arch}/bin/node`]: "node",
    "bin/aod": "#!/bin/sh\n",
    "dist/aod.mjs": "aod",
    "dist/aod.mjs.map": "map",
    "docs/service.md": "service",
    "src/secret.ts": "not installed",
  })) {
    mkdirSync(join(source, name, ".."), { recursive: true });
    writeFileSync(join(source, name), text);
  }
  chmodSync(join(source, "bin/aod"), 0o755);
  symlinkSync("aod", join(source, "bin/smbslower"));
  return source;
}

/** A running systemd that remembers what it was asked. */
function fakeSystem(): System & { readonly asked: string[]; active: boolean } {
  const asked: string[] = [];
  let group = false;
  const system = {
    asked,
    active: false,
    withoutManager: undefined,
    hasGroup: () => group,
    makeGroup: async () => {
      group = true;
      asked.push("groupadd");
      return undefined;
    },
    removeGroup: async () => {
      group = false;
      asked.push("groupdel");
    },
    isActive: async () => system.active,
    systemctl: async (...args: string[]) => {
      asked.push(args.join(" "));
      if (args[0] === "restart") system.active = true;
      if (args[0] === "disable") system.active = false;
    },
  };
  return system;
}

function world(directory: string) {
  const root = join(directory, "root");
  const layout = layoutOf(root);
  const system = fakeSystem();
  const source = checkout(directory);
  const run = async (version = "1.0.0", more: { stateDir?: string; start?: boolean } = {}): Promise<string[]> => {
    const said: string[] = [];
    const say = (line: string): void => void said.push(line);
    await install({ layout, system, source, version, stateDir: more.stateDir, start: more.start ?? true, say });
    return said;
  };
  const end = async (
    purge = false,
    stateDir = "/var/lib/aod",
    putBack: () => { done: string[]; failed: string[] } = () => ({ done: [], failed: [] }),
  ): Promise<string[]> => {
    const said: string[] = [];
    await uninstall({ layout, system, stateDir, purge, putBack, say: (line) => said.push(line) });
    return said;
  };
  return { root, layout, system, source, run, end };
}

const filesIn = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));

describe("aod install", () => {
  it("puts the programs, their links and the unit in place, and starts the service", () =>
    withDir(async (directory) => {
      const { layout, system, run } = world(directory);
      const said = await run();
      assert.equal(readFileSync(join(layout.prefix, "dist/aod.mjs"), "utf8"), "aod");
      assert.equal(statSync(join(layout.prefix, "bin/aod")).mode & 0o777, 0o755);
      assert.equal(readlinkSync(join(layout.bin, "smbslower")), "/usr/local/lib/aod/bin/smbslower");
      assert.equal(readlinkSync(join(layout.prefix, "bin/smbslower")), "aod");
      assert.deepEqual(
        ["src", "dist/aod.mjs.map"].filter((name) => existsSync(join(layout.prefix, name))),
        [],
      );
      assert.match(readFileSync(layout.unit, "utf8"), /^ExecStart=\/usr\/local\/lib\/aod\/bin\/aod run$/m);
      assert.deepEqual(system.asked, [
        "groupadd",
        "daemon-reload",
        "enable --quiet aod.service",
        "reset-failed aod.service",
        "restart aod.service",
      ]);
      assert.ok(said.includes("made      /usr/local/lib/aod (1.0.0)"));
    }));

  it("changes nothing the second time, and does not restart", () =>
    withDir(async (directory) => {
      const { system, layout, run } = world(directory);
      await run();
      const inode = statSync(layout.prefix).ino;
      system.asked.length = 0;
      const said = await run();
      assert.equal(statSync(layout.prefix).ino, inode);
      assert.deepEqual(system.asked, ["daemon-reload", "enable --quiet aod.service"]);
      assert.ok(
        said.every((line) => /^(?:unchanged|AOD runs)/.test(line)),
        said.join("\n"),
      );
    }));

  it("brings another version in its place and restarts; what was damaged is mended", () =>
    withDir(async (directory) => {
      const { system, source, layout, run } = world(directory);
      await run();
      writeFileSync(join(source, "dist/chunk-2.mjs"), "new");
      rmSync(join(source, "build/bpf/smb_wire.bpf.o"));
      writeFileSync(join(source, "build/bpf/nfs.bpf.o"), "new");
      assert.ok((await run("1.1.0")).includes("replaced  /usr/local/lib/aod (1.0.0 by 1.1.0)"));
      assert.deepEqual(readdirSync(join(layout.prefix, "build/bpf")), ["nfs.bpf.o"]);
      assert.equal(system.asked.at(-1), "restart aod.service");
      assert.deepEqual(
        readdirSync(join(layout.prefix, "..")),
        ["aod"],
        "neither the old tree nor half a new one is left",
      );
      writeFileSync(join(layout.prefix, "dist/aod.mjs"), "damaged");
      await run("1.1.0");
      assert.equal(readFileSync(join(layout.prefix, "dist/aod.mjs"), "utf8"), "aod");
    }));

  it("leaves alone what has the name of a program and is not ours", () =>
    withDir(async (directory) => {
      const { layout, run, end } = world(directory);
      mkdirSync(layout.bin, { recursive: true });
      writeFileSync(join(layout.bin, "smbslower"), "somebody's");
      assert.ok((await run()).some((line) => line.startsWith("left      /usr/local/bin/smbslower")));
      await end();
      assert.equal(readFileSync(join(layout.bin, "smbslower"), "utf8"), "somebody's");
    }));

  it("refuses a checkout that is not built, before anything is changed", () =>
    withDir(async (directory) => {
      const { root, source, run } = world(directory);
      rmSync(join(source, "build/aod-probe"));
      await assert.rejects(run(), /is not built \(build\/aod-probe is missing\): npm run build/);
      assert.equal(existsSync(join(root, "usr")), false);
    }));

  it("lets the daemon write where the configuration puts its bundles", () => {
    assert.match(unitText(unit, "/srv/aod"), /^ProtectSystem=strict\n.*\nReadWritePaths=\/srv\/aod$/m);
    assert.doesNotMatch(unitText(unit, undefined), /^ReadWritePaths=/m);
  });
});

describe("aod uninstall", () => {
  it("leaves nothing but bundles", () =>
    withDir(async (directory) => {
      const { root, layout, system, run, end } = world(directory);
      await run();
      mkdirSync(join(layout.state, "bundles/.tmp-b/items"), { recursive: true });
      for (const name of ["incidents.ndjson", "bundles/a.tar.zst", "bundles/a.pin", "bundles/.b.tar.zst.part"]) {
        writeFileSync(join(layout.state, name), "x");
      }
      system.asked.length = 0;
      const said = await end();
      assert.deepEqual(filesIn(root).sort(), ["/var/lib/aod/bundles/a.pin", "/var/lib/aod/bundles/a.tar.zst"]);
      assert.ok(said.includes("kept      1 bundles in /var/lib/aod/bundles (--purge removes them)"));
      assert.deepEqual(system.asked, [
        "disable --quiet --now aod.service",
        "reset-failed aod.service",
        "daemon-reload",
        "groupdel",
      ]);
      assert.deepEqual((await end(true)).sort(), ["removed   /var/lib/aod"]);
      assert.deepEqual(filesIn(root), []);
    }));

  it("keeps a configuration that somebody wrote, and a group that was there before", () =>
    withDir(async (directory) => {
      const { layout, system, run, end } = world(directory);
      await system.makeGroup();
      await run();
      writeFileSync(join(layout.config, "aod.yaml"), "");
      const said = await end();
      assert.ok(said.includes("kept      /etc/aod: aod.yaml (--purge removes it)"), said.join("\n"));
      assert.deepEqual(readdirSync(layout.config), ["aod.yaml"]);
      assert.ok(!system.asked.includes("groupdel"));
    }));

  it("touches nothing of others in a directory that the configuration chose", () =>
    withDir(async (directory) => {
      const { root, run, end } = world(directory);
      await run();
      mkdirSync(join(root, "srv/bundles"), { recursive: true });
      for (const name of ["incidents.ndjson", "photos", "bundles/a.tar.zst", "bundles/notes"]) {
        writeFileSync(join(root, "srv", name), "x");
      }
      await end(true, "/srv");
      assert.deepEqual(filesIn(root).sort(), ["/srv/bundles/notes", "/srv/photos"]);
    }));

  it("undoes what a daemon that was killed left in the kernel, once none runs and before its notes go", () =>
    withDir(async (directory) => {
      const { layout, system, run, end } = world(directory);
      await run();
      mkdirSync(layout.state, { recursive: true });
      writeFileSync(join(layout.state, "switches.json"), "{}");
      const said = await end(false, "/var/lib/aod", () => {
        assert.ok(!system.active && existsSync(join(layout.state, "switches.json")));
        return { done: ["tracing instance aod-1-2"], failed: ["aod-3-4: EBUSY"] };
      });
      assert.ok(said.includes("put back  tracing instance aod-1-2"), said.join("\n"));
      assert.ok(said.includes("left      aod-3-4: EBUSY"));
    }));

  it("has nothing to do where nothing is", () =>
    withDir(async (directory) => {
      const { end, layout } = world(directory);
      assert.deepEqual(await end(), []);
      assert.equal(lstatSync(layout.prefix, { throwIfNoEntry: false }), undefined);
    }));
});
