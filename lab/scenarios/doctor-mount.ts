import assert from "node:assert/strict";
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Answer } from "../../src/doctor/answer.ts";
import { acceptPort, clearImpairment, dropPort, impair } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { addSmbUser, freezeSamba, type SmbOptions, sambaUser, startSamba, thawSamba } from "../guest/samba.ts";
import { commandOf, startSmbProxy } from "../guest/smb-proxy.ts";
import { seenOn } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

/** Never the right one, and nowhere to be seen in what the doctor or the system shows. */
const wrongPassword = "planted-5ecret-of-nobody";

interface Case {
  readonly name: string;
  /** Of `aod doctor mount`. */
  readonly argv: readonly string[];
  readonly password?: string;
  /** Of the whole server; one that is as the case before needs no restart. */
  readonly global?: SmbOptions;
  readonly before?: (lab: Lab) => Promise<void> | void;
  readonly after?: (lab: Lab) => Promise<void> | void;
  readonly cause: string;
  /** What the verdict or a step says. */
  readonly says: RegExp;
  /** The kernel of the lab to which it is no fault. */
  readonly knownTo?: string;
}

const share = "//127.0.0.1/share";
const asUser = ["--user", sambaUser.name];
const { password } = sambaUser;

const securityFlags = (flags: string) => (): void => writeFileSync("/proc/fs/cifs/SecurityFlags", flags);

