import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findProcedure, procedureCode, procedureName } from "./procedures.ts";
import { isVersion, parseVersion, versionText } from "./versions.ts";

describe("procedures", () => {
  it("stand where the kernel's lists have them", () => {
    // NFS3PROC_COMMIT, NFSPROC4_CLNT_GETATTR and NFSPROC4_CLNT_READ_PLUS, the last that 5.10 has.
    assert.equal(procedureName(3, 21), "COMMIT");
    assert.equal(procedureName(4, 18), "GETATTR");
    assert.equal(procedureName(4, 68), "READ_PLUS");
    assert.equal(procedureName(4, 69), undefined);
    assert.equal(procedureCode(3, "READ"), 6);
    assert.equal(procedureCode(4, "READ"), 1);
    assert.equal(procedureCode(3, "OPEN"), undefined);
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
