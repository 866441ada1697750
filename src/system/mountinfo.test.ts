import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { mountOf, parseMountinfo } from "./mountinfo.ts";

const text = [
  "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw",
  "45 22 0:44 / /mnt/share rw,relatime shared:2 master:1 - cifs //127.0.0.1/share rw,vers=3.1.1,addr=127.0.0.1",
  "46 22 0:45 /sub /mnt/a\\040b rw - smb3 //srv/with\\040space rw",
  "47 45 0:46 / /mnt/share/nfs rw - nfs4 srv:/export rw",
  "48 22 0:47 / /mnt/share rw - tmpfs over rw",
  "what is this",
  "",
].join("\n");
const mounts = parseMountinfo(text);

describe("mountinfo", () => {
  it("is read with its optional fields and escapes", () => {
    assert.equal(mounts.length, 5);
    assert.deepEqual([mounts[1]?.shared, mounts[1]?.master, mounts[3]?.shared], [2, 1, undefined]);
    assert.deepEqual({ ...mounts[1]?.options }, { rw: true, vers: "3.1.1", addr: "127.0.0.1" });
    assert.deepEqual(
      { ...mounts[2], options: { ...mounts[2]?.options } },
      {
        id: 46,
        parent: 22,
        source: "//srv/with space",
        target: "/mnt/a b",
        root: "/sub",
        type: "smb3",
        device: "0:45",
        options: { rw: true },
      },
    );
  });

  it("says what a path lies on, by its name alone", () => {
    const deviceOf = (path: string): string | undefined => mountOf(path, mounts, "/mnt/a b/deep")?.device;
    assert.equal(deviceOf("/mnt/a b"), "0:45");
    assert.equal(deviceOf("."), "0:45");
    assert.equal(deviceOf(".././../"), "254:1");
    assert.equal(deviceOf("/mnt/sharer"), "254:1");
    assert.equal(deviceOf("/mnt/share/nfs/x//y/"), "0:46");
    assert.equal(deviceOf("/mnt/share/"), "0:47", "the last mounted one lies on top");
    assert.equal(mountOf("/x", [], "/"), undefined);
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => void mountOf(b, parseMountinfo(a), "/")));
  });
});
