import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findNfsStatus, kernelNumbers, rpcStatus, rpcStatusName } from "./status.ts";

const name = (version: number, tkStatus: number, replied = true): string =>
  rpcStatusName(rpcStatus(version, tkStatus, replied));

describe("how an RPC ended", () => {
  it("is a status of the server where the server has answered, by the client's own tables", () => {
    assert.deepEqual(rpcStatus(4, -2, true), { nfs: "NFS4ERR_NOENT", code: 2, errno: 2 });
    // Where the number of the status is not that of the errno.
    assert.deepEqual(rpcStatus(4, -116, true), { nfs: "NFS4ERR_STALE", code: 70, errno: 116 });
    assert.deepEqual(rpcStatus(3, -122, true), { nfs: "NFS3ERR_DQUOT", code: 69, errno: 122 });
    assert.deepEqual(rpcStatus(4, -40, true), { nfs: "NFS4ERR_SYMLINK", code: 10029, errno: 40 });
    assert.equal(name(3, -13), "NFS3ERR_ACCES");
    assert.equal(name(4, -13), "NFS4ERR_ACCESS");
    assert.equal(name(3, -528), "NFS3ERR_JUKEBOX");
  });

  it("is the server's number where the client has no errno for it; a caller sees what nfs4_map_errors() makes of it", () => {
    assert.deepEqual(rpcStatus(4, -10008, true), { nfs: "NFS4ERR_DELAY", code: 10008, errno: 5 });
    assert.deepEqual(rpcStatus(4, -10016, true), { nfs: "NFS4ERR_WRONGSEC", code: 10016, errno: 1 });
    assert.deepEqual(rpcStatus(4, -10099, true), { nfs: "10099", code: 10099, errno: 5 });
  });

  it("is an errno where there is no answer, whatever status has the same number", () => {
    assert.deepEqual(rpcStatus(4, -13, false), { errno: 13 });
    assert.equal(name(3, -110, false), "ETIMEDOUT");
    assert.equal(name(3, -512, false), "ERESTARTSYS");
    // Answered, but with what is no status: the client could not read it.
    assert.deepEqual(rpcStatus(4, -74, true), { errno: 74 });
  });

  it("is success with the number of bytes too", () => {
    assert.deepEqual(rpcStatus(4, 4096, true), { nfs: "NFS4_OK", code: 0, errno: 0 });
    assert.equal(name(3, 0), "NFS3_OK");
  });
});

describe("kernelNumbers", () => {
  it("has every number with which the kernel says a status", () => {
    assert.deepEqual(kernelNumbers(2), [2]);
    assert.deepEqual(kernelNumbers(70), [116]);
    assert.deepEqual(kernelNumbers(10_008).sort(), [10_008, 528]);
    assert.deepEqual(kernelNumbers(0), []);
    for (const version of [3, 4])
      for (let number = 1; number < 10_200; number++) {
        const { code } = rpcStatus(version, -number, true);
        if (code !== undefined) assert.ok(kernelNumbers(code).includes(number), `${version}: ${number} is ${code}`);
      }
  });
});

describe("findNfsStatus", () => {
  it("knows a status in every form", () => {
    for (const text of ["NFS4ERR_DELAY", "nfs3err_jukebox", "delay", "NFSERR_JUKEBOX", "10008", " Delay "]) {
      assert.deepEqual(findNfsStatus(text), { ok: true, code: 10008 }, text);
    }
    assert.deepEqual(findNfsStatus("ok"), { ok: true, code: 0 });
  });

  it("answers a wrong name with the nearest", () => {
    assert.deepEqual(findNfsStatus("stael"), { ok: false, suggestion: "STALE" });
    assert.deepEqual(findNfsStatus("something else entirely"), { ok: false });
  });
});
