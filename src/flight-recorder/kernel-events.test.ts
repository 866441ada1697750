import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../system/fixture.ts";
import { KernelEvents, type KernelEventsOptions } from "./kernel-events.ts";
import { PageStore } from "./page-store.ts";
import { eventIds, fakeTracefs, page, put } from "./testing/tracefs.ts";
import { removeLeftovers } from "./trace-instance.ts";

const S = 1e9;
const stat = (start: number): string => `9 (aod) S 1 ${"0 ".repeat(17)}${start} 0`;

interface World {
  readonly root: string;
  readonly events: KernelEvents;
  readonly instance: string;
  atNs: number;
}

const withEvents = (work: (world: World) => Promise<void>, change: Partial<KernelEventsOptions> = {}): Promise<void> =>
  withDir(async (dir) => {
    const { root, directories } = fakeTracefs(join(dir, "sys"));
    put(dir, "proc/77/stat", stat(4242));
    const world = { atNs: 100 * S };
    const clock = { nowNs: () => world.atNs, wallMs: () => 0 };
    const events = new KernelEvents({
      sysRoot: join(dir, "sys"),
      procRoot: join(dir, "proc"),
      pid: 77,
      clock,
      enabled: true,
      all: false,
      maxBytes: 1024 * 1024,
      maxAgeNs: 60 * S,
      cpus: 2,
      directories,
      ...change,
    });
    await work(Object.assign(world, { root, events, instance: join(root, "instances/aod-77-4242") }));
  });

async function dump(events: KernelEvents): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of events.dump()) pieces.push(piece);
  return Buffer.concat(pieces);
}

const fill = ({ instance }: World, cpu: number, ...pages: Buffer[]): void =>
  writeFileSync(join(instance, `per_cpu/cpu${cpu}/trace_pipe_raw`), Buffer.concat(pages));

