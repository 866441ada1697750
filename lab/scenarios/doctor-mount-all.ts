import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { Answer } from "../../src/doctor/answer.ts";
import { mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { sambaUser, startSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const unit = "/etc/systemd/system/mnt-refused.mount";
/** Nowhere to be seen in what the doctor shows. */
const credentials = "/etc/lab-credentials";
const password = sambaUser.password;
const good = [
  `//127.0.0.1/share /mnt/share cifs credentials=${credentials},vers=3.1.1,_netdev 0 0`,
  "127.0.0.1:/ /mnt/later nfs4 vers=4.2,noauto,x-systemd.automount 0 0",
];
const bad = [
  `//127.0.0.1/nosuch /mnt/nosuch cifs credentials=${credentials} 0 0`,
  "//127.0.0.1 /mnt/shareless cifs guest 0 0",
  "127.0.0.1:/ /mnt/mixed cifs guest 0 0",
];

/** Subject, what asks for it, cause. */
const healthy = [
  ["//127.0.0.1/share on /mnt/share", "/etc/fstab, mounted", "ok"],
  ["127.0.0.1:/ on /mnt/later", "/etc/fstab", "ok"],
  ["127.0.0.1:/ on /mnt/nfs", "mounted", "ok"],
] as const;
const faulty = [
  ["//127.0.0.1 on /mnt/shareless", "/etc/fstab", "mount.share-not-found"],
  ["//127.0.0.1/nosuch on /mnt/nosuch", "/etc/fstab", "mount.share-not-found"],
  ["127.0.0.1:/ on /mnt/mixed", "/etc/fstab", "mount.share-not-found"],
  ["127.0.0.1:/ on /mnt/refused", unit, "server.down"],
] as const;

interface Asked {
  readonly status: number | null;
  readonly answers: readonly Answer[];
}

async function all(lab: Lab, ...more: readonly string[]): Promise<Asked> {
  const argv = ["doctor", "mount", "--all", "--json", ...more];
  const { status, stdout } = await lab.aod(argv, { timeoutMs: 300_000, anyStatus: true });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { status, answers: lines.map((line) => JSON.parse(line)) };
}

export default defineScenario({
  name: "doctor-mount-all",
  summary: "aod doctor mount --all: what is mounted, and what fstab and a mount unit ask for, right and wrong",
  kernels: seenOn("6.1", "6.12", "7.2"),
  timeLimitSeconds: 600,

  async setup(lab) {
    await startSamba(lab);
    await startNfsd(lab, { threads: 3 });
    writeFileSync(credentials, `username=${sambaUser.name}\npassword=${password}\n`, { mode: 0o600 });
    await mountCifs(lab);
    await mountNfs(lab);
    mkdirSync("/etc/systemd/system", { recursive: true });
  },

  async timeline(lab) {
    lab.onEnd("remove fstab", async () => {
      for (const path of ["/etc/fstab", unit]) rmSync(path, { force: true });
    });
    await lab.step("healthy", async () => {
      writeFileSync("/etc/fstab", `${good.join("\n")}\n`);
      rmSync(unit, { force: true });
      lab.writeJson("healthy.json", await all(lab, "--check"));
    });
    await lab.step("mounted for real too", async () => lab.writeJson("tried.json", await all(lab, "--check", "--try")));
    await lab.step("faulty", async () => {
      writeFileSync("/etc/fstab", `${[...good, ...bad].join("\n")}\n`);
      writeFileSync(unit, "[Mount]\nWhat=127.0.0.1:/\nWhere=/mnt/refused\nType=nfs\nOptions=vers=4.2,port=2050\n");
      lab.writeJson("faulty.json", await all(lab, "--check"));
      const { stdout } = await lab.aod(["doctor", "mount", "--all"], { timeoutMs: 300_000 });
      lab.write("faulty.txt", stdout);
    });
  },

  expect(results) {
    const told = (name: string): readonly (readonly [string, string | undefined, string])[] =>
      (results.json(name) as Asked).answers
        .map(({ subject, from, verdict }) => [subject, from, verdict.cause] as const)
        .toSorted(([left], [right]) => (left < right ? -1 : 1));
    assert.deepEqual(told("healthy.json"), healthy);
    assert.equal((results.json("healthy.json") as Asked).status, 0);
    const tried = results.json("tried.json") as Asked;
    assert.equal(tried.status, 0);
    for (const { subject, steps } of tried.answers)
      assert.equal(steps.find(({ name }) => name === "try")?.result, "ok", subject);
    const both = [...healthy, ...faulty].toSorted(([left], [right]) => (left < right ? -1 : 1));
    assert.deepEqual(told("faulty.json"), both);
    assert.equal((results.json("faulty.json") as Asked).status, 1);
    const text = results.text("faulty.txt");
    assert.match(text, /\n7 looked at: 3 ok, 4 not\n/);
    for (const [subject, from, cause] of both)
      assert.ok(
        text.split("\n").some((line) => line.trim() === `${cause.padEnd(21)}  ${subject} (${from})`),
        `${subject}: ${text}`,
      );
  },
});
