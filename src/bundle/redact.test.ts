import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LineRedactor, MARK, redact } from "./redact.ts";

const vectors: readonly (readonly [what: string, text: string, secrets: readonly string[], kept: readonly string[]])[] =
  [
    ["mount options", "cifs rw,username=joe,password=hunter2,vers=3.1.1", ["hunter2"], ["username=joe", "vers=3.1.1"]],
    ["short names", "-o user=joe,pass=hunter2,dom=X", ["hunter2"], ["user=joe", "dom=X"]],
    ["a second password", "password2=s3cond,pass2=th1rd,sec=krb5", ["s3cond", "th1rd"], ["sec=krb5"]],
    ["a doubled comma", "password=a,,b,uid=0", ["a,,b", ",b"], ["uid=0"]],
    ["a file of credentials", "//s/x /mnt cifs credentials=/root/.smb,uid=0", ["/root/.smb"], ["uid=0"]],
    ["its short name", "cred=/root/.smb,uid=0", ["/root/.smb"], ["uid=0"]],
    ["upper case", "PASSWORD=hunter2 PASSWD=hunter3", ["hunter2", "hunter3"], []],
    ["quotes", `password="two words",uid=0 pass='three more words'`, ["two words", "three", "words"], ["uid=0"]],
    ["an environment", "PGPASSWORD=hunter2 AWS_SECRET_ACCESS_KEY=abcd HOME=/root", ["hunter2", "abcd"], ["HOME=/root"]],
    ["user%password", "mount.cifs -o username=joe%hunter2,uid=0", ["hunter2"], ["joe", "uid=0"]],
    ["smbclient", "smbclient -U joe%hunter2 //s/x", ["hunter2"], ["joe", "//s/x"]],
    ["long options", "curl --password hunter2 --token abcdef x", ["hunter2", "abcdef"], ["curl"]],
    ["a URL", "GET https://joe:hunter2@host.example/x?y=1", ["hunter2"], ["host.example/x?y=1"]],
    [
      "a SAS",
      "https://a.blob.core.windows.net/c?sv=2022&sig=ab%2Fcd%3D&se=2026",
      ["ab%2Fcd%3D"],
      ["sv=2022", "se=2026"],
    ],
    ["an account key", "DefaultEndpointsProtocol=https;AccountKey=abc+/12==;Suffix=x", ["abc+/12=="], ["Suffix=x"]],
    ["a header", "Authorization: Negotiate YIIabcdefgh", ["YIIabcdefgh"], ["Authorization"]],
    ["a bearer", "sent bearer abcdefgh.ijkl", ["abcdefgh"], ["sent"]],
    ["a cookie", "Set-Cookie: sid=31d4; Path=/", ["31d4"], []],
    ["a web token", "token is eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ end", ["eyJ"], ["end"]],
    ["keys of a session", "Session Key: 0a 1b 2c 3d", ["0a 1b", "3d"], ["Session Key"]],
    ["YAML", "password: hunter2", ["hunter2"], ["password"]],
  ];

