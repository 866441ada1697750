import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { mountCifs } from "../guest/cifs.ts";
import { acceptPort, dropPort } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import type { Background } from "../guest/process.ts";
import { startSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const smb = "/mnt/share";
const nfs = "/mnt/nfs";

interface Asked {
  readonly args: readonly string[];
  readonly status: number | null;
  readonly timedOut: boolean;
  readonly tookMs: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Every command that a person gives while a share is dead. Where two subjects are looked at in different ways, both. */
const commands = (work: string): readonly (readonly string[])[] => [
  ["show"],
  ["smbiostat", "-x", "1", "2"],
  ["doctor", "host"],
  ["doctor", "mount", smb],
  ["doctor", "mount", nfs],
  ["doctor", "mount", "--all"],
  ["doctor", "kerberos", smb],
  ["doctor", "kerberos", nfs],
  ["doctor", "unmount", smb],
  ["doctor", "unmount", nfs],
  ["open-files", "--wait", "1"],
  ["keys", smb, "--out", join(work, "keys"), "--timeout", "3"],
  ["debug", "status"],
  ["debug", "on"],
  ["debug", "off"],
  ["debug", "dmesg"],
  ["record", "events", "--for", "2s", "--out", join(work, "events.dat")],
  ["decode", join(work, "events.dat")],
  ["record", "packets", "--for", "2s", "--out", join(work, "packets.pcap")],
  ["packets", join(work, "packets.pcap")],
  ["snapshot", "--for", "1s"],
];

/** Four times what the slowest needs on an emulated processor: past it, it hangs. */
const limitMs = 240_000;

async function ask(lab: Lab, args: readonly string[]): Promise<Asked> {
  const { status, timedOut, tookMs, stdout, stderr } = await lab.aod(args, { anyStatus: true, timeoutMs: limitMs });
  return { args, status, timedOut, tookMs, stdout, stderr };
}

const question = ["show", "servers"];

/** Someone who stands in a share, and asks when that is dead. */
function standIn(lab: Lab, cwd: string, name: string): Background {
  const wait = 'until [ -e "$1" ]; do sleep 1; done; shift; exec "$@"';
  return lab.start(["sh", "-c", wait, "sh", join(lab.work, "asks"), ...lab.aodArgv(question)], {
    cwd,
    env: lab.aodEnvironment,
    stdout: `${name}.txt`,
  });
}

export default defineScenario({
  name: "dead-mounts",
  summary: "every command of the toolbox ends by itself while all paths of an SMB and of a hard NFS mount block",
  kernels: seenOn("6.12"),
  timeLimitSeconds: 1500,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 600 } });
    await startNfsd(lab);
    await mountNfs(lab, { mountPoint: nfs, options: { noac: true, hard: true } });
  },

  async timeline(lab) {
    writeFileSync(join(lab.work, "aod.yaml"), "");
    const standing = [standIn(lab, smb, "in-smb"), standIn(lab, nfs, "in-nfs")];
    for (const port of [445, 2049]) await dropPort(lab, port);
    const blocked: Background[] = [smb, nfs].map((path) => lab.start(["stat", join(path, "blocked")]));
    await lab.sleep(3);
    writeFileSync(join(lab.work, "asks"), "");
    await lab.step("aod show, in the mounts", () =>
      lab.until("both have ended", 60, () => standing.every(({ running }) => !running)),
    );
    const asked: Asked[] = [];
    for (const args of commands(lab.work)) {
      asked.push(await lab.step(`aod ${args.join(" ")}`, () => ask(lab, args)));
      lab.writeJson("asked.json", asked);
    }
    lab.writeJson(
      "blocked.json",
      blocked.map(({ running }) => running),
    );
    for (const port of [445, 2049]) await acceptPort(lab, port);
    for (const one of blocked) await one.ended;
  },

  expect(results) {
    assert.deepEqual(
      results.json("blocked.json"),
      [true, true],
      "both mounts were dead until the last command had ended",
    );
    for (const { args, status, timedOut, stdout, stderr } of results.json("asked.json") as Asked[]) {
      const name = `aod ${args.join(" ")}`;
      assert.ok(!timedOut, `${name} does not end`);
      // The server has to be asked for the keys.
      assert.equal(status, args[0] === "keys" ? 1 : 0, `${name}: ${stderr}`);
      assert.notEqual(`${stdout}${stderr}`.trim(), "", `${name} says nothing`);
    }
    for (const name of ["in-smb.txt", "in-nfs.txt"]) assert.match(results.text(name), /^ {2}SMB 127\.0\.0\.1/m);
  },
});
