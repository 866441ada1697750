import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SESSION_KEY } from "../../kerberos/fixture.ts";
import {
  type Client,
  cache,
  cifs,
  client,
  krb5Conf,
  krbError,
  kvno,
  nowS,
  REALM,
  refused,
  root,
  tgt,
} from "./fixture.ts";

describe("why a client gets no ticket", () => {
  for (const [name, cause, change, words, run] of [
    ["nothing is wrong", "ok", (c) => c.write(root, cache(tgt()))],
    ["a service ticket is enough", "ok", (c) => c.write(root, cache(cifs()))],
    ["no cache", "auth.no-ticket", () => {}],
    ["an empty cache", "auth.no-ticket", (c) => c.write(root, cache())],
    ["all tickets have ended", "auth.ticket-expired", (c) => c.write(root, cache(tgt(nowS - 60), cifs(nowS - 60)))],
    [
      "a service ticket for another server",
      "auth.ticket-expired",
      (c) => c.write(root, cache(tgt(nowS - 60), { ...cifs(), service: `cifs/other@${REALM}` })),
    ],
    ["no rule", "auth.upcall-missing", (c) => c.write("etc/request-key.d/cifs.spnego.conf", undefined)],
    [
      "no file of rules",
      "auth.upcall-missing",
      (c) => {
        c.write("etc/request-key.d/cifs.spnego.conf", undefined);
        c.write("etc/request-key.conf", undefined);
      },
    ],
    ["a broken rule before", "auth.upcall-missing", (c) => c.write("etc/request-key.conf", "create\n")],
    [
      "a rule without the key",
      "auth.upcall-missing",
      (c) => c.write("etc/request-key.d/cifs.spnego.conf", "create cifs.spnego * * /usr/sbin/cifs.upcall -t\n"),
    ],
    ["no cifs.upcall", "auth.upcall-missing", (c) => c.write("usr/sbin/cifs.upcall", undefined)],
    ["cifs.upcall that nobody may run", "auth.upcall-missing", (c) => c.write("usr/sbin/cifs.upcall", "", 0o644)],
    ["no request-key", "auth.upcall-missing", (c) => c.write("sbin/request-key", undefined)],
    [
      "cifs.upcall that lacks a library",
      "auth.upcall-missing",
      () => {},
      {},
      () => ({
        status: "failed",
        code: 127,
        stderr: "cifs.upcall: error while loading shared libraries: libkrb5.so.3\n",
      }),
    ],
    [
      "a kernel without upcalls",
      "auth.upcall-missing",
      (c) => c.write("proc/fs/cifs/DebugData", "CIFS Version 2.51\nFeatures: DFS,FSCACHE,STATS,XATTR,ACL\n"),
    ],
    ["root's tickets are elsewhere", "auth.no-ticket", (c) => c.write("run/user/0/krb5cc", cache(tgt()))],
    [
      "a cache of another user in the place of the user's",
      "auth.no-ticket",
      (c) => c.write("tmp/krb5cc_4242", cache(tgt())),
      { user: "bob" },
    ],
    [
      "the user that the mount names",
      "ok",
      (c) => {
        c.write(
          "proc/self/mountinfo",
          "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n40 22 0:45 / /mnt/s rw - cifs //files.lab.test/data rw,sec=krb5,cruid=0\n",
        );
        c.write("etc/krb5.conf", krb5Conf("default_ccache_name = DIR:/tmp/krb5cc_%{uid}_dir"));
        c.write("tmp/krb5cc_0_dir/primary", "tktXYZ\n");
        c.write("tmp/krb5cc_0_dir/tktXYZ", cache(tgt()));
      },
      { about: "/mnt/s" },
    ],
    [
      "a service ticket without its KDC",
      "ok",
      (c) => {
        c.write(root, cache(tgt(), cifs()));
        c.kdc = () => refused;
      },
    ],
    [
      "nobody listens on port 88",
      "server.down",
      (c) => {
        c.write(root, cache(tgt()));
        c.kdc = (_, by) => (by === "tcp" ? refused : { state: "timeout" });
      },
    ],
    [
      "nothing comes back from port 88",
      "network.port-blocked",
      (c) => {
        c.write(root, cache(tgt()));
        c.kdc = () => ({ state: "timeout" });
      },
    ],
    [
      "one KDC of two is down",
      "ok",
      (c) => {
        c.write(root, cache(tgt()));
        c.write("etc/krb5.conf", `[realms]\n ${REALM} = {\n  kdc = 10.0.0.1\n  kdc = 10.0.0.2:1088\n }\n`);
        c.kdc = (address) => (address === "10.0.0.1" ? refused : krbError(25));
      },
    ],
    [
      "no KDC is known",
      "network.name-resolution",
      (c) => {
        c.write(root, cache(tgt()));
        c.write("etc/krb5.conf", "[libdefaults]\n default_realm = LAB.TEST\n");
      },
    ],
    [
      "DNS does not answer",
      "network.name-resolution",
      (c) => {
        c.write(root, cache(tgt()));
        c.write("etc/krb5.conf", "[libdefaults]\n default_realm = LAB.TEST\n");
        c.records = undefined;
      },
    ],
    [
      "the KDC's name does not resolve",
      "network.name-resolution",
      (c) => {
        c.write(root, cache(tgt()));
        c.write("etc/krb5.conf", `[realms]\n ${REALM} = {\n  kdc = kdc.lab.test\n }\n`);
      },
    ],
    [
      "DNS knows the KDC",
      "ok",
      (c) => {
        c.write(root, cache(tgt()));
        c.write("etc/krb5.conf", "");
        c.records = { [`_kerberos._tcp.${REALM}`]: [{ host: "kdc.lab.test", port: 88 }] };
        c.names = { "kdc.lab.test": "10.0.0.1" };
      },
    ],
    [
      "sssd knows the KDC",
      "ok",
      (c) => {
        c.write(root, cache(tgt()));
        c.write(`var/lib/sss/pubconf/kdcinfo.${REALM}`, "10.0.0.9\n");
        c.kdc = (address) => (address === "10.0.0.9" ? krbError(25) : refused);
      },
    ],
    [
      "the KDC's clock is 10 minutes ahead",
      "auth.clock-skew",
      (c) => {
        c.write(root, cache(tgt()));
        c.kdc = () => krbError(25, 600);
      },
    ],
    [
      "4 minutes are little enough",
      "ok",
      (c) => {
        c.write(root, cache(tgt()));
        c.kdc = () => krbError(25, -240);
      },
    ],
    [
      "krb5.conf allows less",
      "auth.clock-skew",
      (c) => {
        c.write(root, cache(tgt()));
        c.write("etc/krb5.conf", `[libdefaults]\n clockskew = 60\n[realms]\n ${REALM} = {\n  kdc = 10.0.0.1\n }\n`);
        c.kdc = () => krbError(25, -240);
      },
    ],
    [
      "the account is disabled",
      "auth.account-disabled",
      (c) => {
        c.write(root, cache(tgt(nowS - 60)));
        c.kdc = () => krbError(18);
      },
    ],
    [
      "the account is disabled, the ticket is good yet",
      "ok",
      (c) => {
        c.write(root, cache(tgt()));
        c.kdc = () => krbError(18);
      },
    ],
    [
      "kvno: the account is disabled",
      "auth.account-disabled",
      (c) => c.write(root, cache(tgt())),
      {},
      kvno("Clients credentials have been revoked"),
    ],
    [
      "a ticket that ended while the KDC is down",
      "server.down",
      (c) => {
        c.write(root, cache(tgt(nowS - 60)));
        c.kdc = () => refused;
      },
    ],
    [
      "the account is gone",
      "auth.bad-credentials",
      (c) => {
        c.write(root, cache(tgt(nowS - 60)));
        c.kdc = () => krbError(6);
      },
    ],
    [
      "the password has expired",
      "auth.bad-credentials",
      (c) => {
        c.write(root, cache(tgt(nowS - 60)));
        c.kdc = () => krbError(23);
      },
    ],
    [
      "the KDC does not know the service",
      "auth.wrong-spn",
      (c) => {
        c.write(root, cache(tgt()));
        c.kdc = (_address, _by, request) => krbError(request.includes("files.lab.test") ? 7 : 25);
      },
    ],
    [
      "kvno: the KDC does not know the service",
      "auth.wrong-spn",
      (c) => c.write(root, cache(tgt())),
      {},
      kvno("Server cifs/files.lab.test@LAB.TEST not found in Kerberos database"),
    ],
    ["kvno: the clock", "auth.clock-skew", (c) => c.write(root, cache(tgt())), {}, kvno("Clock skew too great")],
    [
      "kvno: an older one, which would write into the cache",
      "ok",
      (c) => c.write(root, cache(tgt())),
      {},
      kvno("unrecognized option '--out-cache'"),
    ],
    [
      "a name without a dot, with its domain",
      "ok",
      (c) => c.write(root, cache(tgt())),
      { about: "//files/data" },
      (argv) => {
        if (argv[0] === "getent")
          return argv[1] === "ahosts" ? { stdout: Buffer.from("10.0.0.5 STREAM files.lab.test\n") } : undefined;
        if (argv[0] !== "kvno") return undefined;
        return argv.includes("cifs/files.lab.test@LAB.TEST")
          ? {}
          : { status: "failed", code: 1, stderr: "kvno: Server not found in Kerberos database\n" };
      },
    ],
    ["a user that does not exist", "auth.no-ticket", () => {}, { user: "4242" }],
  ] as readonly Case[]) {
    it(name, async (t) => {
      const here = client(t, run);
      if (change !== undefined) change(here);
      if (!/ticket|cache|all is/.test(name) && cause === "auth.upcall-missing") here.write(root, cache(tgt()));
      const answer = await here.examine(words);
      assert.equal(answer.verdict.cause, cause, JSON.stringify(answer, null, 1));
      assert.ok(!JSON.stringify(answer).includes(SESSION_KEY));
    });
  }
});

type Case = readonly [
  string,
  string,
  (client: Client) => void,
  Parameters<Client["examine"]>[0]?,
  Parameters<typeof client>[1]?,
];
