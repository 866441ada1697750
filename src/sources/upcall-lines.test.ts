import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { spnegoFacts, UpcallLines } from "./upcall-lines.ts";

const line = (program: string, text: string, lines = new UpcallLines(), pid = 7) =>
  lines.line({ program, pid, text }, 5) ?? assert.fail(text);

const description =
  "key description: cifs.spnego;0;0;39010000;ver=0x2;host=files.example;ip4=10.0.0.1;sec=krb5;uid=0x0;creduid=0x3e8;user=u;pid=0x12";

describe("what upcalls say", () => {
  for (const [program, text, verdict, code] of [
    ["cifs.upcall", "Exit status 0", "upcall-ok", 0],
    ["cifs.upcall", "Exit status 1", "upcall-failed", 1],
    ["cifs.upcall", "Exit status -1765328189", "no-credentials", -1765328189],
    ["cifs.upcall", "handle_krb5_mech: obtained service ticket", "upcall-ok", undefined],
    ["cifs.upcall", "cifs_krb5_get_req: unable to get credentials for files.example", "other", undefined],
    ["cifs.upcall", "Unable to obtain service ticket", "upcall-failed", undefined],
    ["cifs.upcall", "handle_krb5_mech: failed to obtain service ticket (-1765328352)", "ticket-expired", -1765328352],
    [
      "cifs.upcall",
      "unable to resolve hostname: files.example [Name or service not known]",
      "name-resolution",
      undefined,
    ],
    ["cifs.upcall", "keyctl_instantiate: Permission denied", "other", undefined],
    [
      "rpc.gssd",
      "ERROR: GSS-API: error in gss_acquire_cred(): GSS_S_FAILURE (Unspecified GSS failure.  Minor code may provide more information) - No Kerberos credentials available (default cache: FILE:/tmp/krb5cc_1000)",
      "no-credentials",
      undefined,
    ],
    [
      "rpc.gssd",
      "WARNING: Failed to create krb5 context for user with uid 1000 for server nfs@nas.example",
      "upcall-failed",
      undefined,
    ],
    ["rpc.gssd", "ERROR: No credentials found for connection to server nas.example", "no-credentials", undefined],
    ["rpc.gssd", "CC '/tmp/krb5cc_1000' is expired or corrupt", "ticket-expired", undefined],
    ["rpc.gssd", "do_error_downcall(0x7f): uid 1000 err -13", "other", -13],
    [
      "rpc.gssd",
      "WARNING: Clock skew too great while getting initial ticket for principal 'a' using keytab 'b'",
      "clock-skew",
      undefined,
    ],
    ["rpc.gssd", "ERROR: Server nfs/nas@R not found in Kerberos database", "wrong-principal", undefined],
    [
      "rpc.gssd",
      "WARNING: Cannot contact any KDC for realm 'R' while getting initial ticket",
      "kdc-unreachable",
      undefined,
    ],
    ["request-key", "No matching action", "upcall-failed", undefined],
  ] as const) {
    it(`${program}: ${text.slice(0, 70)}`, () => {
      const told = line(program, text);
      assert.deepEqual([told.verdict, told.code], [verdict, code]);
    });
  }

  it("a run says first for whom it is, and its end without", () => {
    const lines = new UpcallLines();
    line("cifs.upcall", description, lines);
    const end = line("cifs.upcall", "Exit status 1", lines);
    assert.deepEqual(end.target, { protocol: "smb", server: "files.example", address: "10.0.0.1" });
    assert.equal(end.uid, 1000);
    assert.deepEqual(line("cifs.upcall", "Exit status 1", lines, 8).target, { protocol: "smb" });
  });

  it("rpc.gssd names user and server", () => {
    const { target, uid } = line(
      "rpc.gssd",
      "WARNING: Failed to create krb5 context for user with uid 1000 for server nfs@nas.example",
    );
    assert.deepEqual([target, uid], [{ protocol: "nfs", server: "nas.example" }, 1000]);
  });

  it("a refusal is of interest when it is an upcall's", () => {
    const lines = new UpcallLines();
    const avc = (comm: string) => `AVC avc:  denied  { read } for  pid=9 comm="${comm}" name="krb5cc_1000" scontext=x`;
    assert.equal(lines.line({ program: "audit", text: avc("httpd") }, 1), undefined);
    const told = lines.line({ program: "audit", text: avc("cifs.upcall") }, 1);
    assert.deepEqual([told?.verdict, told?.target], ["denied", { protocol: "smb" }]);
  });

  it("the description of a key is none of its bounds' concern", () => {
    assert.equal(spnegoFacts("nothing"), undefined);
    assert.equal(spnegoFacts("ver=0x2;uid=zzz")?.uid, undefined);
    fc.assert(
      fc.property(fc.string(), fc.string(), (program, text) => void new UpcallLines().line({ program, text }, 1)),
    );
    fc.assert(fc.property(fc.string(), (text) => void spnegoFacts(`ver=2;${text}`)));
  });
});
