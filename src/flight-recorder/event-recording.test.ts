import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../system/fixture.ts";
import { chooseEvents, eventsOf } from "./event-names.ts";
import { EventRecording } from "./event-recording.ts";
import { eventIds, fakeTracefs, page, put } from "./testing/tracefs.ts";
import { missedIn } from "./trace-page.ts";

const all = [
  "cifs/smb3_reconnect",
  "cifs/smb3_cmd_enter",
  "cifs/smb3_cmd_done",
  "sched/sched_switch",
  "nfs4/nfs4_renew",
];

describe("the names of events", () => {
  it("are systems, events, events of a system, patterns; without one all of the clients", () => {
    const chosen = (...asked: string[]) => chooseEvents(all, asked);
    assert.deepEqual(chosen(), ["cifs/smb3_reconnect", "cifs/smb3_cmd_enter", "cifs/smb3_cmd_done", "nfs4/nfs4_renew"]);
    assert.deepEqual(chosen("cifs"), all.slice(0, 3));
    assert.deepEqual(chosen("smb3_reconnect", "cifs:smb3_reconnect", "cifs/smb3_*"), all.slice(0, 3));
    assert.deepEqual(chosen("sched:sched_switch"), ["sched/sched_switch"]);
  });

  it("that are none are refused with those that are near", () => {
    const refused = (asked: string) => () => chooseEvents(all, [asked]);
    assert.throws(refused("smb3_reconect"), {
      code: "usage",
      message: /there is no event "smb3_reconect": did you mean "smb3_reconnect"\?/,
    });
    assert.throws(refused("cmd_"), { message: /did you mean "smb3_cmd_enter", "smb3_cmd_done"\?/ });
    assert.throws(refused("nfs:nfs_x"), { code: "failed", message: /the module nfs is not loaded/ });
    assert.throws(refused("wholly-else"), { message: /ls \/sys\/kernel\/tracing\/events/ });
    assert.throws(() => chooseEvents(["sched/sched_switch"], []), {
      code: "failed",
      message: /neither the cifs nor the nfs module/,
    });
  });
});

const withRecording = (
  work: (dir: string, make: (file?: string) => EventRecording, tracefs: string) => Promise<void>,
) =>
  withDir(async (dir) => {
    const { root, directories } = fakeTracefs(join(dir, "sys"));
    mkdirSync(join(dir, "out"));
    const make = (file = join(dir, "out/events.dat")) =>
      new EventRecording({
        ...{ tracefs: root, sysRoot: join(dir, "sys"), procRoot: join(dir, "proc"), pid: 77, directories, file },
        ...{ events: eventsOf(root), bufferKib: 64, maxBytes: 1 << 20 },
      });
    await work(dir, make, root);
  });

describe("a recording of events", () => {
  it("is a trace.dat for its owner alone, with every loss; the instance and the pieces go", () =>
    withRecording(async (dir, make) => {
      const recording = make();
      const { path } = recording.instance;
      assert.deepEqual(recording.instance.enabled, ["cifs/smb3_credit_timeout", "cifs/smb3_reconnect"]);
      const missed = page(2000, eventIds.smb3_reconnect, 8n);
      // The kernel says that 5 events were overwritten before this page.
      missed.writeUInt32LE((missed.readUInt32LE(8) | 0xc000_0000) >>> 0, 8);
      missed.writeBigUInt64LE(5n, 16 + 24);
      put(path, "per_cpu/cpu0/trace_pipe_raw", page(1000, eventIds.smb3_reconnect, 7n));
      put(path, "per_cpu/cpu1/trace_pipe_raw", missed);
      // Little is in the rings: nobody takes it before the end.
      recording.beat();
      assert.equal(recording.bytes, 0);
      assert.deepEqual(await recording.end(), { overwritten: 5, unknown: 0, dropped: 4 });
      assert.equal(recording.remove(), undefined);
      const file = join(dir, "out/events.dat");
      const bytes = readFileSync(file);
      assert.ok(bytes.subarray(3, 10).equals(Buffer.from("tracing")));
      assert.equal(bytes.length % 4096, 0);
      assert.ok(!bytes.includes("remnant"), "nothing of what the page held before");
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(join(dir, "out")), ["events.dat"]);
      assert.ok(!existsSync(path), "the instance");
    }));

  it("takes what is in a ring that fills, and is full at its limit", () =>
    withRecording(async (_dir, make) => {
      const recording = make();
      const { path } = recording.instance;
      put(path, "per_cpu/cpu0/stats", "entries: 3\nbytes: 60000\n");
      put(
        path,
        "per_cpu/cpu0/trace_pipe_raw",
        Buffer.concat(Array.from({ length: 256 }, (_, at) => page(at, 1500, 1n))),
      );
      recording.beat();
      assert.ok(recording.full);
      recording.remove();
    }));

  it("writes over no file, and leaves nothing behind when it cannot begin", () =>
    withRecording(async (dir, make, tracefs) => {
      const file = join(dir, "out/events.dat");
      put(dir, "out/events.dat", "mine");
      assert.throws(() => make(), { code: "EEXIST" });
      assert.equal(readFileSync(file, "utf8"), "mine");
      const other = join(dir, "out/other.dat");
      put(tracefs, "instances/aod-77-0/x", "");
      const broken = () =>
        new EventRecording({
          ...{ tracefs: join(dir, "nowhere"), sysRoot: dir, procRoot: dir, pid: 77, file: other },
          ...{ events: [], bufferKib: 64, maxBytes: 1 << 20 },
        });
      assert.throws(broken);
      assert.deepEqual(readdirSync(join(dir, "out")), ["events.dat"]);
    }));
});

describe("a page of a ring", () => {
  it("tells what was overwritten before it, where the kernel had room to", () => {
    const one = page(1, 1500, 1n);
    assert.equal(missedIn(one), 0);
    one.writeUInt32LE((one.readUInt32LE(8) | 0x8000_0000) >>> 0, 8);
    assert.equal(missedIn(one), "unknown");
  });
});
