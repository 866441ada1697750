import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type RpcOp, rpcOpOf } from "../probe/rpc-op.ts";
import { T0 } from "../probe/testing/make-frames.ts";
import { rawRpc } from "../probe/testing/make-rpc-frames.ts";
import { NfsMounts } from "./nfs-mounts.ts";

const mountinfo = `45 32 0:38 / /mnt/a rw,relatime - nfs4 srv:/ rw,vers=4.2,addr=192.0.2.7
46 32 0:39 /sub /mnt/b rw,relatime - nfs srv:/export rw,vers=3
47 32 0:40 / /mnt/with\\040blank rw - nfs srv:/c rw
`;

function op(device: number, file: string, path?: string): RpcOp {
  const found = rpcOpOf(rawRpc({ device, file }), T0, undefined, path);
  assert.ok(found);
  return found;
}

describe("the mounts of NFS", () => {
  const world = (readProc = (): string | undefined => mountinfo) => ({
    clock: { nowNs: () => T0, wallMs: () => 0 },
    readProc,
  });

  it("give an op its export", () => {
    assert.deepEqual(new NfsMounts(world()).of(op(39, "x")), { share: "srv:/export", device: "0:39" });
    assert.deepEqual(new NfsMounts(world()).of(op(99, "x")), { device: "0:99" });
    assert.deepEqual(new NfsMounts(world(() => undefined)).of(op(38, "x")), { device: "0:38" });
  });

  it("give a file its whole path", () => {
    const mounts = new NfsMounts(world());
    assert.equal(mounts.pathOf(op(38, "f", "d/e/f")), "/mnt/a/d/e/f");
    assert.equal(mounts.pathOf(op(40, "f", "f")), "/mnt/with blank/f");
    // What is mounted is a directory of the file system.
    assert.equal(mounts.pathOf(op(39, "f", "sub/f")), "/mnt/b/f");
    assert.equal(mounts.pathOf(op(39, "sub", "sub")), "/mnt/b");
    assert.equal(mounts.pathOf(op(39, "f", "elsewhere/f")), "elsewhere/f");
    assert.equal(mounts.pathOf(op(38, "/")), "/mnt/a");
  });

  it("leave a path that is not whole as it is", () => {
    const mounts = new NfsMounts(world());
    assert.equal(mounts.pathOf(op(38, "f", "…/e/f")), "…/e/f");
    assert.equal(mounts.pathOf(op(38, "f")), "f");
    assert.equal(mounts.pathOf(op(99, "f", "d/f")), "d/f");
  });

  it("are read at most once a second", () => {
    let reads = 0;
    let nowNs = T0;
    const clock = { nowNs: () => nowNs, wallMs: () => 0 };
    const mounts = new NfsMounts({
      clock,
      readProc: () => {
        reads++;
        return mountinfo;
      },
    });
    for (let device = 100; device < 110; device++) mounts.of(op(device, "x"));
    assert.equal(reads, 1);
    nowNs += 1e9;
    mounts.of(op(110, "x"));
    assert.equal(reads, 2);
  });
});
