import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import type { Answer } from "../../src/doctor/answer.ts";
import { isMounted, unmount } from "../guest/cifs.ts";
import { acceptPort, dropPort } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { addSmbUser, freezeSamba, type SmbOptions, sambaUser, startSamba, thawSamba } from "../guest/samba.ts";
import { commandOf, type ProxyRules, setStatus, startSmbProxy } from "../guest/smb-proxy.ts";
import { seenOn } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

interface Case {
  readonly name: string;
  readonly source?: string;
  readonly options?: string;
  readonly user?: string;
  readonly global?: SmbOptions;
  readonly before?: (lab: Lab) => Promise<void> | void;
  readonly after?: (lab: Lab) => Promise<void> | void;
  /** Further words of mount(8). */
  readonly flags?: readonly string[];
  /** What mount.cifs says; 0: it mounts. */
  readonly errno: number;
  /** Of who asks without mount.cifs there are words alone. */
  readonly words?: RegExp;
  /** What the kernel says. */
  readonly kernel?: RegExp;
  /** The doctor's verdict; absent: it is not asked. */
  readonly cause?: string;
}

const share = "//127.0.0.1/share";
const point = "/mnt/errors";

const guests: SmbOptions = { "map to guest": "bad user" };
const route = (kind: string, address: string) => ({
  before: (lab: Lab) => lab.run(["ip", "route", "add", kind, address]).then(() => {}),
  after: (lab: Lab) => lab.run(["ip", "route", "del", kind, address]).then(() => {}),
});
const rule = (...words: readonly string[]) => ({
  before: (lab: Lab) => lab.run(["iptables", "-w", "10", "-A", ...words]).then(() => {}),
  after: (lab: Lab) => lab.run(["iptables", "-w", "10", "-D", ...words]).then(() => {}),
});
const silent = (...ports: readonly number[]) => ({
  async before(lab: Lab) {
    for (const port of ports) await dropPort(lab, port);
  },
  async after(lab: Lab) {
    for (const port of ports) await acceptPort(lab, port);
  },
});
const proxied = (port: number, rules: ProxyRules) => ({
  options: `port=${port},vers=2.1`,
  before: (lab: Lab) => startSmbProxy(lab, port, rules),
});
const securityFlags = (flags: string) => (): void => writeFileSync("/proc/fs/cifs/SecurityFlags", flags);
const SESSION_SETUP = 1;
const TREE_CONNECT = 3;
const answered = (command: number, status: number): ProxyRules => ({
  answer: (message) => {
    if (commandOf(message) === command) setStatus(message, status);
  },
});
const at = (command: number, what: "end" | "reset"): ProxyRules => ({
  request: (message) => (commandOf(message) === command ? what : undefined),
});

