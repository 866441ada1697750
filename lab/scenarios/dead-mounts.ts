import assert from "node:assert/strict";
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
  readonly cwd?: string;
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

async function ask(lab: Lab, args: readonly string[], cwd?: string): Promise<Asked> {
  const ran = await lab.aod(args, { anyStatus: true, timeoutMs: limitMs, ...(cwd === undefined ? {} : { cwd }) });
  const { status, timedOut, tookMs, stdout, stderr } = ran;
  return { args, ...(cwd === undefined ? {} : { cwd }), status, timedOut, tookMs, stdout, stderr };
}

export default defineScenario({
  name: "dead-mounts",
  summary: "every command of the toolbox ends by itself while all paths of an SMB and of a hard NFS mount block",
  kernels: seenOn(),
  timeLimitSeconds: 900,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 600 } });
    await startNfsd(lab);
    await mountNfs(lab, { mountPoint: nfs, options: { noac: true, hard: true } });
  },

  async timeline(lab) {
    for (const port of [445, 2049]) await dropPort(lab, port);
    const blocked: Background[] = [smb, nfs].map((path) => lab.start(["stat", join(path, "blocked")]));
    await lab.sleep(3);
    const asked: Asked[] = [];
    for (const args of commands(lab.work)) {
      asked.push(await lab.step(`aod ${args.join(" ")}`, () => ask(lab, args)));
      lab.writeJson("asked.json", asked);
    }
    for (const cwd of [smb, nfs])
      asked.push(await lab.step(`aod show, in ${cwd}`, () => ask(lab, ["show", "servers"], cwd)));
    lab.writeJson("asked.json", asked);
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
    for (const { args, cwd, status, timedOut, stdout, stderr } of results.json("asked.json") as Asked[]) {
      const name = `aod ${args.join(" ")}${cwd === undefined ? "" : ` in ${cwd}`}`;
      assert.ok(!timedOut, `${name} does not end`);
      // The server has to be asked for the keys.
      assert.equal(status, args[0] === "keys" ? 1 : 0, `${name}: ${stderr}`);
      assert.notEqual(`${stdout}${stderr}`.trim(), "", `${name} says nothing`);
    }
  },
});
