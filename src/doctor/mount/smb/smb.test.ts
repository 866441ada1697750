import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type FakeServer, fakeServer } from "../../../smb-client/testing/fake-server.ts";
import type { Answer } from "../../answer.ts";
import { fakeMachine } from "../../network/fixture.ts";
import { parseMountOptions } from "../options.ts";
import { Secret } from "../secret.ts";
import { parseMountTarget } from "../target.ts";
import { examineSmbMount } from "./smb.ts";

const SECRET = "planted-5ecret";
const account = { aod: { password: SECRET }, off: { password: SECRET, status: 0xc000_0072 } };
const healthy: FakeServer = {
  users: account,
  shares: { share: 0, hidden: 0xc000_0022 },
  cipher: 2,
  directories: ["a\\b"],
};

interface Given {
  readonly server?: FakeServer;
  readonly options?: string;
  readonly target?: string;
  readonly user?: string;
  readonly password?: string;
  readonly files?: Readonly<Record<string, string>>;
}

async function examined(t: TestContext, given: Given): Promise<Answer> {
  const { server = healthy, options = "", target = "//files/share", user = "aod", password = SECRET } = given;
  const local = await fakeServer(t, server);
  const machine = fakeMachine(t, {
    names: { files: ["192.0.2.1"], "account.file.core.windows.net": ["192.0.2.1"] },
    reach: { "192.0.2.1": local },
    files: {
      "etc/hosts": "192.0.2.1 files\n",
      "proc/sys/kernel/osrelease": "6.12.1-amd64\n",
      "proc/filesystems": "nodev\tcifs\n",
      "sys/module/cifs/version": "2.51\n",
      ...given.files,
    },
    programs: {
      "mount.cifs -V": { stdout: "mount.cifs version: 7.0\n" },
      "request-key --version": { stdout: "request-key from keyutils-1.6.3 (Built 2023-01-01)\n" },
      ip: { stdout: '[{"dev":"eth0"}]' },
    },
  });
  const parsed = parseMountOptions(options).with(user === "" ? [] : [{ name: "username", value: user }]);
  const found = parseMountTarget(target);
  assert.equal(found.protocol, "smb");
  if (found.protocol !== "smb") throw new Error("not reached");
  const request = { options: parsed, attempt: false, password: async () => new Secret(password) };
  const answer = await examineSmbMount(found, request, machine);
  assert.ok(!JSON.stringify(answer).includes(SECRET), "the answer has no password");
  return answer;
}

