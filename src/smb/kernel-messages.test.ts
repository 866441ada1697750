import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { smbKernelMessage } from "./kernel-messages.ts";

const told = (text: string) => {
  const { text: _, protocol: __, ...facts } = smbKernelMessage(text) ?? assert.fail(text);
  return facts;
};

describe("what the SMB client says in the kernel's log", () => {
  for (const [text, facts] of [
    [
      "CIFS: VFS: \\\\files.example has not responded in 180 seconds. Reconnecting...",
      { id: "smb.not-responding", kind: "trouble", server: "files.example", count: 180 },
    ],
    [
      "CIFS: VFS: \\\\10.0.0.1 Send error in SessSetup = -13",
      { id: "smb.session-failed", kind: "trouble", server: "10.0.0.1", errno: 13 },
    ],
    [
      "CIFS: VFS: \\\\10.0.0.1 failed to create a new SMB session with Kerberos: -126",
      { id: "smb.session-failed", kind: "trouble", server: "10.0.0.1", errno: 126 },
    ],
    [
      "CIFS: VFS: [\\\\files\\data ]reconnect tcon failed rc = -11",
      { id: "smb.tree-failed", kind: "trouble", server: "files", share: "\\\\files\\data", errno: 11 },
    ],
    [
      "CIFS: VFS: \\\\files\\data validate protocol negotiate failed: -13",
      { id: "smb.validate-negotiate", kind: "trouble", server: "files", share: "\\\\files\\data", errno: 13 },
    ],
    [
      "CIFS: VFS: BAD_NETWORK_NAME: \\\\files\\nosuch",
      { id: "smb.share-not-found", kind: "trouble", share: "\\\\files\\nosuch" },
    ],
    ["CIFS: VFS: cifs_mount failed w/return code = -126", { id: "smb.mount-failed", kind: "trouble", errno: 126 }],
    [
      "CIFS: Status code returned 0xc000006d STATUS_LOGON_FAILURE",
      { id: "smb.status", kind: "trouble", status: 0xc000006d },
    ],
    ["CIFS: VFS: \\\\h supports multichannel now", { id: "smb.multichannel", kind: "recovered", server: "h" }],
    [
      "CIFS: VFS: \\\\h sends on sock 00000000a1b2c3d4 stuck for 15 seconds",
      { id: "smb.send-stuck", kind: "trouble", server: "h", count: 15 },
    ],
    [
      'audit: type=1400 audit(1.2:3): apparmor="DENIED" operation="open" profile="x" name="/tmp/krb5cc_1" pid=9 comm="cifs.upcall"',
      { id: "smb.upcall-denied", kind: "trouble" },
    ],
    ["CIFS: VFS: something new in 9.9", { id: "smb.other", kind: "notice" }],
  ] as const) {
    it(text, () => assert.deepEqual(told(text), facts));
  }

  it("others are not its own", () => {
    for (const text of ["Key type cifs.spnego registered", "nfs: server a not responding, still trying", ""])
      assert.equal(smbKernelMessage(text), undefined);
  });

  for (const kernel of ["6.1", "6.12"]) {
    it(`every line of ${kernel} is known`, () => {
      const url = new URL(`../../test/fixtures/kernel-log/${kernel}.txt`, import.meta.url);
      const facts = readFileSync(url, "utf8")
        .split("\n")
        .flatMap((line) => smbKernelMessage(line) ?? []);
      assert.ok(facts.length > 15);
      assert.deepEqual(
        facts.filter(({ id }) => id === "smb.other"),
        [],
      );
    });
  }

  it("no text makes it throw", () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((rest) => `CIFS: VFS: ${rest}`),
    );
    fc.assert(fc.property(text, (one) => void smbKernelMessage(one)));
  });
});
