import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ClientSwitches } from "../switches/client-switches.ts";
import { controlText, fakeKernel, putProcess, putSwitches } from "../switches/testing/kernel.ts";
import { withDir } from "../system/fixture.ts";
import { put } from "./testing/tracefs.ts";
import { VerboseLogging } from "./verbose-logging.ts";

const S = 1e9;
const numbers = ["fs/cifs/cifsFYI", "sys/sunrpc/rpc_debug", "sys/sunrpc/nfs_debug", "sys/sunrpc/nlm_debug"];
const allOn = ["7", "0x7fff", "0xffff", "0x7fff"];
const allOff = ["0", "0x0000", "0x0000", "0x0000"];

const withSwitches = (
  work: (world: {
    readonly make: (pid?: number) => VerboseLogging;
    readonly values: () => readonly string[];
    readonly control: () => string;
    readonly dir: string;
    atNs: number;
  }) => void,
): Promise<void> =>
  withDir(async (dir) => {
    putSwitches(dir);
    putProcess(dir, 10, "100");
    putProcess(dir, 11, "110");
    const world = { atNs: 0 };
    const make = (pid = 10) => new VerboseLogging({ ...optionsOf(dir, pid), nowNs: () => world.atNs });
    const text = (name: string) => readFileSync(join(dir, "proc", name), "utf8");
    work(
      Object.assign(world, {
        make,
        dir,
        values: () => numbers.map((name) => text(name).trim()),
        control: () => text("dynamic_debug/control"),
      }),
    );
  });

const optionsOf = (dir: string, pid: number) => ({
  procRoot: join(dir, "proc"),
  sysRoot: join(dir, "sys"),
  stateFile: join(dir, "switches.json"),
  kernel: fakeKernel,
  pid,
});

describe("verbose logging", () => {
  it("is switched on for a time, and everything is put back", () =>
    withSwitches((world) => {
      const { make, values, control, dir } = world;
      const verbose = make();
      verbose.on(30 * S);
      assert.deepEqual(values(), allOn);
      assert.equal(control(), controlText.replace(/(\[cifs\]\S+) =_/g, "$1 =p"));
      assert.equal(verbose.status().switched.length, 5);
      world.atNs = 20 * S;
      verbose.on(30 * S);
      world.atNs = 49 * S;
      verbose.beat();
      assert.deepEqual(values(), allOn);
      world.atNs = 50 * S;
      verbose.beat();
      assert.deepEqual(values(), allOff);
      assert.equal(control(), controlText);
      assert.deepEqual([verbose.status().state, existsSync(join(dir, "switches.json"))], ["off", false]);
    }));

  it("is put back at the next start after kill -9, not after a boot", () =>
    withSwitches(({ make, values, dir }) => {
      make(10).on(30 * S);
      rmSync(join(dir, "proc/10"), { recursive: true });
      const next = make(11);
      assert.deepEqual([values(), next.status().state], [allOff, "off"]);
      assert.equal(next.status().put_back?.length, 5);
      make(10).on(30 * S);
      put(dir, "proc/sys/kernel/random/boot_id", "second\n");
      put(dir, "proc/fs/cifs/cifsFYI", "1\n");
      assert.equal(make(11).status().put_back, undefined);
      assert.equal(values()[0], "1");
    }));

  it("puts back exactly what somebody else had switched on, and leaves alone what they changed meanwhile", () =>
    withSwitches(({ make, values, control, dir }) => {
      const before = controlText.replace("cifs_get_tcp_session =_", "cifs_get_tcp_session =pmf");
      put(dir, "proc/dynamic_debug/control", before);
      put(dir, "proc/fs/cifs/cifsFYI", "1\n");
      const verbose = make();
      verbose.on(30 * S);
      assert.deepEqual(values(), allOn);
      put(dir, "proc/sys/sunrpc/rpc_debug", "0x0001\n");
      verbose.end();
      assert.deepEqual(values(), ["1", "0x0001", "0x0000", "0x0000"]);
      assert.equal(control(), before);
    }));

  it("switches nothing that it could not write down", () =>
    withSwitches(({ make, values, dir }) => {
      const verbose = make();
      mkdirSync(join(dir, "switches.json"));
      verbose.on(30 * S);
      assert.deepEqual([values(), verbose.status().state], [allOff, "off"]);
      assert.match(verbose.status().errors?.at(-1) ?? "", /nothing was switched/);
    }));

  it("forgets what went with its module, and does without modules", () =>
    withSwitches(({ make, dir }) => {
      const verbose = make();
      verbose.on(30 * S);
      rmSync(join(dir, "proc/fs"), { recursive: true });
      verbose.end();
      assert.deepEqual([verbose.status().state, verbose.status().errors], ["off", undefined]);
      for (const name of ["sys/sunrpc", "dynamic_debug"]) rmSync(join(dir, "proc", name), { recursive: true });
      verbose.on(30 * S);
      assert.equal(verbose.status().state, "off");
    }));

  it("shares the switches with aod debug: they go off with the last who wants them", () =>
    withSwitches((world) => {
      const { make, values, control, dir } = world;
      const debug = new ClientSwitches({ ...optionsOf(dir, 11), nowNs: () => world.atNs });
      debug.hold("aod debug", ["nfs"], 100 * S);
      assert.deepEqual(values(), ["0", "0x7fff", "0xffff", "0x7fff"]);
      const verbose = make(10);
      verbose.on(30 * S);
      assert.deepEqual(values(), allOn);
      world.atNs = 30 * S;
      verbose.beat();
      assert.deepEqual(values(), ["0", "0x7fff", "0xffff", "0x7fff"]);
      assert.equal(control(), controlText);
      debug.release();
      assert.deepEqual(values(), allOff);
    }));

  it("waits while somebody else is at the switches", () =>
    withSwitches(({ make, values, dir }) => {
      const lock = join(dir, "switches.json.lock");
      put(dir, "switches.json.lock", JSON.stringify({ pid: 11, started: "110", boot: "first" }));
      const verbose = make(10);
      verbose.on(30 * S);
      assert.deepEqual(values(), allOff);
      rmSync(lock);
      verbose.beat();
      assert.deepEqual(values(), allOn);
      verbose.end();
      assert.deepEqual(values(), allOff);
    }));
});
