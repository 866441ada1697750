import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOrigins, parsePrintUris, sourceLines } from "./apt.ts";

const keyring = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg";

test("wanted suites come from the mirrors that the host uses, whatever its own release", () => {
  const origins = parseOrigins(`http://mirror.example/debian/|trixie
http://mirror.example/debian/|trixie-updates
http://mirror.example/debian-security/|trixie-security
https://elsewhere.example/node_22.x/|nodistro
`);
  assert.deepEqual(sourceLines(origins, ["bookworm", "bookworm-security", "bookworm-backports"]), [
    `deb [${keyring}] http://mirror.example/debian bookworm main`,
    `deb [${keyring}] http://mirror.example/debian-security bookworm-security main`,
    `deb [${keyring}] http://mirror.example/debian bookworm-backports main`,
  ]);
});

test("a host without the security archive does without its suites, one without a mirror of Debian is told what to do", () => {
  const origins = parseOrigins("http://mirror.example/debian|bookworm");
  assert.deepEqual(sourceLines(origins, ["bookworm", "bookworm-security"]), [
    `deb [${keyring}] http://mirror.example/debian bookworm main`,
  ]);
  assert.throws(() => sourceLines([], ["bookworm"]), /name no mirror of Debian: add one/);
});

test("file name, size and SHA-256 are read from --print-uris", () => {
  const sha256 = "803d36a7cda13355ae8152122470288b2636f19f1cb58162dd9d8b408af9b1b4";
  assert.deepEqual(
    parsePrintUris(`'http://m.example/pool/a%2bb_1_amd64.deb' a+b_1_amd64.deb 107179464 SHA256:${sha256}\n`),
    {
      file: "a+b_1_amd64.deb",
      bytes: 107179464,
      sha256,
    },
  );
  assert.throws(() => parsePrintUris("'http://m.example/x.deb' x.deb 12 MD5Sum:0\n"), { code: "failed" });
});