const verdicts: readonly (readonly [title: string, cause: string, says: RegExp, given: Given])[] = [
  ["a healthy server", "ok", /nothing here keeps/, {}],
  ["a directory of the share", "ok", /nothing/, { target: "//files/share/a/b" }],
  ["signing required", "ok", /nothing/, { server: { ...healthy, signingRequired: true } }],
  ["encryption required, SMB 3.1.1", "ok", /nothing/, { server: { ...healthy, encrypts: true } }],
  [
    "encryption required, SMB 3.0",
    "ok",
    /nothing/,
    { server: { ...healthy, encrypts: true, cipher: 1 }, options: "vers=3.0" },
  ],
  ["a wrong password", "auth.bad-credentials", /wrong or it knows no such user/, { password: "wrong" }],
  ["an unknown user", "auth.bad-credentials", /wrong or it knows no such user/, { user: "nobody" }],
  ["a disabled account", "auth.account-disabled", /off is disabled/, { user: "off" }],
  ["no such share", "mount.share-not-found", /no share nosuch/, { target: "//files/nosuch" }],
  ["a share for others", "server.permission", /not to the share hidden/, { target: "//files/hidden" }],
  [
    "a share that takes no more connections",
    "unknown",
    /refuses the share full: it is at a limit of its own/,
    { server: { ...healthy, shares: { full: 0xc000_009a } }, target: "//files/full" },
  ],
  ["no such directory", "mount.share-not-found", /no\/such in share is not there/, { target: "//files/share/no/such" }],
  [
    "a client that is too old",
    "mount.dialect-mismatch",
    /SMB 3\.1\.1 only: the client's is too old/,
    { server: { ...healthy, dialects: ["3.1.1"] }, options: "vers=2.1" },
  ],
  [
    "a client that is too new",
    "mount.dialect-mismatch",
    /SMB 2\.0\.2, 2\.1 only: the client's is too new/,
    { server: { ...healthy, dialects: ["2.0.2", "2.1"] }, options: "vers=3.0" },
  ],
  [
    "a server older than what is offered without vers=",
    "mount.dialect-mismatch",
    /without vers=/,
    { server: { ...healthy, dialects: ["2.0.2"] } },
  ],
  ["SMB 1 alone", "mount.dialect-mismatch", /speaks SMB 1 alone/, { server: { smb1: true } }],
  [
    "encryption required, SMB 2.1 wanted",
    "mount.encryption-mismatch",
    /requires encryption, and SMB 2\.1/,
    { server: { ...healthy, encrypts: true }, options: "vers=2.1" },
  ],
  ["seal with an old dialect", "mount.encryption-mismatch", /SMB 2\.1 has none/, { options: "vers=2.1,seal" }],
  [
    "seal with a server that has no encryption",
    "mount.encryption-mismatch",
    /does not offer it/,
    { server: { users: account, shares: { share: 0 } }, options: "seal" },
  ],
  [
    "AES-256-GCM alone",
    "mount.encryption-mismatch",
    /AES-256-GCM alone/,
    { files: { "sys/module/cifs/parameters/require_gcm_256": "Y\n" } },
  ],
  [
    "signing required and forbidden",
    "mount.signing-mismatch",
    /SecurityFlags forbid it/,
    { server: { ...healthy, signingRequired: true }, files: { "proc/fs/cifs/SecurityFlags": "0x84\n" } },
  ],
  [
    "a guest, and signing asked for",
    "mount.signing-mismatch",
    /the options require signing, and a guest has no key/,
    { server: { ...healthy, guests: true }, user: "nobody", options: "sign" },
  ],
  ["a clock that is off", "auth.clock-skew", /10 min apart/, { server: { ...healthy, timeMs: Date.now() + 600_000 } }],
  ["an option that nobody knows", "mount.option-unknown", /knows the option sael/, { options: "sael" }],
  [
    "an option that is newer",
    "mount.option-unknown",
    /does not know the option symlinkroot, which came until 7\.2/,
    { options: "symlinkroot=x" },
  ],
  ["a value that the kernel does not take", "mount.option-unknown", /does not know vers=3\.1/, { options: "vers=3.1" }],
  [
    "options that exclude each other",
    "mount.option-unknown",
    /persistenthandles/,
    { options: "persistenthandles,nopersistenthandles" },
  ],
  ["no kernel module", "unknown", /no SMB client/, { files: { "proc/filesystems": "nodev\tproc\n" } }],
  [
    "a module that may not be loaded",
    "unknown",
    /cannot be loaded by a mount/,
    {
      files: {
        "proc/filesystems": "",
        "lib/modules/6.12.1-amd64/modules.dep": "kernel/fs/smb/client/cifs.ko.xz: a.ko\n",
        "etc/modprobe.d/x.conf": "blacklist cifs\n",
      },
    },
  ],
  ["no file of credentials", "auth.bad-credentials", /is not there/, { user: "", options: "credentials=/etc/none" }],
];

describe("aod doctor mount, SMB", () => {
  for (const [title, cause, says, given] of verdicts) {
    it(`${title}: ${cause}`, async (t) => {
      const { verdict, steps } = await examined(t, given);
      assert.equal(verdict.cause, cause, JSON.stringify({ verdict, steps }, undefined, 1));
      assert.match(verdict.summary, says);
    });
  }

  it("the file of credentials: who logs in, its mode, and what is wrong with it", async (t) => {
    const files = { "etc/cred": `username=aod\npassword=${SECRET}\r\nspeling\n` };
    const { steps, verdict } = await examined(t, { user: "", options: "credentials=/etc/cred", files });
    const told = steps.filter(({ name }) => name === "credentials").map(({ evidence }) => evidence);
    assert.match(
      told.join("\n"),
      /mode 0644[\s\S]*line 3 is none[\s\S]*carriage return[\s\S]*user aod, password from credentials/,
    );
    assert.equal(verdict.cause, "auth.bad-credentials");
  });

  it("a mount without encryption to Azure Files is told, one with it is not", async (t) => {
    const target = "//account.file.core.windows.net/share";
    const told = async (options: string): Promise<string> =>
      JSON.stringify((await examined(t, { target, options })).steps.filter(({ name }) => name === "security"));
    assert.match(await told("vers=2.1"), /SMB 2\.1 without encryption.*Secure transfer required/);
    assert.doesNotMatch(await told(""), /Secure transfer/);
    assert.doesNotMatch(JSON.stringify((await examined(t, { options: "vers=2.1" })).steps), /Secure transfer/);
  });

  it("without a password no log-in is tried, and what was seen is told", async (t) => {
    const { steps, verdict } = await examined(t, { user: "" });
    assert.equal(verdict.cause, "ok");
    assert.deepEqual(
      steps.filter(({ result }) => result === "skip").map(({ name }) => name),
      ["credentials", "log-in", "kernel log"],
    );
    const negotiated = steps.find(({ name }) => name === "negotiate")?.evidence ?? "";
    assert.match(negotiated, /SMB 3\.1\.1 agreed; signing enabled \(AES-CMAC\); encryption AES-128-GCM/);
    assert.match(negotiated, /multichannel; requests up to 1024 KiB; log-in by NTLMSSP/);
    assert.match(steps.find(({ name }) => name === "server")?.evidence ?? "", /name KIT/);
  });
});