const cases: readonly Case[] = [
  {
    name: "busy",
    errno: 16,
    before: (lab) => mount(lab, share, "", sambaUser.name).then(() => {}),
    after: (lab) => unmount(lab, point),
  },
  { name: "seal with an old dialect", options: "seal,vers=2.1", errno: 95, cause: "mount.encryption-mismatch" },
  { name: "a guest who is to sign", options: "sign", user: "stranger", errno: 13, cause: "mount.signing-mismatch" },
  { name: "no route", source: "//192.0.2.1/share", errno: 101, cause: "network.port-blocked" },
  {
    name: "an unreachable route",
    source: "//192.0.2.1/share",
    ...route("unreachable", "192.0.2.1"),
    errno: 113,
    cause: "network.port-blocked",
  },
  {
    name: "a prohibited route",
    source: "//192.0.2.1/share",
    ...route("prohibit", "192.0.2.1"),
    errno: 13,
    cause: "network.port-blocked",
  },
  {
    name: "a route into nothing",
    source: "//192.0.2.1/share",
    ...route("blackhole", "192.0.2.1"),
    errno: 22,
    cause: "network.port-blocked",
  },
  {
    name: "rejected as an unreachable host",
    options: "port=4460",
    ...rule(..."INPUT -i lo -p tcp --dport 4460 -j REJECT --reject-with icmp-host-unreachable".split(" ")),
    errno: 113,
    cause: "network.port-blocked",
  },
  {
    name: "reset at the first message",
    options: "port=4461",
    before: (lab) => startSmbProxy(lab, 4461, { request: () => "reset" }),
    errno: 112,
  },
  { name: "ended at the log-in", ...proxied(4462, at(SESSION_SETUP, "end")), errno: 11 },
  { name: "reset at the share", ...proxied(4463, at(TREE_CONNECT, "reset")), errno: 11 },
  { name: "silent port 445", ...silent(445), errno: 111, cause: "network.port-blocked" },
  { name: "silent ports 445 and 139", ...silent(445, 139), errno: 115, cause: "network.port-blocked" },
  { name: "silent port=", options: "port=4464", ...silent(4464), errno: 115, cause: "network.port-blocked" },
  {
    name: "one of two addresses is silent",
    source: "//twofaced/share",
    before: async (lab) => {
      appendFileSync("/etc/hosts", "127.0.0.9 twofaced\n127.0.0.1 twofaced\n");
      await lab.run(["iptables", "-w", "10", "-A", "INPUT", "-d", "127.0.0.9", "-j", "DROP"]);
    },
    after: (lab) => lab.run(["iptables", "-w", "10", "-D", "INPUT", "-d", "127.0.0.9", "-j", "DROP"]).then(() => {}),
    // It takes the other, which stands first.
    errno: 0,
    cause: "network.name-resolution",
  },
  { name: "a password that has to be changed", user: "aodmust", errno: 5, cause: "auth.bad-credentials" },
  {
    name: "a password that has expired",
    ...proxied(4468, {
      answer: (message) => {
        if (commandOf(message) === SESSION_SETUP && message.readUInt32LE(8) === 0) setStatus(message, 0xc000_0071);
      },
    }),
    errno: 127,
    cause: "auth.bad-credentials",
  },
  {
    name: "more connections than the share takes",
    source: "//127.0.0.1/one",
    options: "nosharesock",
    before: (lab) => mountAt(lab, "/mnt/errors-first", "//127.0.0.1/one", "", sambaUser.name).then(() => {}),
    after: (lab) => unmount(lab, "/mnt/errors-first"),
    errno: 11,
    cause: "unknown",
  },
  { name: "a status that is not translated", ...proxied(4465, answered(TREE_CONNECT, 0xc000_9999)), errno: 5 },
  { name: "a server out of memory", ...proxied(4466, answered(TREE_CONNECT, 0xc000_0017)), errno: 121 },
  {
    name: "a name that nobody resolves for the kernel",
    source: "//nosuch.invalid/share",
    flags: ["-i"],
    errno: 113,
    words: /No route to host/,
    kernel: /Unable to determine destination address/,
    cause: "network.name-resolution",
  },
  {
    name: "Kerberos that the server does not offer",
    options: "sec=krb5",
    errno: 126,
    kernel: /missing server auth type/,
  },
  { name: "frozen", before: freezeSamba, after: thawSamba, errno: 112, cause: "server.stalled" },
  {
    name: "a dialect that is too new",
    options: "vers=3.0",
    global: { "server max protocol": "SMB2_10" },
    errno: 95,
    cause: "mount.dialect-mismatch",
  },
  {
    name: "SMB 1 alone",
    global: { "server min protocol": "NT1", "server max protocol": "NT1" },
    errno: 112,
    cause: "mount.dialect-mismatch",
  },
  {
    name: "seal, and the server has none",
    options: "seal",
    global: { "server smb encrypt": "off" },
    errno: 95,
    cause: "mount.encryption-mismatch",
  },
  {
    name: "signing required and forbidden",
    global: { "server signing": "mandatory" },
    before: securityFlags("0x84"),
    after: securityFlags("0x85"),
    errno: 95,
    cause: "mount.signing-mismatch",
  },
  {
    name: "encryption required",
    options: "vers=2.1",
    global: { "server smb encrypt": "required" },
    errno: 13,
    cause: "mount.encryption-mismatch",
  },
];

const mount = (lab: Lab, source: string, options: string, user: string, flags: readonly string[] = []) =>
  mountAt(lab, point, source, options, user, flags);

