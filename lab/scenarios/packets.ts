import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { startCapture } from "../guest/capture.ts";
import { type MountOptions, mountCifs, unmount } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { freezeSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

const aod = resolve(import.meta.dirname, "../../bin/aod");
const path = "/mnt/share";
const secret = "the orchard is behind the mill";
const gcm256 = "/sys/module/cifs/parameters/require_gcm_256";

interface Session {
  readonly name: string;
  readonly cipher: string;
  readonly options: MountOptions;
}

const sessions: readonly Session[] = [
  { name: "gcm", cipher: "AES-128-GCM", options: { seal: true } },
  { name: "ccm", cipher: "AES-128-CCM", options: { seal: true, vers: "3.0" } },
  { name: "gcm256", cipher: "AES-256-GCM", options: { seal: true } },
];

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

/** `aod keys`, with what it says. */
async function aodKeys(lab: Lab, ...args: string[]): Promise<Ended> {
  const { status, stdout, stderr } = await lab.aod(["keys", ...args], { anyStatus: true, timeoutMs: 60_000 });
  return { status, stdout, stderr };
}

async function encryptedSession(lab: Lab, { name, options }: Session): Promise<Ended> {
  await mountCifs(lab, { options: { actimeo: 0, cache: "none", ...options } });
  const file = join(path, `letter-${name}.txt`);
  await lab.run(["dd", `of=${file}`, "conv=fsync", "status=none"], { input: secret });
  await lab.run(["cat", file]);
  await lab.run(["cat", join(path, "missing")], { anyStatus: true });
  // Of the mount point, and of a file on it.
  const out = join(lab.work, `${name}.keys`);
  const ended = await aodKeys(lab, name === "gcm" ? path : file, "--out", out);
  if (ended.status === 0) {
    const { mode } = statSync(out);
    lab.write(`${name}.mode`, (mode & 0o777).toString(8));
    lab.write(`${name}.keys`, readFileSync(out));
  }
  await lab.run(["ls", path]);
  await unmount(lab, path);
  return ended;
}

export default defineScenario({
  name: "packets",
  summary: "aod keys takes the keys of encrypted mounts, and aod packets reads with them what was captured",
  kernels: seenOn("5.10", "6.1", "6.12", "7.2"),
  timeLimitSeconds: 300,

  async setup(lab) {
    await startSamba(lab);
    await lab.run(["modprobe", "cifs"]);
  },

  async timeline(lab) {
    const said: Record<string, Ended> = {};
    const capture = await startCapture(lab, "smb", 445);
    for (const session of sessions) {
      if (session.name === "gcm256") {
        if (!existsSync(gcm256)) continue;
        writeFileSync(gcm256, "1");
      }
      await lab.step(session.name, async () => {
        said[session.name] = await encryptedSession(lab, session);
      });
    }
    if (existsSync(gcm256)) writeFileSync(gcm256, "0");
    await capture.stop();

    await mountCifs(lab, { options: { actimeo: 0 } });
    await lab.step("a session that is not encrypted", async () => {
      said["plain"] = await aodKeys(lab, path, "--out", join(lab.work, "plain.keys"));
    });
    await lab.step("a file that is there", async () => {
      said["again"] = await aodKeys(lab, path, "--out", join(lab.work, "gcm.keys"));
    });
    await lab.step("a server that does not answer", async () => {
      freezeSamba(lab);
      said["frozen"] = await aodKeys(lab, path, "--out", join(lab.work, "frozen.keys"), "--timeout", "3");
      thawSamba();
    });
    lab.writeJson("said.json", said);
  },

  expect(results) {
    const said = results.json("said.json") as Record<string, Ended>;
    assert.equal(said["plain"]?.status, 3);
    assert.match(said["plain"]?.stderr ?? "", /is not encrypted/);
    assert.equal(said["again"]?.status, 2);
    assert.match(said["again"]?.stderr ?? "", /is there already/);
    assert.equal(said["frozen"]?.status, 1);
    assert.match(said["frozen"]?.stderr ?? "", /did not answer within 3 s/);
    const sealed = packets(results);
    assert.equal(sealed.encrypted.decrypted, 0);
    assert.ok(sealed.encrypted.messages > 20);
    assert.doesNotMatch(sealed.text, /SMB2_WRITE/);
    // 5.10 gives keys of 128 bits alone (CIFS_DUMP_KEY).
    const tooLong = results.kernel === "5.10" ? "gcm256" : undefined;
    if (tooLong !== undefined) {
      assert.equal(said[tooLong]?.status, 3);
      assert.match(said[tooLong]?.stderr ?? "", /the kernel does not give the keys .*: it is too old/);
    }
    for (const { name, cipher } of sessions.filter(({ name }) => name in said && name !== tooLong))
      judge(results, name, cipher, said[name]);
  },
});

function judge(results: Results, name: string, cipher: string, ended: Ended | undefined): void {
  assert.equal(ended?.status, 0, `${name}: ${ended?.stderr}`);
  assert.match(ended?.stdout ?? "", new RegExp(cipher));
  assert.match(ended?.stdout ?? "", /WARNING/);
  assert.equal(results.text(`${name}.mode`), "600");
  // What is printed has no key in it.
  const [, ...keys] = (results.text(`${name}.keys`).match(/^[0-9a-f].*$/m)?.[0] ?? "").split(",");
  assert.equal(keys.length, 3);
  for (const key of keys) assert.ok(!ended?.stdout.includes(key), `${name}: a key was printed`);
  const { text, encrypted } = packets(results, name);
  assert.ok(encrypted.decrypted > 10, `${name}: ${encrypted.decrypted} messages decrypted`);
  for (const command of ["SMB2_CREATE", "SMB2_WRITE", "SMB2_READ", "SMB2_CLOSE", "SMB2_TREE_DISCONNECT"]) {
    assert.match(text, new RegExp(`"${command}"`), `${name}: ${command}`);
  }
  assert.match(text, /"SMB2_CREATE","status":"STATUS_OBJECT_NAME_NOT_FOUND"/, name);
}

interface Sealed {
  readonly messages: number;
  readonly decrypted: number;
}

/** Of all connections. */
function packets(results: Results, keys?: string): { readonly text: string; readonly encrypted: Sealed } {
  const more = keys === undefined ? [] : ["--keys", results.path(`${keys}.keys`)];
  const ran = spawnSync(aod, ["packets", results.path("smb.pcap"), "--json", ...more], { encoding: "utf8" });
  assert.equal(ran.status, 0, ran.stderr);
  const lines = ran.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly smb?: { readonly encrypted: Sealed } });
  const all = lines.flatMap(({ smb }) => (smb === undefined ? [] : [smb.encrypted]));
  const sum = (of: keyof Sealed): number => all.reduce((total, one) => total + one[of], 0);
  return { text: ran.stdout, encrypted: { messages: sum("messages"), decrypted: sum("decrypted") } };
}
