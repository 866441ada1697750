import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isSmb, parseMounts, serversOf } from "./mounts.ts";

const fixtures = new URL("../../test/fixtures/evidence/", import.meta.url);

describe("the mount table", () => {
  for (const kernel of ["6.1", "6.12"]) {
    it(`of ${kernel} is read`, async () => {
      const mounts = parseMounts(await readFile(new URL(`${kernel}/proc/1/mounts`, fixtures), "utf8"));
      assert.deepEqual(
        mounts.map(({ source, target, type }) => [source, target, type]),
        [
          ["//127.0.0.1/share", "/mnt/c", "cifs"],
          ["//127.0.0.1/enc", "/mnt/e", "cifs"],
        ],
      );
      assert.ok(mounts.every(isSmb));
      assert.deepEqual([mounts[1]?.options.seal, mounts[1]?.options.vers], [true, "3.1.1"]);
      assert.deepEqual(serversOf(mounts), [{ address: "127.0.0.1", port: 445 }]);
    });
  }

  it("has escapes and ports undone", () => {
    const text = [
      "//s/a\\040b /mnt/\\303\\244 smb3 rw,addr=fe80::1%2,port=4450,username=a\\054b 0 0",
      "s:/x /mnt/n nfs4 rw,addr=10.0.0.2 0 0",
      "tmpfs /tmp tmpfs rw,addr=10.0.0.3 0 0",
      "",
    ].join("\n");
    const mounts = parseMounts(text);
    assert.deepEqual([mounts[0]?.source, mounts[0]?.target, mounts[0]?.options.username], ["//s/a b", "/mnt/ä", "a,b"]);
    assert.deepEqual(serversOf(mounts), [
      { address: "fe80::1%2", port: 4450 },
      { address: "10.0.0.2", port: 2049 },
    ]);
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => void serversOf(parseMounts(text))));
  });
});