describe("redaction", () => {
  for (const [what, text, secrets, kept] of vectors) {
    for (const kind of ["text", "json"] as const) {
      it(`takes the secrets out of ${what} as ${kind}`, () => {
        const input = kind === "text" ? text : JSON.stringify({ message: text, other: 1 });
        const { text: clean, removed } = redact(input, kind);
        const shown: string = kind === "text" ? clean : JSON.parse(clean).message;
        for (const secret of secrets) assert.ok(!shown.includes(secret), shown);
        for (const word of kept) assert.ok(shown.includes(word), shown);
        assert.ok(shown.includes(MARK) && removed > 0);
        if (kind === "json") assert.equal(JSON.parse(clean).other, 1);
      });
    }
  }

  it("takes a member of JSON out and leaves it JSON", () => {
    const { text } = redact(JSON.stringify({ user: "joe", password: 'a"b\\c', api_key: "k" }), "json");
    assert.deepEqual(JSON.parse(text), { user: "joe", password: MARK, api_key: MARK });
  });

  for (const text of [
    "pass:string\npassword:string\ncredentials:string\n",
    "//127.0.0.1/share /mnt/c cifs rw,username=root,compass=3,bypass=no 0 0",
    "Security type: RawNTLMSSP  SessionId: 0xb7224d8c",
    '{"command":"SMB2_WRITE","signal":"%","key":"value","latency_us":3}',
    "audit: type=1701 comm=dd sig=11 res=1",
    "CIFS: VFS: \\\\server has not responded in 180 seconds. Reconnecting...",
  ]) {
    it(`leaves ${JSON.stringify(text.slice(0, 40))} alone`, () => {
      for (const kind of ["text", "json"] as const) assert.deepEqual(redact(text, kind), { text, removed: 0 });
    });
  }

  it("lets no password of mount options through, whatever it is and however the text is cut", () => {
    // No comma and no white space: where a value ends is not known otherwise. No quotation mark in the first place for the same reason.
    const password = fc
      .string({ minLength: 6, unit: "grapheme-ascii" })
      .filter((text) => !/[\s,;&]/.test(text) && !/^["']/.test(text));
    fc.assert(
      fc.property(password, fc.constantFrom("password", "pass", "password2"), fc.nat(200), (secret, key, cut) => {
        const line = `mount //s/x -o rw,username=joe,${key}=${secret},uid=0\n`;
        const redactor = new LineRedactor("text");
        const clean = redactor.push(line.slice(0, cut)) + redactor.push(Buffer.from(line.slice(cut))) + redactor.end();
        assert.equal(clean, `mount //s/x -o rw,username=joe,${key}=${MARK},uid=0\n`);
        const json = redact(JSON.stringify({ argv: ["mount", `rw,${key}=${secret},uid=0`] }), "json").text;
        assert.deepEqual(JSON.parse(json), { argv: ["mount", `rw,${key}=${MARK},uid=0`] });
      }),
    );
  });

  it("leaves text without secrets as it is, however it is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }).map((text) => text.replace(/[=:%@]/g, "-"))), (pieces) => {
        const redactor = new LineRedactor("text");
        const out = pieces.map((piece) => redactor.push(piece)).join("") + redactor.end();
        fc.pre(!/PRIVATE/.test(out));
        assert.equal(out, pieces.join(""));
      }),
    );
  });

  it("takes a private key out from its first to its last line, also across pieces", () => {
    const redactor = new LineRedactor("text");
    const pieces = [
      "before\n-----BEGIN RSA PRIVATE",
      " KEY-----\nMIIabc\n",
      "MIIdef\n-----END RSA PRIVATE KEY-----\nafter\n",
    ];
    const clean = pieces.map((piece) => redactor.push(piece)).join("") + redactor.end();
    assert.equal(clean, `before\n${MARK}\nafter\n`);
    assert.equal(redactor.removed, 1);
  });

  for (const part of [
    'password="',
    "eyJ",
    "user=",
    "://a:",
    "--x-",
    "-U a",
    "-----BEGIN PRIVATE KEY-----",
    "a-",
    "token",
  ]) {
    it(`comes to an end on 60,000 characters of ${JSON.stringify(part)}`, () => {
      const text = part.repeat(60_000 / part.length);
      for (const kind of ["text", "json"] as const) assert.ok(redact(text, kind).text.length <= 60_000 + MARK.length);
    });
  }

  it("withholds a line that is too long to be judged, and bounds what it keeps of it", () => {
    const redactor = new LineRedactor("text");
    let clean = redactor.push("short\n");
    for (let n = 0; n < 10; n++) clean += redactor.push("password=x".repeat(10_000));
    clean += redactor.push("end\nnext\n") + redactor.end();
    assert.match(clean, /^short\n\[\d+ characters withheld: line too long\]\nnext\n$/);
  });
});