/** In the order in which the server needs the fewest starts. */
const cases: readonly Case[] = [
  { name: "all well", argv: [share, ...asUser, "--try"], password, cause: "ok", says: /mounted for real within/ },
  {
    name: "wrong password",
    argv: [share, ...asUser, "--try"],
    password: wrongPassword,
    cause: "auth.bad-credentials",
    says: /mount error\(13\)/,
  },
  {
    name: "unknown user",
    argv: [share, "--user", "stranger"],
    password: wrongPassword,
    cause: "auth.bad-credentials",
    says: /STATUS_LOGON_FAILURE/,
  },
  {
    name: "disabled account",
    argv: [share, "--user", "aodoff", "--try"],
    password,
    cause: "auth.account-disabled",
    says: /mount error\(128\)/,
  },
  {
    name: "missing share",
    argv: ["//127.0.0.1/nosuch", ...asUser, "--try"],
    password,
    cause: "mount.share-not-found",
    says: /mount error\(2\)/,
  },
  {
    name: "missing directory",
    argv: [`${share}/no/such`, ...asUser],
    password,
    cause: "mount.share-not-found",
    says: /STATUS_OBJECT_PATH_NOT_FOUND/,
  },
  {
    name: "option unknown to the kernel",
    argv: [share, ...asUser, "-o", "vers=3.1.1,sael", "--try"],
    password,
    cause: "mount.option-unknown",
    says: /mount error\(22\)/,
  },
  {
    name: "option newer than the kernel",
    argv: [share, ...asUser, "-o", "symlinkroot=/mnt"],
    password,
    cause: "mount.option-unknown",
    says: /the cifs module of \d+\.\S* has no such option/,
    knownTo: "7.2",
  },
  {
    name: "credentials file missing",
    argv: [share, "-o", "credentials=/etc/no-such-file"],
    cause: "auth.bad-credentials",
    says: /is not there/,
  },
  {
    name: "name unknown",
    argv: ["//nosuch.invalid/share", ...asUser],
    password,
    cause: "network.name-resolution",
    says: /nosuch\.invalid/,
  },
  {
    name: "name with one dead address",
    argv: ["//twofaced/share", ...asUser],
    password,
    before: async (lab) => {
      appendFileSync("/etc/hosts", "127.0.0.9 twofaced\n127.0.0.1 twofaced\n");
      await lab.run(["iptables", "-w", "10", "-A", "INPUT", "-d", "127.0.0.9", "-j", "DROP"]);
    },
    after: (lab) => lab.run(["iptables", "-w", "10", "-D", "INPUT", "-d", "127.0.0.9", "-j", "DROP"]).then(() => {}),
    cause: "network.name-resolution",
    says: /twofaced has 2 addresses, and 127\.0\.0\.9 is dead/,
  },
  {
    name: "port refused",
    argv: [share, ...asUser, "-o", "port=4459", "--try"],
    password,
    cause: "server.down",
    says: /mount error\(111\)/,
  },
  {
    name: "port rejected",
    argv: [share, ...asUser, "-o", "port=4460"],
    password,
    before: (lab) => reject(lab, "-A", "icmp-admin-prohibited"),
    after: (lab) => reject(lab, "-D", "icmp-admin-prohibited"),
    cause: "network.port-blocked",
    says: /EHOSTUNREACH/,
  },
  {
    name: "port rejected as if it were closed",
    argv: [share, ...asUser, "-o", "port=4460"],
    password,
    before: (lab) => reject(lab, "-A", "icmp-port-unreachable"),
    after: (lab) => reject(lab, "-D", "icmp-port-unreachable"),
    cause: "network.port-blocked",
    says: /own firewall throws away.*icmp-port-unreachable/,
  },
  {
    name: "port filtered",
    argv: [share, ...asUser],
    password,
    before: (lab) => impair(lab, { delayMs: 0, lossPercent: 100 }),
    after: clearImpairment,
    cause: "network.port-blocked",
    says: /does not answer while the host does/,
  },
  {
    name: "port filtered by this machine",
    argv: [share, ...asUser],
    password,
    before: (lab) => dropPort(lab, 445),
    after: (lab) => acceptPort(lab, 445),
    cause: "network.port-blocked",
    says: /own firewall throws away.*--dport 445 -j DROP/,
  },
  {
    name: "clock 10 minutes off",
    argv: [share, ...asUser, "-o", "port=4461,vers=2.1"],
    password,
    before: (lab) => clockProxy(lab, 4461, 600),
    cause: "auth.clock-skew",
    says: /10 min ahead/,
  },
  {
    name: "server frozen",
    argv: [share, ...asUser],
    password,
    before: freezeSamba,
    after: thawSamba,
    cause: "server.stalled",
    says: /takes connections and answers nothing/,
  },
  {
    name: "dialect too old",
    argv: [share, ...asUser, "-o", "vers=2.1", "--try"],
    password,
    global: { "server min protocol": "SMB3_11" },
    cause: "mount.dialect-mismatch",
    says: /too old/,
  },
  {
    name: "dialect too new",
    argv: [share, ...asUser, "-o", "vers=3.0", "--try"],
    password,
    global: { "server max protocol": "SMB2_10" },
    cause: "mount.dialect-mismatch",
    says: /too new/,
  },
  {
    name: "SMB 1 alone",
    argv: [share, ...asUser],
    password,
    global: { "server min protocol": "NT1", "server max protocol": "NT1" },
    cause: "mount.dialect-mismatch",
    says: /speaks SMB 1 alone/,
  },
  {
    name: "signing required",
    argv: [share, ...asUser, "--try"],
    password,
    global: { "server signing": "mandatory" },
    before: securityFlags("0x84"),
    after: securityFlags("0x85"),
    cause: "mount.signing-mismatch",
    says: /SecurityFlags is 0x84/i,
  },
  {
    name: "signing required and allowed",
    argv: [share, ...asUser],
    password,
    global: { "server signing": "mandatory" },
    cause: "ok",
    says: /the server wants it signed/,
  },
  {
    name: "encryption required",
    argv: [share, ...asUser, "-o", "vers=2.1", "--try"],
    password,
    global: { "smb encrypt": "required" },
    cause: "mount.encryption-mismatch",
    says: /let in, and asked to encrypt/,
  },
  {
    name: "encryption required and possible",
    argv: [share, ...asUser, "--try"],
    password,
    global: { "smb encrypt": "required" },
    cause: "ok",
    says: /wants the session encrypted/,
  },
];

async function reject(lab: Lab, change: "-A" | "-D", by: string): Promise<void> {
  const rule = ["INPUT", "-i", "lo", "-p", "tcp", "--dport", "4460", "-j", "REJECT", "--reject-with", by];
  await lab.run(["iptables", "-w", "10", change, ...rule]);
}

