import assert from "node:assert/strict";
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { mountCifs, unmount } from "../guest/cifs.ts";
import {
  kadmin,
  kerberosSamba,
  kerberosServer,
  kinit,
  launchKdc,
  startKdc,
  stopKdc,
  writeKrb5Conf,
} from "../guest/kerberos.ts";
import type { Lab } from "../guest/lab.ts";
import { sambaUser, shareDirectory, startSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const { uid, name: user } = sambaUser;
const cache = `/tmp/krb5cc_${uid}`;
const rule = "/etc/request-key.d/cifs.spnego.conf";
const upcall = "/usr/sbin/cifs.upcall";
const alias = "alias.lab.test";
const share = `//${kerberosServer}/share`;
const point = "/mnt/kerberos";

/** A fault, what undoes it, and what the doctor is to say. */
interface Case {
  readonly name: string;
  readonly cause: string;
  readonly about?: string;
  /** Exit status of mount(8) by the same name: 0, or 32 for a mount that failed. */
  readonly mounts: boolean;
  readonly set: (lab: Lab) => Promise<void> | void;
  readonly undo?: (lab: Lab) => Promise<void> | void;
}

const ticket = async (lab: Lab, lifetime = "1h"): Promise<void> => {
  await kinit(lab, user, uid, lifetime, `FILE:${cache}`);
};
const away = (path: string): void => renameSync(path, `${path}.away`);
const back = (path: string): void => renameSync(`${path}.away`, path);
const drop = ["INPUT", "-i", "lo", "--dport", "88", "-j", "DROP"];
const packets = async (lab: Lab, action: "-A" | "-D"): Promise<void> => {
  for (const protocol of ["udp", "tcp"])
    await lab.run(["iptables", "-w", "10", action, "INPUT", "-p", protocol, ...drop.slice(1)]);
};

const cases: readonly Case[] = [
  { name: "no ticket", cause: "auth.no-ticket", mounts: false, set: () => rmSync(cache, { force: true }) },
  {
    name: "expired ticket",
    cause: "auth.ticket-expired",
    mounts: false,
    async set(lab) {
      await ticket(lab, "2s");
      await lab.sleep(5);
    },
    undo: (lab) => ticket(lab),
  },
  {
    name: "missing request-key rule",
    cause: "auth.upcall-missing",
    mounts: false,
    set: () => away(rule),
    undo: () => back(rule),
  },
  {
    name: "missing cifs.upcall",
    cause: "auth.upcall-missing",
    mounts: false,
    set: () => away(upcall),
    undo: () => back(upcall),
  },
  { name: "wrong SPN", cause: "auth.wrong-spn", about: `//${alias}/share`, mounts: false, set: () => {} },
  {
    name: "the server's address in the place of its name",
    cause: "auth.wrong-spn",
    about: "//127.0.0.1/share",
    mounts: false,
    set: () => {},
  },
  {
    name: "ticket of somebody else",
    cause: "auth.no-ticket",
    about: share,
    mounts: false,
    set: () => chownSync(cache, 0, 0),
    undo: () => chownSync(cache, uid, uid),
  },
  {
    name: "clock 10 minutes off",
    cause: "auth.clock-skew",
    mounts: false,
    async set(lab) {
      await stopKdc();
      await launchKdc(lab, 600);
    },
  },
  {
    name: "KDC down",
    cause: "server.down",
    mounts: false,
    set: async () => stopKdc(),
    undo: (lab) => launchKdc(lab),
  },
  {
    name: "KDC behind a firewall",
    cause: "network.port-blocked",
    mounts: false,
    set: (lab) => packets(lab, "-A"),
    undo: (lab) => packets(lab, "-D"),
  },
  {
    name: "account disabled",
    cause: "auth.account-disabled",
    mounts: false,
    async set(lab) {
      await ticket(lab, "2s");
      await kadmin(lab, `modprinc -allow_tix ${user}`);
      await lab.sleep(3);
    },
    async undo(lab) {
      await kadmin(lab, `modprinc +allow_tix ${user}`);
      await ticket(lab);
    },
  },
  { name: "healthy", cause: "ok", mounts: true, set: () => {} },
];

interface Seen {
  readonly name: string;
  readonly cause: string;
  readonly mounts: boolean;
  readonly answer: unknown;
  /** What mount(8) says of the same case. */
  readonly mount: string;
  readonly mountStatus: number | null;
}

async function doctor(lab: Lab, about: string): Promise<unknown> {
  const argv = ["doctor", "kerberos", about, "--user", user, "--json"];
  return JSON.parse((await lab.aod(argv, { timeoutMs: 170_000 })).stdout);
}

export default defineScenario({
  name: "doctor-kerberos",
  summary:
    "a mount with sec=krb5 against a real KDC and Samba works, and aod doctor kerberos names the cause when it does not",
  kernels: seenOn("6.1", "6.12", "7.2"),
  timeLimitSeconds: 1500,

  async setup(lab) {
    await startKdc(lab);
    await startSamba(lab, { global: kerberosSamba });
    await kadmin(lab, `modprinc +requires_preauth ${user}`);
    appendFileSync("/etc/hosts", `127.0.0.2 ${alias}\n`);
    mkdirSync(point, { recursive: true });
  },

  async timeline(lab) {
    const options = { sec: "krb5", cruid: uid, ip: "127.0.0.1" };
    await lab.step("a mount by Kerberos works, with its ticket in a keyring", async () => {
      await kinit(lab, user, uid, "1h");
      await mountCifs(lab, { server: kerberosServer, mountPoint: point, options });
      writeFileSync(join(point, "by-ticket"), "written with a ticket\n");
      lab.write("on-server.txt", readFileSync(join(shareDirectory("share"), "by-ticket")));
      lab.write("mounts.txt", readFileSync("/proc/self/mounts"));
      const argv = ["doctor", "kerberos", point];
      lab.write("mounted.txt", (await lab.aod(argv, { timeoutMs: 170_000 })).stdout);
      lab.write("mounted.json", (await lab.aod([...argv, "--json"], { timeoutMs: 170_000 })).stdout);
      await unmount(lab, point);
      await lab.run([
        "setpriv",
        `--reuid=${uid}`,
        `--regid=${uid}`,
        "--clear-groups",
        "kdestroy",
        "-c",
        `KEYRING:persistent:${uid}`,
      ]);
    });
    writeKrb5Conf("FILE:/tmp/krb5cc_%{uid}");
    const seen: Seen[] = [];
    for (const { name, cause, about = share, mounts, set, undo } of cases) {
      await lab.step(name, async () => {
        await set(lab);
        const mount = ["mount", "-t", "cifs", about, point, "-o", `sec=krb5,cruid=${uid},ip=127.0.0.1,vers=3.1.1`];
        const tried = await lab.run(mount, { timeoutMs: 90_000, anyStatus: true });
        if (tried.status === 0) await unmount(lab, point);
        const answer = await doctor(lab, about);
        seen.push({ name, cause, mounts, answer, mount: tried.stderr.split("\n")[0] ?? "", mountStatus: tried.status });
        lab.writeJson("seen.json", seen);
        await undo?.(lab);
      });
    }
    await lab.run(["dmesg"]).then(({ stdout }) => lab.write("dmesg.txt", stdout));
    assert.ok(existsSync(rule) && existsSync(upcall));
  },

  expect(results) {
    assert.equal(results.text("on-server.txt"), "written with a ticket\n");
    assert.match(results.text("mounts.txt"), /\/mnt\/kerberos cifs [^\n]*sec=krb5,cruid=4711/);
    const mounted = results.json("mounted.json") as { verdict: { cause: string }; steps: { evidence: string }[] };
    assert.equal(mounted.verdict.cause, "ok", results.text("mounted.txt"));
    assert.ok(mounted.steps.some(({ evidence }) => evidence.includes(`KEYRING:persistent:${uid}`)));
    const seen = results.json("seen.json") as readonly (Seen & { answer: { verdict: { cause: string } } })[];
    assert.deepEqual(
      seen.map(({ name, answer }) => [name, answer.verdict.cause]),
      cases.map(({ name, cause }) => [name, cause]),
    );
    // What mount(2) said beside it: a fault that does not keep the share from being mounted is none.
    for (const { name, mounts, mountStatus, mount } of seen)
      assert.equal(mountStatus === 0, mounts, `${name}: ${mount}`);
  },
});
