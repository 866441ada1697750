import assert from "node:assert/strict";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeCcache, makeKeytab, SESSION_KEY } from "../../kerberos/fixture.ts";
import { client, nowS, REALM } from "./fixture.ts";

const tgt = { service: `krbtgt/${REALM}@${REALM}`, end: nowS + 3600 };
const good = makeCcache(`alice@${REALM}`, [tgt]);
const description =
  "key description: cifs.spnego;0;0;39010000;ver=0x2;host=files.lab.test;ip4=10.0.0.1;sec=krb5;uid=0x0;creduid=0x0;pid=0x12";

/** What `journalctl --output=json` prints of these lines. */
const journal =
  (program: string, ...texts: string[]): Parameters<typeof client>[1] =>
  ([name]) =>
    name === "journalctl"
      ? {
          stdout: Buffer.from(
            texts
              .map((text) => `${JSON.stringify({ MESSAGE: text, SYSLOG_IDENTIFIER: program, _PID: "7" })}\n`)
              .join(""),
          ),
        }
      : undefined;

describe("what the logs say of upcalls", () => {
  for (const [name, lines, cause, result] of [
    ["a run that got a ticket", [description, "Exit status 0"], "ok", "ok"],
    [
      "a failure, and a success after it",
      [description, "failed to obtain service ticket (-1765328352)", "Exit status 1", description, "Exit status 0"],
      "ok",
      "ok",
    ],
    [
      "a clock",
      [description, "handle_krb5_mech: failed to obtain service ticket (-1765328347)", "Exit status 1"],
      "auth.clock-skew",
      "warn",
    ],
    [
      "a name",
      [description, "handle_krb5_mech: failed to obtain service ticket (-1765328377)", "Exit status 1"],
      "auth.wrong-spn",
      "warn",
    ],
    ["no cache", [description, "Exit status -1765328189"], "auth.no-ticket", "warn"],
    ["a failure without a reason", [description, "Exit status 1"], "ok", "warn"],
    [
      "a failure for another server",
      [description.replace("files.lab", "other.lab"), "Exit status -1765328189"],
      "ok",
      "ok",
    ],
  ] as const) {
    it(name, async (t) => {
      const here = client(t, journal("cifs.upcall", ...lines));
      here.write("tmp/krb5cc_0", good);
      const { verdict, steps } = await here.examine();
      assert.deepEqual([verdict.cause, steps.find((step) => step.name === "log")?.result], [cause, result]);
    });
  }

  for (const [name, text, wanted] of [
    [
      "SELinux",
      'audit: type=1400 audit(1.2:3): avc:  denied  { read } for  pid=9 comm="cifs.upcall" name="krb5cc_0" dev="sda1" scontext=system_u:system_r:cifs_helper_t:s0 tcontext=u:r:t:s0 tclass=file permissive=0',
      /SELinux.*\{ read \} name="krb5cc_0"/,
    ],
    [
      "AppArmor",
      'audit: type=1400 audit(1.2:3): apparmor="DENIED" operation="open" profile="cifs.upcall" name="/tmp/krb5cc_0" pid=9 comm="cifs.upcall"',
      /AppArmor.*operation="open"/,
    ],
  ] as const) {
    it(`a refusal of ${name} in the kernel log`, async (t) => {
      const here = client(t);
      here.write("tmp/krb5cc_0", good);
      here.write("dev/kmsg", `5,100,999000000,-;${text}\n`);
      const { verdict, steps } = await here.examine();
      assert.equal(verdict.cause, "auth.upcall-denied");
      assert.match(steps.find((step) => step.name === "log")?.evidence ?? "", wanted);
    });
  }
});

