import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { fakeServer } from "../../../smb-client/testing/fake-server.ts";
import type { Answer } from "../../answer.ts";
import { type Client, cache, client, nowS, REALM, refused, root, tgt } from "../../kerberos/fixture.ts";
import { fakeNetwork } from "../../network/fixture.ts";
import { parseMountOptions } from "../options.ts";
import { parseMountTarget } from "../target.ts";
import { examineSmbMount } from "./smb.ts";

/** A server that lives, and a client in a realm whose KDC lives. */
async function examined(
  t: TestContext,
  change: (here: Client) => void,
  options = "sec=krb5",
  kerberos = true,
): Promise<Answer> {
  const here = client(t, ([program]) => {
    if (program === "mount.cifs") return { stdout: Buffer.from("mount.cifs version: 7.0\n") };
    if (program === "request-key") return { stdout: Buffer.from("request-key from keyutils-1.6.3\n") };
    return program === "ip" ? { stdout: Buffer.from('[{"dev":"eth0"}]') } : undefined;
  });
  here.write("proc/sys/kernel/osrelease", "6.12.1-amd64\n");
  here.write("proc/filesystems", "nodev\tcifs\n");
  here.write("sys/module/cifs/version", "2.51\n");
  here.write("etc/hosts", "192.0.2.1 files.lab.test\n");
  change(here);
  const local = await fakeServer(t, { timeMs: nowS * 1000, kerberos });
  const names = { "files.lab.test": ["192.0.2.1"] };
  const machine = { ...here.machine, network: fakeNetwork({ names, reach: { "192.0.2.1": local } }) };
  const target = parseMountTarget("//files.lab.test/data");
  assert.ok(target.protocol === "smb");
  const request = { options: parseMountOptions(options), attempt: false };
  return examineSmbMount(target, request, machine, undefined, here.wire);
}

const ticket = (here: Client): void => here.write(root, cache(tgt()));

describe("a mount of SMB with sec=krb5", () => {
  for (const [what, cause, change, options] of [
    ["all is well", "ok", ticket],
    ["no ticket", "auth.no-ticket", () => {}],
    ["a ticket that ended", "auth.ticket-expired", (here) => here.write(root, cache(tgt(nowS - 60)))],
    ["the ticket of cruid=", "ok", (here) => here.write("tmp/krb5cc_0", cache(tgt())), "sec=krb5i,cruid=root"],
    ["cruid= of nobody", "auth.no-ticket", ticket, "sec=krb5,cruid=stranger"],
    [
      "no rule for the upcall",
      "auth.upcall-missing",
      (here) => {
        ticket(here);
        here.write("etc/request-key.d/cifs.spnego.conf", undefined);
      },
    ],
    [
      "the KDC is down",
      "server.down",
      (here) => {
        ticket(here);
        here.kdc = () => refused;
      },
    ],
    ["NTLM, and Kerberos is not looked at", "ok", () => {}, "sec=ntlmssp"],
  ] as readonly (readonly [string, string, (here: Client) => void, string?])[]) {
    it(`${what}: ${cause}`, async (t) => {
      const { verdict, steps } = await examined(t, change, options);
      assert.equal(verdict.cause, cause, JSON.stringify({ verdict, steps }, null, 1));
      assert.equal(
        steps.some(({ name }) => name === "kerberos"),
        options !== "sec=ntlmssp",
      );
    });
  }

  it("its steps stand between those of the mount, and none has the name of another", async (t) => {
    const names = (await examined(t, ticket)).steps.map(({ name }) => name);
    const places = ["negotiate", "clock", "programs", "kerberos", "tickets", "KDC's clock", "log-in", "kernel log"];
    assert.deepEqual(
      names.filter((name) => places.includes(name)).filter((name, at, all) => name !== all[at - 1]),
      places,
    );
    assert.ok(names.includes(`service`) && names.includes("upcalls"), REALM);
  });

  it("a server that offers no Kerberos is told", async (t) => {
    const { verdict, steps } = await examined(t, ticket, "sec=krb5", false);
    assert.match(verdict.summary, /is in no realm as far as it tells; .* mount error\(126\) without one/);
    assert.ok(steps.some(({ name, result }) => name === "log-in offered" && result === "fail"));
  });
});
