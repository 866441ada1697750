import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findStatus, isFailure, knownStatuses, statusErrno, statusName } from "./status.ts";

describe("NTSTATUS codes", () => {
  it("have the name of MS-ERREF and the errno of the kernel's client", () => {
    const cases: readonly (readonly [number, string, number])[] = [
      [0x0000_0000, "STATUS_SUCCESS", 0],
      [0xc000_0022, "STATUS_ACCESS_DENIED", 13],
      [0xc000_0034, "STATUS_OBJECT_NAME_NOT_FOUND", 2],
      [0xc000_0043, "STATUS_SHARING_VIOLATION", 16],
      [0xc000_0203, "STATUS_USER_SESSION_DELETED", 5],
      [0xc000_00c9, "STATUS_NETWORK_NAME_DELETED", 78],
      [0x8000_0006, "STATUS_NO_MORE_FILES", 61],
      [0xc000_009a, "STATUS_INSUFFICIENT_RESOURCES", 11],
    ];
    for (const [code, name, errno] of cases) {
      assert.equal(statusName(code), name);
      assert.equal(statusErrno(code), errno, name);
    }
  });

  it("that the client does not know are shown as numbers, and are EIO to it", () => {
    assert.equal(statusName(0xc0ff_0001), "0xc0ff0001");
    assert.equal(statusErrno(0xc0ff_0001), 5);
  });

  it("that are seldom met have their names too", () => {
    assert.deepEqual(findStatus("debugger_inactive"), { ok: true, code: 0xc000_0354 });
    assert.equal(statusName(0xc000_0003), "STATUS_INVALID_INFO_CLASS");
    assert.equal(statusName(0xc000_0354), "STATUS_DEBUGGER_INACTIVE");
    assert.equal(statusErrno(0xc000_0354), 5);
    assert.deepEqual(findStatus("acess_denied"), { ok: false, suggestion: "STATUS_ACCESS_DENIED" });
  });

  it("of severity error are failures, but that of an unfinished SESSION_SETUP", () => {
    const codes = [0, 0x103, 0x8000_0006, 0xc000_0016, 0xc000_0011, 0xc000_0022];
    assert.deepEqual(codes.map(isFailure), [false, false, false, false, true, true]);
  });

  it("are found by name in any form and by number", () => {
    for (const text of [
      "STATUS_ACCESS_DENIED",
      "access_denied",
      "Access-Denied",
      "0xC0000022",
      "3221225506",
      "NT_STATUS_ACCESS_DENIED",
    ]) {
      assert.deepEqual(findStatus(text), { ok: true, code: 0xc000_0022 }, text);
    }
    assert.deepEqual(findStatus("acess_denied"), { ok: false, suggestion: "STATUS_ACCESS_DENIED" });
    assert.deepEqual(findStatus("0x1ffffffff"), { ok: false });
  });

  it("have each one name and one code", () => {
    assert.ok(knownStatuses().size >= 1600);
    for (const { code, name } of knownStatuses().values()) assert.deepEqual(findStatus(name), { ok: true, code });
  });
});