/** A way to the server on which its clock is `seconds` ahead: SystemTime of the answer to NEGOTIATE, MS-SMB2 2.2.4. */
function clockProxy(lab: Lab, port: number, seconds: number): Promise<void> {
  const at = 64 + 40;
  const answer = (message: Buffer): void => {
    if (commandOf(message) === 0)
      message.writeBigUInt64LE(message.readBigUInt64LE(at) + BigInt(seconds) * 10_000_000n, at);
  };
  return startSmbProxy(lab, port, { answer });
}

interface Ran {
  readonly name: string;
  readonly took_s: number;
  readonly answer?: Answer;
  readonly error?: string;
}

async function runCase(lab: Lab, one: Case): Promise<Ran> {
  await startSamba(lab, one.global === undefined ? {} : { global: one.global });
  addSmbUser({ name: "aodoff", uid: 4712, flags: "DU" });
  await one.before?.(lab);
  const started = performance.now();
  try {
    const env = { ...lab.aodEnvironment, ...(one.password !== undefined && { PASSWD: one.password }) };
    const ran = await lab.run(lab.aodArgv(["doctor", "mount", ...one.argv, "--json"]), {
      env,
      timeoutMs: 200_000,
      anyStatus: true,
    });
    lab.write(`${one.name.replaceAll(" ", "-")}.stderr`, ran.stderr);
    const took_s = Math.round((performance.now() - started) / 1000);
    if (ran.status !== 0) return { name: one.name, took_s, error: ran.stderr };
    return { name: one.name, took_s, answer: JSON.parse(ran.stdout) as Answer };
  } finally {
    await one.after?.(lab);
  }
}

export default defineScenario({
  name: "doctor-mount",
  summary:
    "each fault that keeps an SMB share from being mounted, made for real: the doctor's verdict, and what mount(8) says",
  kernels: seenOn("6.12", "7.2"),
  timeLimitSeconds: 1200,
  // Of the cases those whose names it matches, e.g. `--set only=dialect`.
  settings: { only: "" },

  async setup(lab) {
    await lab.run(["modprobe", "cifs"]);
    mkdirSync(lab.work, { recursive: true });
    chmodSync("/etc/hosts", 0o644);
  },

  async timeline(lab) {
    const all: Ran[] = [];
    const only = new RegExp(lab.settings["only"] ?? "");
    for (const one of cases.filter(({ name }) => only.test(name))) {
      await lab.step(one.name, async () => {
        all.push(await runCase(lab, one));
      });
      lab.writeJson("cases.json", all);
    }
    lab.writeJson("asked.json", lab.settings["only"] ?? "");
    lab.writeJson("left.json", {
      mounts: readFileSync("/proc/self/mounts", "utf8")
        .split("\n")
        .filter((line) => / cifs /.test(line)),
      directories: (await lab.run(["sh", "-c", "ls -d /run/aod-mount-* 2>/dev/null || true"])).stdout,
    });
  },

  expect(results) {
    const all = results.json("cases.json") as readonly Ran[];
    const only = new RegExp(String(results.json("asked.json")));
    const wrong = cases
      .filter(({ name }) => only.test(name))
      .flatMap(({ name, knownTo, ...fault }) => {
        const { cause, says } = knownTo === results.kernel ? { cause: "ok", says: /./ } : fault;
        const ran = all.find((one) => one.name === name);
        const text = JSON.stringify(ran?.answer ?? ran?.error ?? "not run");
        const right = ran?.answer?.verdict.cause === cause && says.test(text.replaceAll("\\\\", "\\"));
        return right ? [] : [`${name}: ${ran?.answer?.verdict.cause} for ${cause}, ${says}: ${text}`];
      });
    assert.deepEqual(wrong, []);
    assert.doesNotMatch(JSON.stringify(all), new RegExp(wrongPassword));
    assert.deepEqual(results.json("left.json"), { mounts: [], directories: "" });
  },
});
