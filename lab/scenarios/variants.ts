import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseStats } from "../../src/smb/stats.ts";
import { burst, burstBytes, prepareBurst } from "../guest/burst.ts";
import { keepProcCifs, mountCifs, unmount } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { shareDirectory, startSamba } from "../guest/samba.ts";
import { loadKsmbd, type MountVariant, mountVariants } from "../guest/variants.ts";
import { defineScenario } from "../scenario.ts";

const requests = 499;
const variants: readonly (readonly [string, MountVariant])[] = Object.entries(mountVariants);

/** Connections of the client to port 445 (0x1BD), established, from /proc/net/tcp. */
function connections(): number {
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  return lines.filter((line) => /^\s*\d+: [0-9A-F]{8}:[0-9A-F]{4} [0-9A-F]{8}:01BD 01 /.test(line)).length;
}

/** The client gives a connection up some time after the unmount. */
const untilNone = (lab: Lab): Promise<void> => lab.until("no connection is left", 30, () => connections() === 0);

async function tryVariant(lab: Lab, name: string, { options }: MountVariant): Promise<void> {
  const sizes = { rsize: burstBytes, wsize: burstBytes };
  const beside = name === "nosharesock" ? await mountCifs(lab, { mountPoint: "/mnt/beside" }) : undefined;
  const { path } = await mountCifs(lab, { mountPoint: `/mnt/${name}`, options: { ...sizes, ...options } });
  await lab.run(["dd", "if=/dev/zero", `of=${join(path, name)}`, "bs=10000", "count=1", "conv=fsync", "status=none"]);
  if (hasBurst(name)) await burst(lab, path, requests);
  const expected = expectedConnections(name);
  // A kernel worker opens further channels.
  await lab.until(`${name}: ${expected} connections`, 15, () => connections() >= expected);
  keepProcCifs(lab, "DebugData", `debug-${name}.txt`);
  keepProcCifs(lab, "Stats", `stats-${name}.txt`);
  const mount = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .find((line) => line.includes(` ${path} `));
  lab.writeJson(`variant-${name}.json`, { mount, connections: connections() });
  await unmount(lab, path);
  if (beside !== undefined) await unmount(lab, beside.path);
  await untilNone(lab);
}

const hasBurst = (name: string): boolean => name !== "cache-loose";

function expectedConnections(name: string): number {
  const variant: MountVariant | undefined = variants.find(([known]) => known === name)?.[1];
  return name === "nosharesock" ? 2 : (variant?.connections ?? 1);
}

export default defineScenario({
  name: "variants",
  summary: "every way to mount that cifs.ko treats differently works, with ksmbd loaded beside it (no AOD)",
  kernels: {
    only: ["5.10", "6.12", "7.2"],
    why: "what the client shows of these mounts was not yet looked at on this line",
  },
  timeLimitSeconds: 400,

  async setup(lab) {
    await startSamba(lab, { global: mountVariants.multichannel.global });
    lab.writeJson("ksmbd.json", await loadKsmbd(lab));
    prepareBurst(shareDirectory("share"), requests);
  },

  async timeline(lab) {
    await untilNone(lab);
    for (const [name, variant] of variants) await lab.step(name, () => tryVariant(lab, name, variant));
  },

  expect(results) {
    assert.equal(results.json("ksmbd.json"), results.kernel !== "5.10");
    for (const [name, { options }] of variants) {
      const seen = results.json(`variant-${name}.json`) as { mount: string; connections: number };
      assert.equal(seen.connections, expectedConnections(name), name);
      const words = new Set(seen.mount.split(" ")[3]?.split(","));
      for (const [option, value] of Object.entries(options)) {
        // `sign` is no word of the mount's line, `nosharesock` not on all kernels.
        if (option === "sign" || option === "nosharesock") continue;
        assert.ok(words.has(value === true ? option : `${option}=${value}`), seen.mount);
      }
      const share = parseStats(results.text(`stats-${name}.txt`)).shares.find((one) => one.name.endsWith("\\share"));
      // When credits are short, netfs asks again for several at once.
      const reads = share?.counts.get("Reads")?.total ?? 0;
      if (hasBurst(name)) assert.ok(reads > 0 && reads <= requests, `${name}: ${reads} READs`);
      if (hasBurst(name)) assert.equal(share?.bytesRead, requests * burstBytes, `${name}: bytes`);
      const debugData = results.text(`debug-${name}.txt`);
      // 5.10 does not tell.
      if (results.kernel !== "5.10")
        assert.equal(/\bencrypted\b/.test(debugData), "seal" in options, `${name}: encrypted`);
      assert.equal(/\bsigned\b/.test(debugData), "sign" in options, `${name}: signed`);
    }
  },
});