describe("the kernel's keys", () => {
  it("a refusal that is remembered, and those of other servers", async (t) => {
    const here = client(t);
    here.write("tmp/krb5cc_0", good);
    here.write(
      "proc/keys",
      [
        "0f5eee20 IRNQ--     1  35s 3b3f0000     0     0 cifs.spne ver=0x2;host=files.lab.test;ip4=10.0.0.1;sec=krb5;uid=0x0;creduid=0x3e8;pid=0x1: 0",
        "0f5eee23 IRNQ--     1 expd 3b3f0000     0     0 cifs.spne ver=0x2;host=files.lab.test;sec=krb5;creduid=0x3e8;pid=0x2: 0",
        "0f5eee21 I--Q--     1 expd 3b3f0000     0     0 cifs.spne ver=0x2;host=other.lab.test;ip4=10.0.0.2;sec=krb5;uid=0x0: 0",
        "0f5eee22 I------     1   9m 3f010000     0     0 dns_resol files.lab.test: 8",
        "",
      ].join("\n"),
    );
    const told = (await here.examine()).steps.filter(({ name }) => name === "keys");
    assert.deepEqual(
      told.map(({ result, evidence }) => [result, evidence]),
      [
        ["ok", "cifs.spnego (tickets for SMB servers): 3, 2 of them not good"],
        ["warn", "cifs.spnego host=files.lab.test creduid=0x3e8: negative for 35 s more"],
        ["ok", "dns_resolver (addresses of names): 1, 0 of them not good"],
      ],
    );
  });
});

describe("NFS with Kerberos", () => {
  const pipefs = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:40 / /run/rpc_pipefs rw - rpc_pipefs rpc_pipefs rw\n";
  const daemon = (here: ReturnType<typeof client>): void =>
    here.write("proc/77/task/77/stat", `77 (rpc.gssd) S 1 77 77 0 -1 0 ${"0 ".repeat(40)}\n`);

  for (const [name, cause, change] of [
    ["all is there", "ok", () => {}],
    ["rpc.gssd does not run", "nfs.gss-failure", (here) => here.write("proc/77/task/77/stat", undefined)],
    [
      "rpc_pipefs is not mounted",
      "nfs.gss-failure",
      (here) => here.write("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"),
    ],
    ["no keytab", "nfs.gss-failure", (here) => here.write("etc/krb5.keytab", undefined)],
    [
      "a keytab without the machine",
      "nfs.gss-failure",
      (here) => here.write("etc/krb5.keytab", makeKeytab(["cifs/x@LAB.TEST"])),
    ],
    [
      "a keytab that nfs.conf names",
      "ok",
      (here) => {
        here.write("etc/krb5.keytab", undefined);
        here.write("etc/nfs.conf", "[mountd]\nkeytab-file=/no\n[gssd]\nkeytab-file=/etc/nfs.keytab\n");
        here.write("etc/nfs.keytab", makeKeytab(["nfs/client.lab.test@LAB.TEST"]));
      },
    ],
  ] as readonly (readonly [string, string, (here: ReturnType<typeof client>) => void])[]) {
    it(name, async (t) => {
      const here = client(t);
      here.write("proc/self/mountinfo", pipefs);
      here.write("etc/krb5.keytab", makeKeytab(["host/client.lab.test@LAB.TEST"]));
      daemon(here);
      change(here);
      const answer = await here.examine({ about: "nas.lab.test:/srv" });
      assert.equal(answer.verdict.cause, cause, JSON.stringify(answer, null, 1));
      assert.ok(!JSON.stringify(answer).includes(SESSION_KEY));
    });
  }

  it("a user of an NFS mount needs a ticket", async (t) => {
    const here = client(t);
    here.write("proc/self/mountinfo", pipefs);
    here.write("etc/krb5.keytab", makeKeytab(["host/client.lab.test@LAB.TEST"]));
    daemon(here);
    const asked = async () => {
      const { verdict, steps } = await here.examine({ about: "nas.lab.test:/srv", user: "alice" });
      return [verdict.cause, steps.find(({ name }) => name === "ticket")?.meaning ?? ""] as const;
    };
    const [none, denied] = await asked();
    assert.equal(none, "auth.no-ticket");
    assert.match(denied, /"Permission denied"/);
  });

  const mayGive = process.getuid?.() === 0;
  it("what an expired ticket means there", { skip: mayGive ? false : "only root gives a file away" }, async (t) => {
    const here = client(t);
    here.write("proc/self/mountinfo", pipefs);
    here.write("etc/krb5.keytab", makeKeytab(["host/client.lab.test@LAB.TEST"]));
    daemon(here);
    const tgt = { service: "krbtgt/LAB.TEST@LAB.TEST", end: nowS - 60, renewUntil: 0 };
    here.write("tmp/krb5cc_1000", makeCcache("alice@LAB.TEST", [tgt]));
    chownSync(join(here.machine.fsRoot, "tmp/krb5cc_1000"), 1000, 1000);
    const { verdict, steps } = await here.examine({ about: "nas.lab.test:/srv", user: "alice" });
    assert.equal(verdict.cause, "auth.ticket-expired");
    assert.match(steps.find(({ name }) => name === "ticket")?.meaning ?? "", /"Key has expired"/);
  });
});

