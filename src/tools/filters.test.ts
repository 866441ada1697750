import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OpBase } from "../probe/op.ts";
import { filtersOf, type Protocol } from "./filters.ts";
import type { Target } from "./op.ts";
import type { CommonOptions } from "./options.ts";

const mountinfo = [
  "22 1 254:1 / / rw - ext4 /dev/vda1 rw",
  "45 22 0:44 / /mnt/share rw - cifs //SRV/Share/sub rw,addr=10.0.0.1",
  "46 22 0:45 / /mnt/nfs rw - nfs4 srv:/export rw",
].join("\n");

const world = {
  clock: { nowNs: () => 0, wallMs: () => 0 },
  readProc: (path: string) =>
    ({ "self/mountinfo": mountinfo, "7/status": "Name:\tx\nTgid:\t7\n", "8/status": "Tgid:\t7\n" })[path],
};

const op: OpBase = { seq: 1, startedNs: 0, latencyUs: 1, pid: 7, tid: 8, comm: "dd", uid: 1000, cgroupId: 5n };

function passes(options: Partial<CommonOptions<OpBase>>, target: Target = {}, protocol: Protocol = "smb"): boolean {
  return filtersOf({ format: "text", verbose: false, ...options }, protocol, world, "/mnt/share").op(op, target);
}

describe("the filters of all tools", () => {
  it("compare who asked", () => {
    const yes = [{}, { pid: 7 }, { comm: "dd" }, { uid: "1000" }, { cgroup: "5" }, { pid: 7, comm: "dd", uid: "1000" }];
    assert.deepEqual(
      yes.map((options) => passes(options)),
      yes.map(() => true),
    );
    const no = [{ comm: "d" }, { uid: "root" }, { cgroup: "6" }, { pid: 7, uid: "1" }];
    assert.deepEqual(
      no.map((options) => passes(options)),
      no.map(() => false),
    );
  });

  it("know a share by every name that it has", () => {
    const smb = { server: "srv", address: "10.0.0.1", share: "\\\\SRV\\Share" };
    for (const share of ["share", "//srv/share", "\\\\srv\\SHARE", "//srv/share/"])
      assert.ok(passes({ share }, smb), share);
    for (const share of ["hare", "//srv/other", "/share", "srv"]) assert.equal(passes({ share }, smb), false, share);
    const nfs = { server: "srv", share: "srv:/data/export" };
    for (const share of ["srv:/data/export", "/data/export", "export"]) assert.ok(passes({ share }, nfs, "nfs"), share);
    assert.equal(passes({ share: "/export" }, nfs, "nfs"), false);
    assert.equal(passes({ share: "share" }, {}), false, "what has no share is not shown");
  });

  it("know a server by name and by address", () => {
    const smb = { server: "srv", address: "10.0.0.1" };
    assert.deepEqual(
      ["SRV", "10.0.0.1", "other"].map((server) => passes({ server }, smb)),
      [true, true, false],
    );
  });

  it("--mount goes by the device, else by the share, without touching the mount", () => {
    assert.ok(passes({ mount: "/mnt/share/deep/er" }, { device: "0:44" }));
    assert.ok(passes({ mount: "deep" }, { share: "\\\\srv\\share" }));
    assert.equal(passes({ mount: "." }, { device: "0:99", share: "\\\\srv\\share" }), false);
    assert.equal(passes({ mount: "." }, { share: "\\\\srv\\shar" }), false);
    assert.ok(passes({ mount: "/mnt/nfs" }, { share: "srv:/export" }, "nfs"));
  });

  it("what does not exist is told in one line", () => {
    const wrong = (options: Partial<CommonOptions<OpBase>>, message: RegExp): void => {
      assert.throws(
        () => passes(options),
        (error: Error & { code?: string }) => error.code === "usage" && message.test(error.message),
      );
    };
    wrong({ pid: 9 }, /^there is no process 9$/);
    wrong({ pid: 8 }, /^8 is a thread of process 7/);
    wrong({ uid: "nobody-at-all" }, /^there is no user/);
    wrong({ cgroup: "/no/such" }, /^there is no cgroup/);
    wrong({ mount: "/mnt" }, /^\/mnt is not on an SMB mount: it is on ext4 at \/$/);
    wrong({ mount: "/mnt/nfs" }, /is on nfs4 at \/mnt\/nfs$/);
  });

  it("a process of a recording need not be here", () => {
    assert.equal(passes({ pid: 9, replay: "file" }), false);
  });

  it("tasks that wait are shown unless something is asked that is not known of them", () => {
    const waiter = { kind: "credits", tid: 8, pid: 7, comm: "dd", sinceNs: 0 } as const;
    const shown = (options: Partial<CommonOptions<OpBase>>): boolean =>
      filtersOf({ format: "text", verbose: false, ...options }, "smb", world, "/").waiter(waiter, { server: "srv" });
    assert.deepEqual(
      [{}, { pid: 7 }, { server: "srv" }, { uid: "1000" }, { cgroup: "5" }, { share: "x" }, { comm: "y" }].map(shown),
      [true, true, true, false, false, false, false],
    );
  });
});
