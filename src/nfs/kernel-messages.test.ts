import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { nfsKernelMessage } from "./kernel-messages.ts";

const told = (text: string) => {
  const { text: _, protocol: __, ...facts } = nfsKernelMessage(text) ?? assert.fail(text);
  return facts;
};

describe("what the NFS client says in the kernel's log", () => {
  for (const [text, facts] of [
    ["nfs: server nas not responding, still trying", { id: "nfs.not-responding", kind: "trouble", server: "nas" }],
    ["nfs: server nas not responding, timed out", { id: "nfs.timed-out", kind: "trouble", server: "nas" }],
    ["nfs: server nas OK", { id: "nfs.ok", kind: "recovered", server: "nas" }],
    ["lockd: server fe80::1 OK", { id: "nfs.ok", kind: "recovered", server: "fe80::1" }],
    [
      "NFS: state manager: check lease failed on NFSv4 server nas with error 13",
      { id: "nfs.state-manager-failed", kind: "trouble", server: "nas", errno: 13 },
    ],
    ["NFS: nas: lost 3 locks", { id: "nfs.locks-lost", kind: "trouble", server: "nas", count: 3 }],
    [
      "NFS: server nas error: fileid changed\nfsid 0:46: expected fileid 0x1, got 0x2",
      { id: "nfs.fileid-changed", kind: "trouble", server: "nas" },
    ],
    ["RPC: server nas requires stronger authentication.", { id: "nfs.auth-too-weak", kind: "trouble", server: "nas" }],
    ["NFS: something new", { id: "nfs.other", kind: "notice" }],
  ] as const) {
    it(text, () => assert.deepEqual(told(text), facts));
  }

  it("what is said at the loading of the modules, by the server and by others is not of interest", () => {
    for (const text of [
      "RPC: Registered tcp transport module.",
      "NFS: Registering the id_resolver key type",
      "NFSD: starting 90-second grace period (net f0000000)",
      "CIFS: VFS: \\\\nas has not responded in 6 seconds. Reconnecting...",
      "systemd[1]: nfs-client.target: OK",
    ])
      assert.equal(nfsKernelMessage(text), undefined, text);
  });

  for (const kernel of ["6.1", "6.12"]) {
    it(`a stalled server and its return are known on ${kernel}`, () => {
      const url = new URL(`../../test/fixtures/kernel-log/${kernel}.txt`, import.meta.url);
      const ids = readFileSync(url, "utf8")
        .split("\n")
        .flatMap((line) => nfsKernelMessage(line)?.id ?? []);
      assert.deepEqual(ids, ["nfs.not-responding", "nfs.ok"]);
    });
  }

  it("no text makes it throw", () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((rest) => `NFS: ${rest}`),
    );
    fc.assert(fc.property(text, (one) => void nfsKernelMessage(one)));
  });
});
