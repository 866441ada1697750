import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parseMountstats } from "../nfs/mountstats.ts";
import { type CifsStats, parseStats } from "../smb/stats.ts";
import { nfsMountDelta } from "./mountstats-delta.ts";
import { smbStatsDelta } from "./stats-delta.ts";

const proc = new URL("../../test/fixtures/proc/", import.meta.url);
const stats = (path: string): CifsStats => parseStats(readFileSync(new URL(path, proc), "utf8"));
const S = 1e9;

describe("what the SMB client counted between two looks", () => {
  it("nothing, when nothing changed", () => {
    for (const path of globSync("**/Stats*", { cwd: proc })) {
      const delta = smbStatsDelta(stats(path), stats(path), S);
      assert.deepEqual(
        [delta?.sessionReconnects, delta?.commands, delta?.shares.flatMap(({ counts }) => [...counts])],
        [0, [], []],
      );
    }
  });

  it("reconnects, failures and the times of commands", () => {
    const before = stats("6.1/Stats");
    const after = stats("6.1/Stats");
    after.sessionReconnects = (after.sessionReconnects ?? 0) + 2;
    const share = after.shares.find(({ name }) => name === "\\\\127.0.0.1\\share");
    share?.counts.set("Creates", { total: 15, failed: 3 });
    const row = after.connections[0]?.commands.find(({ command }) => command === 5);
    after.connections[0]?.commands.splice(5, 1, {
      command: 5,
      fastest: 0,
      slowest: 9,
      number: 19,
      total: (row?.total ?? 0) + 250,
    });
    const delta = smbStatsDelta(after, before, 5 * S);
    assert.equal(delta?.sessionReconnects, 2);
    const changed = delta.shares.find(({ counts }) => counts.size > 0);
    assert.deepEqual(changed?.target, { protocol: "smb", share: "\\\\127.0.0.1\\share", server: "127.0.0.1" });
    assert.deepEqual([...changed.counts], [["Creates", { total: 3, failed: 3 }]]);
    assert.deepEqual(delta.commands, [{ connection: 0, commandCode: 5, count: 3, totalMs: 1000, slow: 0 }]);
  });

  it("a reset makes a new beginning, a further connection takes only the times away", () => {
    const before = stats("6.1/Stats");
    const reset = stats("6.1/Stats");
    before.sessionReconnects = 9;
    assert.equal(smbStatsDelta(reset, before, S), undefined);
    const more = stats("6.1/Stats");
    const [connection] = more.connections;
    if (connection !== undefined) more.connections.push(connection);
    more.sessionReconnects = 10;
    const delta = smbStatsDelta(more, before, S);
    assert.deepEqual([delta?.sessionReconnects, delta?.commands], [1, []]);
  });

  it("a share that was reset alone is left out", () => {
    const before = stats("6.1/Stats");
    const after = stats("6.1/Stats");
    const share = after.shares[1];
    if (share !== undefined) share.smbs = 0;
    assert.deepEqual(
      smbStatsDelta(after, before, S)?.shares.map(({ target }) => target.share),
      before.shares.filter((_, index) => index !== 1).map(({ name }) => name),
    );
  });

  it("5.10 has no times", () => {
    const before = parseStats("0 session 0 share reconnects\nMax requests in flight: 3\n");
    assert.deepEqual(smbStatsDelta(before, before, S)?.commands, []);
  });
});

const mount = (age: number, read: string, xprt = "tcp 0 0 2 0 0 26 26 0 27 0 2 2 0", expired = 0) =>
  parseMountstats(`device nas:/export mounted on /mnt/n with fstype nfs4 statvers=1.1
	opts:	rw,vers=4.2,addr=10.0.0.2
	age:	${age}
	nfsv4:	bm0=0x1,lease_time=90,lease_expired=${expired}
	RPC iostats version: 1.1  p/v: 100003/4 (nfs)
	xprt:	${xprt}
	per-op statistics
	        READ: ${read}
	       WRITE: 0 0 0 0 0 0 0 0 0
`)[0] ?? assert.fail("no mount");

describe("what a mount of NFS counted between two looks", () => {
  it("operations with a change, transports, the lease", () => {
    const before = mount(10, "5 5 0 500 5000 1 20 22 0");
    const after = mount(15, "8 10 1 800 8000 4 80 1085 2", "tcp 0 0 3 0 0 40 37 1 40 0 2 2 0", 7);
    assert.deepEqual(nfsMountDelta(after, before, 5 * S), {
      target: { protocol: "nfs", server: "nas", export: "/export", address: "10.0.0.2" },
      mountPoint: "/mnt/n",
      intervalNs: 5 * S,
      operations: [
        {
          operation: "READ",
          count: 3,
          transmissions: 5,
          majorTimeouts: 1,
          queueMs: 3,
          roundTripMs: 60,
          executeMs: 1063,
          errors: 2,
          bytes: 3300,
        },
      ],
      transports: [{ kind: "tcp", connects: 1, sends: 14, receives: 11, badXids: 1, pending: 3 }],
      leaseExpired: true,
    });
  });

  it("a mount that was made anew, and counters that went back, are a new beginning", () => {
    const before = mount(10, "5 5 0 500 5000 1 20 22 0");
    assert.equal(nfsMountDelta(mount(2, "9 9 0 0 0 0 0 0 0"), before, S), undefined);
    assert.equal(nfsMountDelta(mount(12, "4 4 0 0 0 0 0 0 0"), before, S), undefined);
  });

  it("of real kernels, nothing when nothing changed, and every transport is known", () => {
    for (const path of globSync("**/mountstats", { cwd: proc })) {
      for (const one of parseMountstats(readFileSync(new URL(path, proc), "utf8"))) {
        const delta = nfsMountDelta(one, one, S);
        assert.deepEqual([delta?.operations, delta?.transports.length], [[], one.transports.length]);
      }
    }
  });
});