describe("kernel events", () => {
  it("have an instance of their own, with a bounded ring, and only what is rare is switched on", () =>
    withEvents(async ({ events, instance, root }) => {
      const setting = (file: string): string => readFileSync(join(instance, file), "utf8");
      assert.deepEqual(["buffer_size_kb", "options/overwrite", "trace_clock", "tracing_on"].map(setting), [
        "512",
        "1",
        "mono",
        "1",
      ]);
      assert.deepEqual(
        ["smb3_reconnect", "smb3_credit_timeout", "smb3_enter"].map((name) => setting(`events/cifs/${name}/enable`)),
        ["1", "1", "0"],
      );
      assert.deepEqual([events.status().state, events.status().events, events.lost], ["recording", 2, 4]);
      events.end();
      assert.deepEqual(readdirSync(join(root, "instances")), []);
    }));

  it("of every kind when the configuration asks for it", () =>
    withEvents(
      async ({ events, instance }) => {
        assert.equal(readFileSync(join(instance, "events/cifs/smb3_enter/enable"), "utf8"), "1");
        assert.equal(events.status().events, 3);
      },
      { all: true },
    ));

  it("are switched on for a module that is loaded later", () =>
    withEvents(async (world) => {
      put(world.instance, "events/nfs4/nfs4_state_mgr_failed/enable", "0");
      world.events.beat();
      assert.equal(world.events.status().events, 3);
      rmSync(join(world.instance, "events/nfs4"), { recursive: true });
      world.atNs += 6 * S;
      world.events.beat();
      assert.equal(world.events.status().events, 2);
    }));

  it("are a file that trace-cmd reads; remnants of older events are not in it", (t) =>
    withEvents(async (world) => {
      fill(world, 0, page(90 * S, eventIds.smb3_reconnect, 41n), page(95 * S, eventIds.smb3_credit_timeout, 42n));
      fill(world, 1, page(93 * S, eventIds.smb3_reconnect, 43n));
      const file = await dump(world.events);
      assert.equal(file.length % 4096, 0);
      assert.ok(!file.includes("remnant"));
      const path = join(world.root, "events.dat");
      writeFileSync(path, file);
      const { error, status, stdout, stderr } = spawnSync("trace-cmd", ["report", "-i", path], { encoding: "utf8" });
      if (error !== undefined) return t.skip("trace-cmd is not installed");
      assert.equal(status, 0, stderr);
      const lines = stdout
        .split("\n")
        .flatMap((line) => /(\S+)-77 .* (\d+\.\d+): +(\w+): +(.*)/.exec(line)?.slice(1).join(" ") ?? []);
      assert.deepEqual(lines, [
        "dd 90.000000 smb3_reconnect current_mid=41 credits=3",
        "dd 93.000000 smb3_reconnect current_mid=43 credits=3",
        "dd 95.000000 smb3_credit_timeout current_mid=42 credits=3",
      ]);
    }));

  it("are there for the next incident too, until they are too old", () =>
    withEvents(async (world) => {
      fill(world, 0, page(90 * S, eventIds.smb3_reconnect, 41n));
      const first = await dump(world.events);
      fill(world, 0);
      assert.deepEqual(await dump(world.events), first);
      world.atNs += 60 * S;
      assert.ok((await dump(world.events)).length < first.length);
    }));

  it("do without tracefs, without leave to write, and when they are off", async () => {
    await withEvents(
      async ({ events }) => {
        assert.deepEqual([events.status().state, events.status().why], ["off", undefined]);
        assert.equal((await dump(events)).length, 0);
      },
      { enabled: false },
    );
    await withEvents(
      async ({ events }) => {
        assert.deepEqual([events.status().state, events.recording], ["unavailable", false]);
        assert.match(events.status().why ?? "", /no tracefs/);
      },
      { sysRoot: "/nowhere" },
    );
    // A sandbox refuses it; what a kernel that is locked down says is EINVAL.
    for (const code of ["EPERM", "EINVAL"]) {
      const refused = (): never => {
        throw Object.assign(new Error(`${code}: refused`), { code });
      };
      await withEvents(async ({ events }) => assert.match(events.status().why ?? "", /lockdown/), {
        directories: { make: refused, remove: refused },
      });
    }
  });

  it("of daemons that were killed are removed at the next start, not those of one that runs", () =>
    withDir(async (dir) => {
      const [sysRoot, procRoot] = [join(dir, "sys"), join(dir, "proc")];
      const { root, directories } = fakeTracefs(sysRoot);
      put(procRoot, "50/stat", stat(1000));
      put(procRoot, "51/stat", stat(1001));
      for (const name of ["aod-50-1000", "aod-51-999", "aod-52-5", "perf", "aod-mine"])
        directories.make(join(root, "instances", name));
      assert.deepEqual(removeLeftovers({ sysRoot, procRoot, directories }).removed.toSorted(), [
        "aod-51-999",
        "aod-52-5",
      ]);
      assert.ok(existsSync(join(root, "instances/aod-50-1000")) && existsSync(join(root, "instances/aod-mine")));
      const busy = { ...directories, remove: () => assert.fail("EBUSY") };
      directories.make(join(root, "instances/aod-53-1"));
      assert.deepEqual(removeLeftovers({ sysRoot, procRoot, directories: busy }).failed, ["aod-53-1: EBUSY"]);
    }));
});

describe("pages that were taken out of the ring", () => {
  it("are bounded in bytes, and the loss is counted", () => {
    const store = new PageStore({ maxBytes: 3 * 4096, maxAgeNs: 60 * S });
    for (let index = 0; index < 5; index++) store.add(index % 2, page(index * S, 1, 1n), 5 * S);
    assert.deepEqual([store.bytes, store.dropped], [3 * 4096, 2]);
    assert.deepEqual(
      [0, 1].map((cpu) => store.of(cpu).map((one) => Number(one.readBigUInt64LE(0)) / S)),
      [[2, 4], [3]],
    );
  });
});