async function mountAt(
  lab: Lab,
  where: string,
  source: string,
  options: string,
  user: string,
  flags: readonly string[] = [],
) {
  mkdirSync(where, { recursive: true });
  const all = [options, `username=${user}`].filter((one) => one !== "").join(",");
  const env = { PASSWD: sambaUser.password };
  const argv = ["mount", ...flags, "-t", "cifs", source, where, "-o", all];
  return lab.run(argv, { env, timeoutMs: 240_000, anyStatus: true });
}

interface Seen {
  readonly name: string;
  readonly status: number | null;
  readonly said: string;
  readonly kernel: string;
  readonly took_s: number;
  readonly answer?: Answer;
}

async function kernelLines(lab: Lab): Promise<readonly string[]> {
  return (await lab.run(["dmesg", "-t"])).stdout.split("\n").filter((line) => line !== "");
}

async function see(lab: Lab, one: Case): Promise<Seen> {
  const { name, source = share, options = "", user = sambaUser.name, flags, cause } = one;
  const before = (await kernelLines(lab)).length;
  const started = performance.now();
  const { status, stderr } = await mount(lab, source, options, user, flags);
  const took_s = Math.round((performance.now() - started) / 1000);
  if (status === 0) await unmount(lab, point);
  const kernel = (await kernelLines(lab)).slice(before).join("\n");
  const seen = { name, status, said: stderr.trim(), kernel, took_s };
  if (cause === undefined) return seen;
  const given = options === "" ? [] : ["-o", options];
  const argv = ["doctor", "mount", source, "--user", user, ...given, "--json"];
  const env = { PASSWD: sambaUser.password };
  return { ...seen, answer: JSON.parse((await lab.aod(argv, { env, timeoutMs: 200_000 })).stdout) };
}

export default defineScenario({
  name: "mount-errors",
  summary: "what mount.cifs and the kernel say of each fault, and that the doctor names its cause",
  kernels: seenOn("6.12"),
  timeLimitSeconds: 1500,
  // Of the cases those whose names it matches, e.g. `--set only=route`.
  settings: { only: "" },

  async setup(lab) {
    await lab.run(["modprobe", "cifs"]);
    mkdirSync(point, { recursive: true });
  },

  async timeline(lab) {
    lab.onEnd(`unmount ${point}`, async () => {
      if (isMounted(point)) await unmount(lab, point);
    });
    const only = new RegExp(lab.settings["only"] ?? "");
    const all: Seen[] = [];
    for (const one of cases.filter(({ name }) => only.test(name))) {
      await lab.step(one.name, async () => {
        const shares = { share: {}, one: { "max connections": "1" } };
        await startSamba(lab, { shares, global: { ...guests, ...one.global } });
        // LCT 0: it was never set by its owner.
        addSmbUser({ name: "aodmust", uid: 4713, changed: "00000000" });
        await one.before?.(lab);
        try {
          all.push(await see(lab, one));
        } finally {
          await one.after?.(lab);
        }
        lab.writeJson("seen.json", all);
      });
    }
    lab.writeJson("asked.json", lab.settings["only"] ?? "");
  },

  expect(results) {
    const all = results.json("seen.json") as readonly Seen[];
    const only = new RegExp(String(results.json("asked.json")));
    const wrong = cases
      .filter(({ name }) => only.test(name))
      .flatMap(({ name, errno, words, cause, kernel = /(?:)/ }) => {
        const seen = all.find((one) => one.name === name);
        const said = seen?.status === 0 ? 0 : Number(/mount error\((\d+)\)/.exec(seen?.said ?? "")?.[1]);
        const right =
          seen !== undefined &&
          (words === undefined ? said === errno : words.test(seen.said)) &&
          kernel.test(seen.kernel) &&
          seen.answer?.verdict.cause === cause;
        return right
          ? []
          : [`${name}: ${errno} ${cause}, and was ${seen?.answer?.verdict.cause}: ${seen?.said} ${seen?.kernel}`];
      });
    assert.deepEqual(wrong, []);
  },
});
