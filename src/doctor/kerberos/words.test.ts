import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cache, cifs, client, krb5Conf, nowS, REALM, root, tgt } from "./fixture.ts";

describe("what the doctor of Kerberos says", () => {
  it("of a ticket: what is left, how it is encrypted", async (t) => {
    const here = client(t);
    here.write(root, cache(tgt(nowS + 7200, nowS + 86_400), cifs(nowS - 90)));
    const step = (await here.examine()).steps.find(({ name }) => name === "tickets");
    assert.equal(
      step?.evidence,
      [
        `FILE:/tmp/krb5cc_0 of alice@${REALM}`,
        `krbtgt/${REALM}@${REALM}: 2 h left, renewable for 24 h, aes256-cts-hmac-sha1-96`,
        `cifs/files.lab.test@${REALM}: ended 90 s ago, aes256-cts-hmac-sha1-96`,
      ].join("\n"),
    );
  });

  it("of a wrong name: which the KDC knows, and how to get there", async (t) => {
    const here = client(t, (argv) => {
      if (argv[0] === "getent")
        return {
          stdout: Buffer.from(argv[1] === "hosts" ? "10.0.0.5  real.lab.test\n" : "10.0.0.5 STREAM alias.lab.test\n"),
        };
      if (argv[0] !== "kvno") return undefined;
      return argv.includes("cifs/real.lab.test@LAB.TEST")
        ? {}
        : { status: "failed", code: 1, stderr: "kvno: Server not found in Kerberos database\n" };
    });
    here.names = { "alias.lab.test": "10.0.0.5" };
    here.write(root, cache(tgt()));
    const { verdict } = await here.examine({ about: "//ALIAS.lab.test/data" });
    assert.deepEqual(verdict, {
      cause: "auth.wrong-spn",
      confidence: "certain",
      summary: "the KDC knows no cifs/alias.lab.test",
      advice: [
        "mount //real.lab.test/SHARE: the KDC knows cifs/real.lab.test (as 10.0.0.5 resolves back to)",
        "let the rule of request-key start cifs.upcall -t, which trusts DNS for the name",
        "give the server's account the name cifs/alias.lab.test: setspn -S in Active Directory, addprinc and ktadd for MIT Kerberos",
      ],
    });
    here.write("etc/request-key.d/cifs.spnego.conf", "create cifs.spnego * * /usr/sbin/cifs.upcall -t %k\n");
    assert.equal((await here.examine({ about: "//alias.lab.test/data" })).verdict.cause, "ok");
  });

  it("of somebody else's ticket: cruid=", async (t) => {
    const here = client(t);
    here.write("run/user/1000/krb5cc", cache(tgt()));
    // The owner of a file of the test is who runs it.
    const mine = process.getuid?.() ?? 0;
    const { verdict } = await here.examine({ user: mine === 5151 ? "5152" : "5151" });
    assert.match(verdict.summary, /no account has uid/);
    const { verdict: alice } = await here.examine({ user: mine === 1000 ? "root" : "alice" });
    assert.match(alice.advice[0] ?? "", new RegExp(`cruid=${mine}`));
  });

  it("a cache in a keyring is asked of klist as its user", async (t) => {
    const asked: string[] = [];
    const here = client(t, (argv) => {
      asked.push(argv.join(" "));
      return argv.includes("klist")
        ? {
            stdout: Buffer.from(
              `Ticket cache: x\nDefault principal: alice@${REALM}\n\n01/01/2026 00:00:00  11/22/2026 14:00:00  krbtgt/${REALM}@${REALM}\n`,
            ),
          }
        : undefined;
    });
    here.write("etc/krb5.conf", krb5Conf("default_ccache_name = KEYRING:persistent:%{uid}"));
    assert.equal((await here.examine({ user: "alice" })).verdict.cause, "ok");
    assert.ok(
      asked.includes("setpriv --reuid=1000 --regid=1000 --clear-groups klist -e -c KEYRING:persistent:1000"),
      asked.join("\n"),
    );
  });

  it("of a cache that cannot be looked at: that nothing is known", async (t) => {
    const here = client(t);
    here.write("etc/krb5.conf", krb5Conf("default_ccache_name = KCM:"));
    const { verdict } = await here.examine();
    assert.equal(verdict.cause, "unknown");
    assert.match(verdict.summary, /klist is not installed/);
  });

  it("words that name nothing are told", async (t) => {
    await assert.rejects(client(t).examine({ about: "/mnt/none" }), /no mount of SMB or NFS/);
    await assert.rejects(client(t).examine({ user: "nobody-here" }), /no user nobody-here/);
  });
});
