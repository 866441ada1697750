import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { nativePaths } from "./paths.ts";

describe("nativePaths", () => {
  it("AOD_LIBEXEC_DIR goes first", () => {
    const paths = nativePaths({ AOD_LIBEXEC_DIR: "/usr/libexec/aod" });
    assert.equal(paths.probe, "/usr/libexec/aod/aod-probe");
    assert.equal(paths.object("smb_wire"), "/usr/libexec/aod/bpf/smb_wire.bpf.o");
  });

  it("otherwise they are in build/ of the checkout", () => {
    const root = dirname(dirname(nativePaths({}).probe));
    assert.ok(existsSync(join(root, "package.json")));
  });
});
