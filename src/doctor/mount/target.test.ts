import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { parseMountOptions } from "./options.ts";
import { parseMountTarget, targetText } from "./target.ts";

test("what people write for a share or an export is understood", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["//files/share", "//files/share"],
    ["//files/share/dir/sub/", "//files/share/dir/sub"],
    ["\\\\files\\share\\dir", "//files/share/dir"],
    ["smb://someone@files/share", "//files/share"],
    ["//[fe80::1]/share", "//fe80::1/share"],
    ["files:/srv/data", "files:/srv/data"],
    ["[2001:db8::1]:/srv", "[2001:db8::1]:/srv"],
    ["nfs://files/srv", "files:/srv"],
  ];
  for (const [written, meant] of cases) assert.equal(targetText(parseMountTarget(written)), meant);
  for (const wrong of ["files", "/mnt/x", "//files", "//files/"])
    assert.throws(() => parseMountTarget(wrong), { code: "usage" }, wrong);
});

test("options keep their order and their last value; what is secret in them shows nowhere", () => {
  const options = parseMountOptions("vers=2.1,seal,password=hunter2,user=DOM/me%hunter3,noseal,vers=3.0,port=4450");
  assert.equal(options.value("vers"), "3.0");
  assert.equal(options.value("user", "username"), "DOM/me");
  assert.equal(options.isOn("seal"), false);
  assert.equal(options.has("password"), true);
  assert.equal(options.password?.reveal(), "hunter3");
  const shown = [String(options), JSON.stringify(options), inspect(options, { depth: 9, showHidden: true })];
  for (const text of shown) assert.doesNotMatch(text, /hunter/);
});
