import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandCode, commandName, commandNames, findCommand } from "./commands.ts";

describe("SMB2 commands", () => {
  it("are found by name in any form and by number", () => {
    for (const text of [
      "SMB2_QUERY_INFO",
      "smb2_query_info",
      "query_info",
      "Query-Info",
      " QUERY_INFO ",
      "16",
      "0x10",
    ]) {
      assert.deepEqual(findCommand(text), { ok: true, code: 16 }, text);
    }
  });

  it("have names that lead back to their codes", () => {
    commandNames.forEach((name, code) => {
      assert.equal(commandName(code), name);
      assert.equal(commandCode(name), code);
      assert.deepEqual(findCommand(name), { ok: true, code });
    });
  });

  it("that MS-SMB2 does not name are OTHER", () => {
    assert.equal(commandName(19), "SMB2_OTHER");
    assert.equal(commandName(0xffff), "SMB2_OTHER");
  });

  it("that are misspelt get the nearest name, in the form that was typed", () => {
    assert.deepEqual(findCommand("wirte"), { ok: false, suggestion: "WRITE" });
    assert.deepEqual(findCommand("smb2_craete"), { ok: false, suggestion: "SMB2_CREATE" });
    assert.deepEqual(findCommand("change_notfy"), { ok: false, suggestion: "CHANGE_NOTIFY" });
  });

  it("that are nothing like a command get no suggestion", () => {
    for (const text of ["", "rm -rf", "20", "-1", "0x", "1.5"]) assert.equal(findCommand(text).ok, false, text);
    assert.deepEqual(findCommand("xyzzy"), { ok: false });
  });
});
