import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import type { Status } from "../../src/daemon/status.ts";
import { commandName } from "../../src/smb/commands.ts";
import { parseStats } from "../../src/smb/stats.ts";
import { keepProcCifs, mountCifs, readProcCifs } from "../guest/cifs.ts";
import { type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import type { Lab } from "../guest/lab.ts";
import { primes, primeWorkload } from "../guest/primes.ts";
import { startSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

// closetimeo=0: no close is left for later. echo_interval: no ECHO meanwhile.
const options = { closetimeo: 0, echo_interval: 600, actimeo: 0 };
let daemon: RunningDaemon;

/** Waits until nothing is on the wire any more and a tick has passed. */
async function quiesce(lab: Lab): Promise<void> {
  let before = "";
  await lab.until("the connection is quiet", 30, async () => {
    const now = readProcCifs("Stats");
    const quiet = now === before;
    before = now;
    await lab.sleep(2);
    return quiet;
  });
}

async function keepBoth(lab: Lab, when: string): Promise<void> {
  await quiesce(lab);
  keepProcCifs(lab, "Stats", `stats-${when}.txt`);
  lab.writeJson(`status-${when}.json`, await daemon.status());
}

/** Command -> requests released between two moments, as /proc/fs/cifs/Stats says. */
function fromStats(before: string, after: string): Map<string, number> {
  const [old, now] = [parseStats(before), parseStats(after)];
  assert.equal(now.connections.length, 1, "one connection");
  const released = new Map<string, number>();
  for (const { command, number } of now.connections[0]?.commands ?? []) {
    const earlier = old.connections[0]?.commands.find((one) => one.command === command)?.number ?? 0;
    if (number > earlier) released.set(commandName(command), number - earlier);
  }
  return released;
}

/** The same as AOD counted it. */
function fromAod(before: Status, after: Status): Map<string, number> {
  const countOf = (status: Status, command: string): number =>
    (status.probes[0]?.counts ?? []).reduce((sum, one) => sum + (one.command === command ? one.count : 0), 0);
  const released = new Map<string, number>();
  for (const { command } of after.probes[0]?.counts ?? []) {
    const count = countOf(after, command) - countOf(before, command);
    if (count > 0) released.set(command, count);
  }
  return released;
}

export default defineScenario({
  name: "counts",
  summary: "per command, AOD counts exactly the requests that /proc/fs/cifs/Stats counts",
  kernels: smbWireLines,
  thin: true,
  timeLimitSeconds: 240,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { mountPoint: "/mnt/hold", options });
    daemon = await startDaemon(lab);
    await mountCifs(lab, { mountPoint: "/mnt/share", options });
  },

  async timeline(lab) {
    await lab.step("base line", () => keepBoth(lab, "before"));
    await lab.step("workload of primes", () => {
      mkdirSync("/mnt/share/work");
      primeWorkload("/mnt/share/work");
    });
    await lab.step("count", () => keepBoth(lab, "after"));
    lab.write("status.txt", (await lab.aod(["status"])).stdout);
  },

  expect(results) {
    const after = results.json("status-after.json") as Status;
    const probe = after.probes[0];
    assert.ok(probe);
    const stats = fromStats(results.text("stats-before.txt"), results.text("stats-after.txt"));
    const aod = fromAod(results.json("status-before.json") as Status, after);
    const misses = probe.losses.find((loss) => loss.kind === "recursion")?.count ?? 0;
    const ghosts = probe.losses.find((loss) => loss.kind === "ghosts")?.count ?? 0;
    const sorted = (counts: Map<string, number>) => Object.fromEntries([...counts].sort());
    // With full preemption the kernel may lose a run of a program; then it must be said, and only then may a count differ.
    if (misses === 0) assert.deepEqual(sorted(aod), sorted(stats));
    for (const [command, count] of stats) {
      const missing = count - (aod.get(command) ?? 0);
      assert.ok(
        missing >= 0 && missing <= misses + ghosts,
        `${command}: ${missing} missing with ${misses} recursion misses`,
      );
    }
    assert.equal(stats.get("SMB2_FLUSH"), primes.files, "one FLUSH per fsync");
    assert.ok((stats.get("SMB2_WRITE") ?? 0) >= primes.files);
    assert.equal(probe.counts_forgotten, 0);
    assert.deepEqual(
      probe.losses.filter((loss) => !["recursion", "ghosts", "unseen"].includes(loss.kind)),
      [],
      "nothing else was lost",
    );
  },
});
