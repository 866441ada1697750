import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parseProcKeys } from "./proc-keys.ts";

// Documentation/security/keys/core.rst, and keys as the SMB client makes them.
const text = `00000001 I-----    39 perm 1f3f0000     0     0 keyring   _uid_ses.0: 1/4
00000009 I-----     1   2h 3f010000  1000  1000 user      a key: 5
0000000d I--Q---     1 expd 39010000     0     0 cifs.spne ver=0x2;host=files;ip4=10.0.0.1;sec=krb5;uid=0x0;creduid=0x3e8;pid=0x12: 300
1a2b3c4d IR-N--i     1  59s 3f010000    -1    -1 dns_resol files.example: 12
garbage
`;

test("flags, time left, owner, type and description", () => {
  assert.deepEqual(
    parseProcKeys(text).map(({ flags, timeoutSeconds, uid, type }) => [flags, timeoutSeconds, uid, type]),
    [
      ["I-----", undefined, 0, "keyring"],
      ["I-----", 7200, 1000, "user"],
      ["I--Q---", 0, 0, "cifs.spne"],
      ["IR-N--i", 59, -1, "dns_resol"],
    ],
  );
  assert.equal(parseProcKeys(text)[3]?.description, "files.example: 12");
});

test("no text makes it throw", () => {
  fc.assert(fc.property(fc.string(), (any) => void parseProcKeys(any)));
});
