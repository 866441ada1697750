import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rawCallback, rawVfsOp } from "../probe/testing/make-vfs-frames.ts";
import { type VfsOp, vfsCallbackOf, vfsOpOf } from "../probe/vfs-op.ts";
import { pathOf, VfsMounts } from "./vfs-mounts.ts";

const mountinfo = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
40 22 0:45 / /mnt/with\\040space rw,relatime - cifs //127.0.0.1/share/dir rw,vers=3.1.1,addr=127.0.0.1
41 22 0:45 /sub /mnt/bind rw,relatime - cifs //127.0.0.1/share/dir rw,vers=3.1.1,addr=127.0.0.1
42 22 0:46 /deep /mnt/deep rw - cifs //srv/data rw,vers=3.0,addr=10.0.0.7
43 22 0:50 / /mnt/nfs rw - nfs4 srv.example:/export rw,vers=4.2,addr=10.0.0.9
44 22 0:51 / /mnt/six rw - nfs [fe80::1]:/export rw,vers=3,addr=fe80::1
`;

function opOn(device: number): VfsOp {
  const callback = vfsCallbackOf(rawCallback());
  assert.ok(callback);
  const { raw, text } = rawVfsOp({ device });
  return vfsOpOf(raw, callback, text, { protocol: "smb", paths: true });
}

function mountsOf(read: () => string | undefined) {
  let nowNs = 0;
  const reads = { count: 0 };
  const clock = { nowNs: () => nowNs, wallMs: () => 0 };
  const readProc = (path: string): string | undefined => {
    assert.equal(path, "self/mountinfo");
    reads.count++;
    return read();
  };
  return { mounts: new VfsMounts({ clock, readProc }), reads, pass: (s: number) => (nowNs += s * 1e9) };
}

describe("the mount of a call", () => {
  it("is that of its device: server, share, address, version, the first mount point", () => {
    const { mounts } = mountsOf(() => mountinfo);
    assert.deepEqual(mounts.of(opOn(45)), {
      server: "127.0.0.1",
      share: "\\\\127.0.0.1\\share",
      address: "127.0.0.1",
      device: "0:45",
      mountPoint: "/mnt/with space",
      root: "/",
      version: "3.1.1",
    });
    const nfs = mounts.of(opOn(50));
    assert.deepEqual([nfs.server, nfs.share, nfs.version], ["srv.example", "srv.example:/export", "4.2"]);
    assert.deepEqual([mounts.of(opOn(51)).server, mounts.of(opOn(51)).version], ["fe80::1", "3"]);
  });

  it("that is not known is looked for once a second, no oftener", () => {
    const { mounts, reads, pass } = mountsOf(() => mountinfo);
    assert.deepEqual(mounts.of(opOn(99)), { device: "0:99" });
    mounts.of(opOn(99));
    assert.equal(reads.count, 1);
    pass(1);
    mounts.of(opOn(99));
    assert.equal(reads.count, 2);
  });

  it("is looked at again after ten seconds, and remembered when it has gone", () => {
    let text = mountinfo;
    const { mounts, pass } = mountsOf(() => text);
    mounts.of(opOn(45));
    text = mountinfo.replaceAll("127.0.0.1/share", "127.0.0.1/other").replace(/^43.*\n/m, "");
    assert.equal(mounts.of(opOn(45)).share, "\\\\127.0.0.1\\share");
    pass(11);
    assert.equal(mounts.of(opOn(45)).share, "\\\\127.0.0.1\\other");
    assert.equal(mounts.of(opOn(50)).server, "srv.example");
  });

  it("is unknown where mountinfo cannot be read, or there is no device", () => {
    const { mounts } = mountsOf(() => undefined);
    assert.deepEqual(mounts.of(opOn(45)), { device: "0:45" });
    assert.deepEqual(mounts.of(opOn(0)), {});
  });
});

describe("the path of a call", () => {
  const cases = [
    ["/dir/file", "/mnt", "/", "/mnt/dir/file"],
    ["/", "/mnt", "/", "/mnt"],
    ["/deep/a", "/mnt/deep", "/deep", "/mnt/deep/a"],
    ["/deep", "/mnt/deep", "/deep", "/mnt/deep"],
    // Outside of what is mounted there: as the file system has it.
    ["/deeper/a", "/mnt/deep", "/deep", "/deeper/a"],
    ["/a", "/", "/", "/a"],
  ] as const;
  for (const [path, mountPoint, root, expected] of cases) {
    it(`${path} of ${root} at ${mountPoint} is ${expected}`, () => {
      assert.equal(pathOf({ name: "x", path }, { mountPoint, root }), expected);
    });
  }

  it("is not made up from a name", () => {
    assert.equal(pathOf({ name: "file" }, { mountPoint: "/mnt", root: "/" }), undefined);
    assert.equal(pathOf(undefined, {}), undefined);
  });
});
