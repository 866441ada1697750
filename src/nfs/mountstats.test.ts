import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type NfsMountStats, parseMountstats } from "./mountstats.ts";

const root = new URL("../../test/fixtures/proc/", import.meta.url);
const paths = globSync("**/mountstats", { cwd: root }).sort();
const sample = (path: string): string => readFileSync(new URL(path, root), "utf8");

function mountAt(path: string, mountPoint: string): NfsMountStats {
  return parseMountstats(sample(path)).find((mount) => mount.mountPoint === mountPoint) ?? assert.fail(mountPoint);
}

describe("mountstats of a real kernel", () => {
  it("there are samples", () => assert.deepEqual(paths, ["5.10/mountstats", "7.2/mountstats"]));

  for (const path of paths) {
    it(`${path} is understood to the last line`, () => {
      const mounts = parseMountstats(sample(path));
      assert.deepEqual(
        mounts.map((mount) => [mount.mountPoint, mount.fstype, mount.rpcVersion]),
        [
          ["/mnt/nfs-3", "nfs", 3],
          ["/mnt/nfs-4.0", "nfs4", 4],
          ["/mnt/nfs-4.1", "nfs4", 4],
          ["/mnt/nfs-4.2", "nfs4", 4],
        ],
      );
      for (const mount of mounts) {
        assert.deepEqual(mount.unknown, []);
        assert.equal(mount.events.length, 27);
        assert.equal(mount.bytes.length, 8);
        assert.deepEqual(
          mount.transports.map(({ kind }) => kind),
          ["tcp"],
        );
        assert.ok(mount.operations.size >= 22);
      }
    });
  }

  it("5.10: a row's columns", () => {
    const mount = mountAt("5.10/mountstats", "/mnt/nfs-3");
    assert.deepEqual(mount.operations.get("LOOKUP"), {
      operation: "LOOKUP",
      operations: 3,
      transmissions: 3,
      majorTimeouts: 0,
      bytesSent: 296,
      bytesReceived: 348,
      queueMs: 0,
      roundTripMs: 4,
      executeMs: 6,
      errors: 3,
    });
    assert.equal(mount.ageSeconds, 4);
    assert.match(mount.options ?? "", /vers=3/);
  });

  it("7.2: version 4.2 reads with READ_PLUS; a name longer than its column", () => {
    const { operations } = mountAt("7.2/mountstats", "/mnt/nfs-4.2");
    assert.deepEqual([operations.get("READ")?.operations, operations.get("READ_PLUS")?.operations], [0, 2]);
    assert.equal(operations.get("RECLAIM_COMPLETE")?.operations, 1);
  });
});

const head = "device s:/a\\040b mounted on /mnt/x\\134y with fstype nfs4 statvers=1.1\n";

describe("mountstats", () => {
  it("blanks and backslashes in names", () => {
    const [mount] = parseMountstats(head);
    assert.deepEqual([mount?.device, mount?.mountPoint], ["s:/a b", "/mnt/x\\y"]);
  });

  it("eight columns before 5.3, more columns some day, an operation without a name", () => {
    const text = `${head}\tREAD: 1 2 3 4 5 6 7 8\n\tWRITE: 1 2 3 4 5 6 7 8 9 10\n\t71: 1 1 0 4 5 6 7 8 0\n`;
    const { operations, unknown } = parseMountstats(text)[0] ?? assert.fail();
    assert.equal(operations.get("READ")?.errors, undefined);
    assert.equal(operations.get("WRITE")?.errors, 9);
    assert.equal(operations.get("71")?.operations, 1);
    assert.deepEqual(unknown, []);
  });

  it("what is not known is kept", () => {
    const [mount] = parseMountstats(`${head}\tnovelty:\tx=1\n\tREAD: 1 2\n`);
    assert.deepEqual(mount?.unknown, ["novelty:\tx=1", "READ: 1 2"]);
    assert.equal(mount.operations.size, 0);
  });

  it("any cut of a sample is read without an error, and no row is read twice", () => {
    const text = sample("7.2/mountstats");
    const all = parseMountstats(text);
    fc.assert(
      fc.property(fc.nat(text.length), (length) => {
        const mounts = parseMountstats(text.slice(0, length));
        assert.ok(mounts.length <= all.length);
        for (const [n, mount] of mounts.entries())
          assert.ok(mount.operations.size <= (all[n]?.operations.size ?? 0), mount.mountPoint);
      }),
    );
  });
});
