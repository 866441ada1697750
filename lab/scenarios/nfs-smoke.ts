import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { clearImpairment, impair } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import {
  exportDirectory,
  killNfsd,
  mountNfs,
  type NfsVersion,
  nfsVersions,
  readMountstats,
  restartNfsd,
  startNfsd,
} from "../guest/nfs.ts";
import { defineScenario } from "../scenario.ts";

const content = "written through the mount\n".repeat(1000);

interface Seen {
  readonly options: string | undefined;
  readonly rpcVersion: number | undefined;
  readonly unknown: readonly string[];
  /** Operations that were sent, with how often, how often again, and how many failed. */
  readonly operations: Record<string, readonly [number, number, number | undefined]>;
  readonly onServer: boolean;
  readonly readBack: boolean;
}

const pathOf = (version: NfsVersion): string => `/mnt/nfs-${version}`;

async function work(lab: Lab, version: NfsVersion): Promise<Seen> {
  const path = pathOf(version);
  const file = join(path, `file-${version}`);
  await mountNfs(lab, { version, mountPoint: path });
  await lab.run(["dd", `of=${file}`, "conv=fsync", "status=none"], { input: content });
  await lab.run(["mv", file, `${file}-renamed`]);
  const { stdout } = await lab.run(["dd", `if=${file}-renamed`, "iflag=direct", "bs=64k", "count=1", "status=none"]);
  await lab.run(["cat", join(path, "missing")], { anyStatus: true });
  await lab.run(["ls", path]);
  const { options, rpcVersion, unknown, operations } = readMountstats(lab, path, version);
  return {
    options,
    rpcVersion,
    unknown,
    operations: Object.fromEntries(
      [...operations.values()]
        .filter((op) => op.operations > 0)
        .map((op) => [op.operation, [op.operations, op.transmissions, op.errors]] as const),
    ),
    onServer: readFileSync(join(exportDirectory, `file-${version}-renamed`), "utf8") === content,
    readBack: stdout === content,
  };
}

const delayMs = 400;

/** How long `stat` of a file takes whose attributes may not be cached, and whether it came to its end. */
async function roundTrip(lab: Lab, path: string): Promise<{ tookMs: number; done: boolean }> {
  const ran = await lab.run(["stat", join(path, "file-4.2-renamed")], { timeoutMs: 3_000, anyStatus: true });
  return { tookMs: ran.tookMs, done: ran.status === 0 };
}

async function faults(lab: Lab): Promise<void> {
  const { path } = await mountNfs(lab, { mountPoint: "/mnt/nfs-faults", options: { noac: true } });
  await impair(lab, { delayMs, port: 2049 });
  const delayed = await roundTrip(lab, path);
  await clearImpairment(lab);
  killNfsd(lab);
  const killed = await roundTrip(lab, path);
  await restartNfsd(lab);
  await lab.until("the restarted server answers", 60, async () => (await roundTrip(lab, path)).done);
  lab.writeJson("faults.json", { delayed, killed });
}

export default defineScenario({
  name: "nfs-smoke",
  summary:
    "knfsd and mounts of NFS 3, 4.0, 4.1 and 4.2 work, mountstats counts what was done, faults are felt (no AOD)",
  timeLimitSeconds: 180,

  setup: (lab) => startNfsd(lab),

  async timeline(lab) {
    const seen: Record<string, Seen> = {};
    for (const version of nfsVersions) seen[version] = await lab.step(`version ${version}`, () => work(lab, version));
    lab.writeJson("seen.json", seen);
    await lab.step("server delayed, killed, restarted", () => faults(lab));
  },

  expect(results) {
    const { delayed, killed } = results.json("faults.json") as Record<string, { tookMs: number; done: boolean }>;
    // A lower bound: netem delays each request by this.
    assert.ok(delayed?.done && delayed.tookMs >= delayMs, JSON.stringify(delayed));
    assert.equal(killed?.done, false);
    const seen = results.json("seen.json") as Record<NfsVersion, Seen>;
    for (const version of nfsVersions) {
      const { options, rpcVersion, unknown, operations, onServer, readBack } = seen[version];
      assert.match(options ?? "", new RegExp(`(^|,)vers=${version}(,|$)`));
      assert.equal(rpcVersion, Number(version.slice(0, 1)));
      assert.deepEqual(unknown, [], version);
      assert.ok(onServer && readBack, `${version}: what was written is on the server and is read back`);
      assert.equal(operations["RENAME"]?.[0], 1, version);
      // Since 6.10 version 4.2 reads with READ_PLUS.
      assert.equal((operations["READ"] ?? operations["READ_PLUS"])?.[0], 1, version);
      assert.ok(version === "3" ? operations["CREATE"] : operations["OPEN"], version);
      for (const [name, [sent, transmitted]] of Object.entries(operations))
        assert.equal(sent, transmitted, `${version}: ${name} was sent once each`);
    }
  },
});
