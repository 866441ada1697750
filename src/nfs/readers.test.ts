import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseMountstats } from "./mountstats.ts";
import { parseNfsServers, parseNfsVolumes } from "./nfsfs.ts";
import { parseNfsRpcStats } from "./rpc-stats.ts";

const root = new URL("../../test/fixtures/proc/", import.meta.url);
const samples = (name: string): readonly (readonly [string, string])[] => {
  const found = globSync(`**/${name}`, { cwd: root }).sort();
  assert.ok(found.length > 0, name);
  return found.map((path) => [path, readFileSync(new URL(path, root), "utf8")]);
};
const count = fc.nat(1_000_000);

describe("/proc/net/rpc/nfs", () => {
  for (const [path, text] of samples("rpc_nfs")) {
    it(`${path} is understood to the last line`, () => {
      const stats = parseNfsRpcStats(text);
      assert.deepEqual(stats.unknown, []);
      assert.ok((stats.calls ?? 0) > 0);
      assert.equal(stats.procedures.get(3)?.length, 22);
      const sum = stats.procedures.get(4)?.reduce((all, calls) => all + calls, 0);
      assert.equal(sum, stats.calls, "all of them are calls of version 4");
    });
  }

  it("what is printed is read back, however many procedures a version has", () => {
    fc.assert(
      fc.property(fc.array(count), fc.tuple(count, count, count), ([...calls], rpc) => {
        const text = `net 0 0 0 0\nrpc ${rpc.join(" ")}\nproc4 ${[calls.length, ...calls].join(" ")}\nfrobs 3\n`;
        const stats = parseNfsRpcStats(text);
        assert.deepEqual([stats.calls, stats.retransmissions, stats.authRefreshes], rpc);
        assert.deepEqual(stats.procedures.get(4), calls);
        assert.deepEqual(stats.unknown, ["frobs 3"]);
      }),
    );
  });

  it("a line that tells another number of procedures than it says is not believed", () => {
    assert.deepEqual(parseNfsRpcStats("proc4 3 1 2\n").unknown, ["proc4 3 1 2"]);
  });
});

describe("/proc/fs/nfsfs", () => {
  for (const [path, text] of samples("nfsfs_servers")) {
    it(`${path} is understood to the last line`, () =>
      assert.deepEqual(parseNfsServers(text), {
        rows: [{ version: 4, address: "127.0.0.1", port: 2049, users: 1, hostname: "127.0.0.1" }],
        unknown: [],
      }));
  }

  for (const [path, text] of samples("nfsfs_volumes")) {
    it(`${path} is understood to the last line`, () => {
      const { rows, unknown } = parseNfsVolumes(text);
      assert.deepEqual(unknown, []);
      assert.deepEqual(
        rows.map(({ address, port, fsid, fscache }) => [address, port, fsid, fscache]),
        [["127.0.0.1", 2049, "0:0", false]],
      );
    });
  }

  it("IPv6, and what nobody knows", () => {
    const text =
      "NV SERVER   PORT USE HOSTNAME\nv3 fe800000000000000000000000000007  801   2 files.example\nv4 nonsense 801 1 x\n";
    assert.deepEqual(parseNfsServers(text), {
      rows: [{ version: 3, address: "fe80::7", port: 2049, users: 2, hostname: "files.example" }],
      unknown: ["v4 nonsense 801 1 x"],
    });
  });
});

describe("further samples of mountstats", () => {
  for (const name of ["mountstats_fresh", "mountstats_up", "mountstats_down"]) {
    for (const [path, text] of samples(name)) {
      it(`${path} is understood to the last line`, () => {
        const mounts = parseMountstats(text);
        assert.ok(mounts.length > 0);
        for (const mount of mounts) {
          assert.deepEqual(mount.unknown, []);
          assert.deepEqual([mount.securityFlavor, mount.leaseSeconds, mount.pnfs], [1, 90, "not configured"]);
          assert.deepEqual(mount.implementation, { name: "", domain: "" });
        }
      });
    }
  }

  it("what is printed is read back, with lines and columns of a later kernel between", () => {
    const numbers = fc.array(count, { minLength: 9, maxLength: 11 });
    const name = fc.stringMatching(/^[A-Z][A-Z_]{2,18}$/);
    fc.assert(
      fc.property(fc.dictionary(name, numbers), fc.array(count, { minLength: 13, maxLength: 14 }), (rows, xprt) => {
        const text =
          "device s:/a mounted on /mnt/a\\040b with fstype nfs4 statvers=1.1\n\topts:\trw,vers=4.2\n\tage:\t7\n\tfrobs:\tx=1\n" +
          "\tnfsv4:\tbm0=0x1,acl=0x3,sessions,pnfs=nfs_layout_flexfiles,lease_time=45,lease_expired=0,frob=2\n\tsec:\tflavor=6,pseudoflavor=390005\n" +
          `\tfsc:\t1 2 3 4 5\n\txprt:\ttcp ${xprt.join(" ")}\n\tper-op statistics\n` +
          Object.entries(rows)
            .map(([operation, all]) => `\t${operation.padStart(12)}: ${all.join(" ")}\n`)
            .join("");
        const [mount] = parseMountstats(text);
        assert.equal(mount?.mountPoint, "/mnt/a b");
        assert.deepEqual(mount.unknown, ["frobs:\tx=1"]);
        assert.deepEqual([mount.pnfs, mount.leaseSeconds, mount.pseudoFlavor], ["nfs_layout_flexfiles", 45, 390_005]);
        assert.deepEqual(mount.fscache, [1, 2, 3, 4, 5]);
        assert.deepEqual(mount.transports, [{ kind: "tcp", numbers: xprt }]);
        assert.deepEqual([...mount.operations.keys()], Object.keys(rows));
        for (const [operation, all] of Object.entries(rows)) {
          const row = mount.operations.get(operation);
          assert.deepEqual([row?.operations, row?.queueMs, row?.errors], [all[0], all[5], all[8]]);
        }
      }),
    );
  });
});
