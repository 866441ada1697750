// What the SMB and NFS clients show of themselves, as sources.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { debugDataSource } from "./debug-data.ts";
import { fakeMachine, only } from "./fixture.ts";
import { mountstatsSource } from "./mountstats.ts";
import { openFilesSource } from "./open-files.ts";
import { statsSource } from "./stats.ts";

const fixture = (path: string): string => readFileSync(new URL(`../../test/fixtures/${path}`, import.meta.url), "utf8");

describe("DebugData", () => {
  it("is told at each look; a request that is there at two looks is trouble", async (t) => {
    const machine = fakeMachine(t);
    const source = debugDataSource(machine.roots);
    assert.deepEqual(await machine.outcome(source), { off: "the kernel module cifs is not loaded" });
    machine.write("proc/fs/cifs/DebugData", fixture("proc/6.12/hang/DebugData_hung"));
    const first = await machine.outcome(source);
    const second = await machine.outcome(source);
    assert.ok("observations" in first && "observations" in second);
    assert.ok(only(first.observations, "smb-state").data.mids.length > 0);
    assert.deepEqual([first.trouble, second.trouble], [false, true]);
    machine.write("proc/fs/cifs/DebugData", fixture("proc/6.12/DebugData"));
    const third = await machine.outcome(source);
    assert.equal("trouble" in third && third.trouble, false);
  });

  it("a watch on a directory and a lock that waits are no trouble", async (t) => {
    const machine = fakeMachine(t);
    const source = debugDataSource(machine.roots);
    const hung = fixture("proc/6.12/hang/DebugData_hung");
    for (const command of [15, 10]) {
      machine.write("proc/fs/cifs/DebugData", hung.replaceAll(/\bcom: \d+/g, `com: ${command}`));
      await machine.outcome(source);
      const outcome = await machine.outcome(source);
      assert.ok("observations" in outcome);
      const { mids } = only(outcome.observations, "smb-state").data;
      assert.deepEqual([...new Set(mids.map((mid) => mid.command))], [command]);
      assert.equal(outcome.trouble, false);
    }
  });

  it("a connection that is not good is trouble at once", async (t) => {
    const machine = fakeMachine(t);
    machine.write("proc/fs/cifs/DebugData", fixture("proc/6.12/DebugData_down"));
    const outcome = await machine.outcome(debugDataSource(machine.roots));
    assert.equal("trouble" in outcome && outcome.trouble, true);
  });
});

describe("Stats", () => {
  it("gives what changed since the look before; without a module it begins anew", async (t) => {
    const machine = fakeMachine(t);
    const source = statsSource(machine.roots);
    machine.write("proc/fs/cifs/Stats", fixture("proc/6.12/Stats"));
    assert.deepEqual(await machine.look(source), []);
    machine.seconds(5);
    machine.write("proc/fs/cifs/Stats", fixture("proc/6.12/Stats_reconn"));
    const { delta } = only(await machine.look(source), "smb-stats");
    assert.equal(delta.intervalNs, 5e9);
    assert.ok(delta.sessionReconnects > 0);
    machine.write("proc/fs/cifs/Stats", undefined);
    assert.ok("off" in (await machine.outcome(source)));
    machine.write("proc/fs/cifs/Stats", fixture("proc/6.12/Stats"));
    assert.deepEqual(await machine.look(source), []);
  });

  it("says what a kernel without STATS2 lacks", async (t) => {
    const machine = fakeMachine(t);
    machine.write("proc/fs/cifs/Stats", "0 session 0 share reconnects\nMax requests in flight: 3\n");
    const outcome = await machine.outcome(statsSource(machine.roots));
    assert.match("degraded" in outcome ? (outcome.degraded ?? "") : "", /CONFIG_CIFS_STATS2/);
  });

  it("looks every second where no probe tells of SMB", (t) => {
    const { everyNs } = statsSource(fakeMachine(t).roots);
    const situation = { trouble: false, idle: false, blindNfs: true, smb: true, nfs: false };
    assert.deepEqual(
      [everyNs({ ...situation, blindSmb: false }), everyNs({ ...situation, blindSmb: true })],
      [5e9, 1e9],
    );
  });
});

describe("open files", () => {
  it("are counted by share and listed by tree", async (t) => {
    const machine = fakeMachine(t);
    machine.write("proc/fs/cifs/Stats", fixture("evidence/6.12/proc/fs/cifs/Stats"));
    machine.write("proc/fs/cifs/open_files", fixture("evidence/6.12/proc/fs/cifs/open_files"));
    const { trees } = only(await machine.look(openFilesSource(machine.roots)), "open-files");
    const listed = trees.filter(({ treeId }) => treeId !== undefined);
    assert.deepEqual(listed, [
      {
        sessionId: 0x8c2843dn,
        treeId: 0x80efadf,
        count: 4,
        processes: [
          { pid: 1, count: 2 },
          { pid: 297, count: 1 },
          { pid: 296, count: 1 },
        ],
      },
    ]);
    assert.ok(trees.some(({ target }) => target?.share?.endsWith("\\share")));
  });

  it("very many are counted and not listed", async (t) => {
    const machine = fakeMachine(t);
    machine.write(
      "proc/fs/cifs/Stats",
      "1) \\\\files\\data\nSMBs: 1\nOpen files: 50000 total (local), 9 open on server\n",
    );
    const outcome = await machine.outcome(openFilesSource(machine.roots));
    assert.ok("observations" in outcome);
    assert.deepEqual(
      only(outcome.observations, "open-files").trees.map(({ count }) => count),
      [50_000],
    );
    assert.match(outcome.degraded ?? "", /50000 open files are counted, not listed/);
  });
});

describe("mountstats", () => {
  const text = (sends: number, receives: number) => `device nas:/export mounted on /mnt/n with fstype nfs4 statvers=1.1
	age:	10
	RPC iostats version: 1.1  p/v: 100003/4 (nfs)
	xprt:	tcp 0 0 2 0 0 ${sends} ${receives} 0 27 0 2 2 0
	per-op statistics
	        READ: ${sends} ${sends} 0 0 0 0 0 0 0
`;
  it("what is sent and not answered is trouble", async (t) => {
    const machine = fakeMachine(t);
    const source = mountstatsSource(machine.roots);
    assert.deepEqual(await machine.outcome(source, { nfs: false }), { off: "there is no NFS mount" });
    machine.write("proc/1/mountstats", text(10, 10));
    assert.deepEqual(await machine.look(source), []);
    machine.seconds(1);
    machine.write("proc/1/mountstats", text(13, 10));
    const outcome = await machine.outcome(source);
    assert.ok("observations" in outcome);
    assert.equal(outcome.trouble, true);
    const [mount] = only(outcome.observations, "mountstats").mounts;
    assert.deepEqual([mount?.operations[0]?.count, mount?.transports[0]?.pending], [3, 3]);
  });
});
