import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseMountstats } from "../../src/nfs/mountstats.ts";
import { commandName } from "../../src/smb/commands.ts";
import { parseStats } from "../../src/smb/stats.ts";
import { startCapture } from "../guest/capture.ts";
import { keepProcCifs, mountCifs, unmount } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, readMountstats, startNfsd } from "../guest/nfs.ts";
import { shareDirectory, startSamba } from "../guest/samba.ts";
import { runUnderStrace } from "../guest/strace.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";
import { nfsProgram, rpcWitness } from "../witness/rpc.ts";
import { countSmb2, smb2Witness } from "../witness/smb2.ts";
import { countCalls } from "../witness/strace.ts";

/** In one shell, which is one process to trace: 5 directories made, 3 of them renamed, 2 removed, 7 opens that fail, 1 file. */
const work = (path: string): string[] => [
  "python3",
  "-c",
  `import os
for n in range(5): os.mkdir("${path}/d%d" % n)
for n in range(3): os.rename("${path}/d%d" % n, "${path}/r%d" % n)
for n in range(3, 5): os.rmdir("${path}/d%d" % n)
for n in range(7):
  try: os.open("${path}/missing%d" % n, os.O_RDONLY)
  except FileNotFoundError: pass
fd = os.open("${path}/file", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
os.write(fd, b"x" * 5000)
os.fsync(fd)
os.close(fd)
`,
];

const procedures3 = [
  ...["NULL", "GETATTR", "SETATTR", "LOOKUP", "ACCESS", "READLINK", "READ", "WRITE", "CREATE", "MKDIR", "SYMLINK"],
  ...["MKNOD", "REMOVE", "RMDIR", "RENAME", "LINK", "READDIR", "READDIRPLUS", "FSSTAT", "FSINFO", "PATHCONF", "COMMIT"],
];

async function smb(lab: Lab): Promise<void> {
  const capture = await startCapture(lab, "smb", 445);
  const { path } = await mountCifs(lab, { mountPoint: "/mnt/witnessed", options: { echo_interval: 600 } });
  await runUnderStrace(lab, "smb", work(path));
  // A closed file's handle is given back a second later.
  await lab.sleep(3);
  keepProcCifs(lab, "Stats", "stats.txt");
  await capture.stop();
  await unmount(lab, path);
}

async function nfs(lab: Lab, version: "3" | "4.2"): Promise<void> {
  const capture = await startCapture(lab, `nfs-${version}`, 2049);
  const { path } = await mountNfs(lab, { version, mountPoint: "/mnt/witnessed" });
  // What the mount itself asked for is partly counted for a client that is gone.
  readMountstats(lab, path, `${version}-before`);
  const since = Date.now() / 1000;
  await lab.run(work(path));
  await lab.sleep(1);
  readMountstats(lab, path, `${version}-after`);
  lab.writeJson(`nfs-${version}-times.json`, { since, until: Date.now() / 1000 });
  await capture.stop();
  await unmount(lab, path);
}

/** Operation -> how often between the two moments. */
function fromMountstats(results: Results, version: string): Map<string, number> {
  const [before, after] = ["before", "after"].map((when) =>
    parseMountstats(results.text(`mountstats-${version}-${when}.txt`)).find(
      ({ mountPoint }) => mountPoint === "/mnt/witnessed",
    ),
  );
  const counts = new Map<string, number>();
  for (const { operation, transmissions } of after?.operations.values() ?? []) {
    const count = transmissions - (before?.operations.get(operation)?.transmissions ?? 0);
    if (count > 0) counts.set(operation, count);
  }
  return counts;
}

export default defineScenario({
  name: "witnesses",
  summary: "packet captures agree with Stats and mountstats, strace with the workload (no AOD)",
  timeLimitSeconds: 240,

  async setup(lab) {
    await Promise.all([startSamba(lab), startNfsd(lab)]);
  },

  async timeline(lab) {
    await lab.step("SMB", () => smb(lab));
    lab.writeJson("on-server.json", readFileSync(`${shareDirectory("share")}/file`).length);
    await lab.step("NFS 3", () => nfs(lab, "3"));
    await lab.step("NFS 4.2", () => nfs(lab, "4.2"));
  },

  expect(results) {
    assert.equal(results.json("on-server.json"), 5000);

    const seen = smb2Witness(readFileSync(results.path("smb.pcap")));
    assert.deepEqual([seen.doubts, seen.encrypted, seen.compressed], [[], 0, 0]);
    const requests = countSmb2(seen.exchanges);
    const [connection] = parseStats(results.text("stats.txt")).connections;
    const released = new Map(
      connection?.commands.map(({ command, number }) => [commandName(command), number] as const),
    );
    for (const [command, count] of released) {
      const onWire = [...(requests.get(command)?.values() ?? [])].reduce((sum, one) => sum + one, 0);
      assert.equal(onWire, count, `${command}: on the wire, and in Stats`);
    }
    assert.ok((requests.get("SMB2_CREATE")?.get("STATUS_OBJECT_NAME_NOT_FOUND") ?? 0) >= 7);
    assert.ok(seen.exchanges.some(({ request }) => request.members > 1));
    assert.ok(seen.exchanges.every(({ response }) => response !== undefined));

    const calls = countCalls(results.text("smb.strace"), "/mnt/witnessed");
    const of = (name: string) => calls.get(name)?.calls;
    assert.deepEqual([of("mkdir"), of("rename"), of("rmdir"), of("fsync"), of("write")], [5, 3, 2, 1, 1]);
    assert.equal(of("openat"), 8);
    assert.equal(calls.get("openat")?.errors.get("ENOENT"), 7);

    for (const version of ["3", "4.2"]) {
      const { calls: all, doubts } = rpcWitness(readFileSync(results.path(`nfs-${version}.pcap`)));
      assert.deepEqual(doubts, [], version);
      const { since, until } = results.json(`nfs-${version}-times.json`) as { since: number; until: number };
      const sent = all.filter((call) => call.program === nfsProgram && call.time > since && call.time < until);
      const counted = fromMountstats(results, version);
      assert.ok(sent.every(({ replyTime }) => replyTime !== undefined));
      if (version === "3") {
        const onWire = new Map<string, number>();
        for (const { procedure } of sent) {
          const name = procedures3[procedure] ?? String(procedure);
          onWire.set(name, (onWire.get(name) ?? 0) + 1);
        }
        assert.deepEqual(new Map([...onWire].toSorted()), new Map([...counted].toSorted()));
      } else {
        const operations = [...counted.values()].reduce((sum, one) => sum + one, 0);
        assert.equal(sent.filter(({ procedure }) => procedure === 1).length, operations);
      }
      assert.equal(counted.get("RENAME"), 3);
    }
  },
});
