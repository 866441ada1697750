import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../system/fixture.ts";
import { put } from "./testing/tracefs.ts";
import { VerboseLogging } from "./verbose-logging.ts";

const S = 1e9;
const control = `fs/smb/client/connect.c:100 [cifs]cifs_demultiplex_thread =_ "received\\n"\n`.replace(
  "[cifs]",
  " [cifs]",
);

const withSwitches = (
  work: (world: {
    readonly make: () => VerboseLogging;
    readonly text: (name: string) => string;
    readonly dir: string;
    atNs: number;
  }) => void,
): Promise<void> =>
  withDir(async (dir) => {
    put(dir, "proc/fs/cifs/cifsFYI", "0\n");
    put(dir, "proc/sys/sunrpc/rpc_debug", "0x0000\n");
    put(dir, "proc/sys/sunrpc/nfs_debug", "0x0000\n");
    put(dir, "proc/dynamic_debug/control", control);
    put(dir, "proc/sys/kernel/random/boot_id", "first\n");
    const world = { atNs: 0 };
    const make = () =>
      new VerboseLogging({
        procRoot: join(dir, "proc"),
        sysRoot: join(dir, "sys"),
        stateFile: join(dir, "switches.json"),
        nowNs: () => world.atNs,
      });
    work(
      Object.assign(world, {
        make,
        dir,
        text: (name: string) => readFileSync(join(dir, "proc", name), "utf8").split("\n", 1)[0] ?? "",
      }),
    );
  });

describe("verbose logging", () => {
  it("is switched on for a time, and everything is put back", () =>
    withSwitches((world) => {
      const { make, text, dir } = world;
      const verbose = make();
      verbose.on(30 * S);
      assert.deepEqual(
        ["fs/cifs/cifsFYI", "sys/sunrpc/rpc_debug", "sys/sunrpc/nfs_debug", "dynamic_debug/control"].map(text),
        ["7", "0x7fff", "0xffff", "module cifs +p"],
      );
      assert.equal(verbose.status().switched.length, 4);
      world.atNs = 20 * S;
      verbose.on(30 * S);
      world.atNs = 49 * S;
      verbose.beat();
      assert.equal(text("fs/cifs/cifsFYI"), "7");
      world.atNs = 50 * S;
      verbose.beat();
      assert.deepEqual(
        ["fs/cifs/cifsFYI", "sys/sunrpc/rpc_debug", "sys/sunrpc/nfs_debug", "dynamic_debug/control"].map(text),
        ["0", "0x0000", "0x0000", "module cifs -p"],
      );
      assert.deepEqual([verbose.status().state, existsSync(join(dir, "switches.json"))], ["off", false]);
    }));

  it("is put back at the next start after kill -9, not after a boot", () =>
    withSwitches(({ make, text, dir }) => {
      make().on(30 * S);
      const next = make();
      assert.deepEqual([text("fs/cifs/cifsFYI"), next.status().state], ["0", "off"]);
      assert.equal(next.status().put_back?.length, 4);
      make().on(30 * S);
      put(dir, "proc/sys/kernel/random/boot_id", "second\n");
      put(dir, "proc/fs/cifs/cifsFYI", "1\n");
      assert.equal(make().status().put_back, undefined);
      assert.equal(text("fs/cifs/cifsFYI"), "1");
    }));

  it("leaves alone what somebody else has switched on", () =>
    withSwitches(({ make, text, dir }) => {
      put(dir, "proc/fs/cifs/cifsFYI", "1\n");
      put(dir, "proc/dynamic_debug/control", control.replace("=_", "=p"));
      const verbose = make();
      verbose.on(30 * S);
      assert.deepEqual([text("fs/cifs/cifsFYI"), text("sys/sunrpc/nfs_debug")], ["1", "0xffff"]);
      assert.match(text("dynamic_debug/control"), /=p/);
      verbose.end();
      assert.deepEqual([text("fs/cifs/cifsFYI"), text("sys/sunrpc/nfs_debug")], ["1", "0x0000"]);
    }));

  it("switches nothing that it could not write down", () =>
    withSwitches(({ make, text, dir }) => {
      const verbose = make();
      mkdirSync(join(dir, "switches.json"));
      verbose.on(30 * S);
      assert.deepEqual([text("fs/cifs/cifsFYI"), verbose.status().state], ["0", "off"]);
      assert.match(verbose.status().errors?.[0] ?? "", /nothing was switched/);
    }));

  it("forgets what went with its module, and does without modules", () =>
    withSwitches(({ make, dir }) => {
      const verbose = make();
      verbose.on(30 * S);
      rmSync(join(dir, "proc/fs"), { recursive: true });
      verbose.end();
      assert.deepEqual([verbose.status().state, verbose.status().errors], ["off", undefined]);
      rmSync(join(dir, "proc/sys/sunrpc"), { recursive: true });
      verbose.on(30 * S);
      assert.equal(verbose.status().state, "off");
      chmodSync(dir, 0o700);
    }));
});
