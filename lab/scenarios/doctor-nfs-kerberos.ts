import assert from "node:assert/strict";
import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer } from "../../src/doctor/answer.ts";
import type { CauseId } from "../../src/doctor/causes.ts";
import { isMounted, unmount } from "../guest/cifs.ts";
import { kadmin, kerberosServer, kinit, launchKdc, startKdc, stopKdc, writeKrb5Conf } from "../guest/kerberos.ts";
import type { Lab } from "../guest/lab.ts";
import { exportDirectory, startNfsd } from "../guest/nfs.ts";
import { machineKeytab, startGssd, startSvcgssd, stopGssd, writeNfsKey } from "../guest/nfs-kerberos.ts";
import { sambaUser } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const { uid, name: user } = sambaUser;
const cache = `/tmp/krb5cc_${uid}`;
const alias = "alias.lab.test";
const source = `${kerberosServer}:/`;
const point = "/mnt/nfs-kerberos";

interface Case {
  readonly name: string;
  readonly cause: CauseId;
  readonly source?: string;
  /** Exit status 0 of mount(8), and what it says where it is another. */
  readonly mounts: true | RegExp;
  readonly set?: (lab: Lab) => Promise<void> | void;
  readonly undo?: (lab: Lab) => Promise<void> | void;
}

/** What mount.nfs says of whatever keeps the client from a security context. */
const denied = /access denied by server while mounting/;

const cases: readonly Case[] = [
  { name: "healthy", cause: "ok", mounts: true },
  { name: "another name of the server", cause: "auth.wrong-spn", source: `${alias}:/`, mounts: denied },
  {
    name: "no keytab",
    cause: "nfs.gss-failure",
    mounts: denied,
    async set(lab) {
      await stopGssd();
      renameSync(machineKeytab, `${machineKeytab}.away`);
      await startGssd(lab);
    },
    async undo(lab) {
      await stopGssd();
      renameSync(`${machineKeytab}.away`, machineKeytab);
      await startGssd(lab);
    },
  },
  {
    name: "KDC down",
    cause: "server.down",
    mounts: denied,
    async set(lab) {
      await stopGssd();
      await stopKdc();
      await startGssd(lab);
    },
    undo: (lab) => launchKdc(lab),
  },
  { name: "rpc.gssd stopped", cause: "nfs.gss-failure", mounts: /incorrect mount option was specified/, set: stopGssd },
];

interface Seen {
  readonly name: string;
  readonly status: number | null;
  readonly said: string;
  readonly kerberos: Answer;
  readonly mount: Answer;
}

const doctor = async (lab: Lab, ...argv: readonly string[]): Promise<Answer> =>
  JSON.parse((await lab.aod(["doctor", ...argv, "--json"], { timeoutMs: 200_000 })).stdout);

export default defineScenario({
  name: "doctor-nfs-kerberos",
  summary: "NFS with sec=krb5 against a real KDC and server works, and both doctors name the cause when it does not",
  kernels: seenOn("6.12"),
  timeLimitSeconds: 900,

  async setup(lab) {
    await startKdc(lab, ["root"]);
    await startNfsd(lab, { threads: 3, export: ["sec=krb5:krb5i:krb5p"] });
    await writeNfsKey(lab);
    await kadmin(lab, `modprinc +requires_preauth ${user}`);
    writeKrb5Conf("FILE:/tmp/krb5cc_%{uid}");
    appendFileSync("/etc/passwd", `${user}:x:${uid}:${uid}::/nonexistent:/usr/sbin/nologin\n`);
    appendFileSync("/etc/hosts", `127.0.0.1 ${alias}\n`);
    mkdirSync(point, { recursive: true });
    // The machine's key is nobody's on the server.
    chmodSync(exportDirectory, 0o777);
    await startSvcgssd(lab);
    await startGssd(lab);
  },

  async timeline(lab) {
    lab.onEnd(`unmount ${point}`, async () => {
      if (isMounted(point)) await unmount(lab, point);
    });
    const asUser = async (name: string): Promise<void> => {
      const as = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
      const ran = await lab.run([...as, "ls", point], { anyStatus: true, timeoutMs: 120_000 });
      const answer = await doctor(lab, "kerberos", point, "--user", user);
      lab.writeJson(`user-${name}.json`, { status: ran.status, said: ran.stderr, answer });
    };
    await lab.step("a mount by Kerberos works, for root and for a user with a ticket", async () => {
      await lab.run(["mount", "-t", "nfs", source, point, "-o", "sec=krb5p,vers=4.2"], { timeoutMs: 120_000 });
      lab.write("mounts.txt", readFileSync("/proc/self/mounts"));
      writeFileSync(join(point, "by-ticket"), "written with a ticket\n");
      lab.write("on-server.txt", readFileSync(join(exportDirectory, "by-ticket")));
      lab.write("mounted.txt", (await lab.aod(["doctor", "kerberos", point], { timeoutMs: 170_000 })).stdout);
      lab.writeJson("mounted.json", await doctor(lab, "kerberos", point));
      rmSync(cache, { force: true });
      await asUser("no-ticket");
      await kinit(lab, user, uid, "4s", `FILE:${cache}`);
      await lab.sleep(6);
      await asUser("expired");
      await kinit(lab, user, uid, "1h", `FILE:${cache}`);
      await lab.sleep(6);
      await asUser("ticket");
      await unmount(lab, point);
    });
    const seen: Seen[] = [];
    for (const { name, source: from = source, set, undo } of cases) {
      await lab.step(name, async () => {
        await set?.(lab);
        const argv = ["mount", "-t", "nfs", from, point, "-o", "sec=krb5,vers=4.2,retry=0"];
        const { status, stderr } = await lab.run(argv, { timeoutMs: 150_000, anyStatus: true });
        if (status === 0) await unmount(lab, point);
        const kerberos = await doctor(lab, "kerberos", from);
        const mount = await doctor(lab, "mount", from, "-o", "sec=krb5,vers=4.2");
        seen.push({ name, status, said: stderr.trim(), kerberos, mount });
        lab.writeJson("seen.json", seen);
        await undo?.(lab);
      });
    }
    lab.write("dmesg.txt", (await lab.run(["dmesg"])).stdout);
  },

  expect(results) {
    assert.equal(results.text("on-server.txt"), "written with a ticket\n");
    assert.match(results.text("mounts.txt"), /\/mnt\/nfs-kerberos nfs4 [^\n]*sec=krb5p/);
    const mounted = results.json("mounted.json") as Answer;
    assert.equal(mounted.verdict.cause, "ok", results.text("mounted.txt"));
    for (const [name, status, cause] of [
      ["no-ticket", 2, "auth.no-ticket"],
      ["expired", 2, "auth.ticket-expired"],
      ["ticket", 0, "ok"],
    ] as const) {
      const told = results.json(`user-${name}.json`) as { status: number; said: string; answer: Answer };
      assert.deepEqual([told.status, told.answer.verdict.cause], [status, cause], JSON.stringify(told));
    }
    const seen = results.json("seen.json") as readonly Seen[];
    assert.deepEqual(
      seen.map(({ name, kerberos, mount }) => [name, kerberos.verdict.cause, mount.verdict.cause]),
      cases.map(({ name, cause }) => [name, cause, cause]),
    );
    for (const [at, { name, mounts }] of cases.entries()) {
      const { status = null, said = "" } = seen[at] ?? {};
      if (mounts === true) assert.equal(status, 0, `${name}: ${said}`);
      else assert.ok(status !== 0 && mounts.test(said), `${name}: ${status} ${said}`);
    }
  },
});
