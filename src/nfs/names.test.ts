import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findProcedure, procedureCodes, procedureName } from "./procedures.ts";
import { isVersion, parseVersion, versionText } from "./versions.ts";

describe("procedures", () => {
  it("stand where the kernel's lists have them", () => {
    // NFS3PROC_COMMIT, NFSPROC4_CLNT_GETATTR and NFSPROC4_CLNT_READ_PLUS, the last that 5.10 has.
    assert.equal(procedureName(3, 21), "COMMIT");
    assert.equal(procedureName(4, 18), "GETATTR");
    assert.equal(procedureName(4, 68), "READ_PLUS");
    assert.equal(procedureName(4, 69), undefined);
    assert.deepEqual(procedureCodes(3, "READ"), [6]);
    assert.deepEqual(procedureCodes(4, "READ"), [1]);
    assert.deepEqual(procedureCodes(3, "OPEN"), []);
  });

  it("behind DEALLOCATE may stand one further, since 7.2 has ZERO_RANGE between", () => {
    assert.deepEqual(procedureCodes(4, "DEALLOCATE"), [56]);
    assert.deepEqual(procedureCodes(4, "LAYOUTSTATS"), [57, 58]);
    assert.deepEqual(procedureCodes(4, "READ_PLUS"), [68, 69]);
    assert.deepEqual(procedureCodes(3, "COMMIT"), [21]);
  });

  it("are found as people write them", () => {
    for (const text of ["read", "READ", "NFSPROC4_CLNT_READ", " Read"]) {
      assert.deepEqual(findProcedure(text), { ok: true, name: "READ" }, text);
    }
    assert.deepEqual(findProcedure("open-noattr"), { ok: true, name: "OPEN_NOATTR" });
    assert.deepEqual(findProcedure("wirte"), { ok: false, suggestion: "WRITE" });
  });
});

describe("versions of NFS", () => {
  it("are what people write", () => {
    assert.deepEqual(parseVersion("3"), { major: 3 });
    assert.deepEqual(parseVersion("v4.1"), { major: 4, minor: 1 });
    assert.deepEqual(parseVersion("nfs4"), { major: 4 });
    for (const text of ["", "2", "5", "4.3", "3.0", "4.", "four"]) assert.equal(parseVersion(text), undefined, text);
    assert.deepEqual([versionText(3), versionText(4), versionText(4, 0)], ["3", "4", "4.0"]);
  });

  it("4 means all of NFSv4, and alone what does not know its minor version", () => {
    assert.ok(isVersion({ major: 4 }, 4, 2) && isVersion({ major: 4 }, 4) && isVersion({ major: 4, minor: 0 }, 4, 0));
    assert.ok(!isVersion({ major: 4, minor: 0 }, 4) && !isVersion({ major: 4, minor: 0 }, 4, 1));
    assert.ok(!isVersion({ major: 4 }, 3));
  });
});