describe("Azure Files", () => {
  const about = "//account.file.core.windows.net/share";
  const list = (end: number): string =>
    JSON.stringify([
      {
        server: `cifs/account.file.core.windows.net@AZURE`,
        client: "AzureFileClient",
        ticket_end_time: `12/08/25 04:45:27 UTC (epoch: ${end})`,
      },
    ]);
  const manager =
    (text: string, asked: string[] = []): Parameters<typeof client>[1] =>
    (argv) => {
      if (argv[0] !== "azfilesauthmanager") return undefined;
      asked.push(argv.join(" "));
      return { stdout: Buffer.from(text) };
    };
  const step = async (here: ReturnType<typeof client>) => {
    const answer = await here.examine({ about });
    return {
      verdict: answer.verdict,
      evidence: answer.steps.filter(({ name }) => name === "azure files").map(({ evidence }) => evidence),
    };
  };

  it("what azfilesauth keeps, and whose mount it is for", async (t) => {
    const here = client(t, manager(list(nowS + 7200)));
    here.write("etc/azfilesauth/config.yaml", "USER_UID: 1000\n");
    assert.deepEqual((await step(here)).evidence, [
      "cifs/account.file.core.windows.net@AZURE: 2 h left",
      "the tickets of azfilesauth belong to uid 1000, and uid 0 is asked about",
    ]);
  });

  it("a credential that has ended, and one that is not there", async (t) => {
    for (const [text, wanted] of [
      [list(nowS - 60), /has ended/],
      ["[]", /keeps no credential for account/],
    ] as const) {
      const here = client(t, manager(text));
      here.write("etc/azfilesauth/config.yaml", "USER_UID: 1000\n");
      assert.match((await step(here)).evidence.at(-1) ?? "", wanted);
    }
  });

  it("the manager is not started where it would make its user first", async (t) => {
    const asked: string[] = [];
    const here = client(t, manager("[]", asked));
    here.write("etc/azfilesauth/config.yaml", "KRB5_CC_NAME: /tmp/x\n");
    assert.match((await step(here)).evidence[0] ?? "", /names no user that exists/);
    assert.deepEqual(asked, []);
  });
});

describe("a keytab in the place of a ticket", () => {
  const mounted =
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n40 22 0:45 / /mnt/s rw - cifs //files.lab.test/data rw,sec=krb5,cruid=0,username=CLIENT$,multiuser\n";

  it("cifs.upcall takes the key of username=", async (t) => {
    const here = client(t);
    here.write("proc/self/mountinfo", mounted);
    here.write("etc/krb5.keytab", makeKeytab(["CLIENT$@LAB.TEST"]));
    assert.equal((await here.examine({ about: "/mnt/s" })).verdict.cause, "ok");
    here.write("etc/krb5.keytab", makeKeytab(["other@LAB.TEST"]));
    assert.equal((await here.examine({ about: "/mnt/s" })).verdict.cause, "auth.no-ticket");
  });
});
