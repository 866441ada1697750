import assert from "node:assert/strict";
import { test } from "node:test";
import { readNtlm } from "../packets/smb/ntlmssp.ts";
import { keysOf } from "./keys.ts";
import { ntlmAnonymous, ntlmAuthenticate, ntlmNegotiate, ntlmV2Key, parseChallenge } from "./ntlm.ts";

// MS-NLMP 4.2.1 and 4.2.4.
const who = { user: "User", domain: "Domain", password: "Password" };
const targetInfo = Buffer.from("02000c0044006f006d00610069006e0001000c0053006500720076006500720000000000", "hex");
const challenge = { flags: 0xe28a_8233, nonce: Buffer.from("0123456789abcdef", "hex"), targetInfo };
const nonces = { client: Buffer.alloc(8, 0xaa), sessionKey: Buffer.alloc(16, 0x55), time: 0n };

test("NTLMv2 is that of the example of MS-NLMP", () => {
  assert.equal(ntlmV2Key(who).toString("hex"), "0c868a403bfd7a93a3001ef22ef02e3f");
  const { message, sessionKey } = ntlmAuthenticate(who, challenge, nonces);
  assert.ok(message.includes(Buffer.from("68cd0ab851e51c96aabc927bebef6a1c", "hex")), "the proof");
  assert.ok(message.includes(Buffer.from("c5dad2544fc9799094ce1ce90bc9d03e", "hex")), "the key, wrapped");
  assert.equal(sessionKey?.toString("hex"), "55".repeat(16));
  const without = ntlmAuthenticate(who, { ...challenge, flags: challenge.flags & ~0x4000_0000 }, nonces);
  assert.equal(without.sessionKey?.toString("hex"), "8de40ccadbc14a82f15cb0ad0de95ca3");
});

test("the server's time, where it tells one, takes the place of the client's", () => {
  const time = Buffer.from("0011223344556677", "hex");
  const info = Buffer.concat([Buffer.from("07000800", "hex"), time, Buffer.alloc(4)]);
  const { message } = ntlmAuthenticate(who, { ...challenge, targetInfo: info }, nonces);
  assert.ok(message.includes(Buffer.concat([Buffer.from("0101000000000000", "hex"), time, nonces.client])));
});

test("what is sent reads as it is meant, and shows no password", () => {
  assert.deepEqual(readNtlm(ntlmNegotiate()), { type: "negotiate" });
  const { message } = ntlmAuthenticate(who, challenge, nonces);
  assert.deepEqual(readNtlm(message), {
    type: "authenticate",
    domain: "Domain",
    user: "User",
    workstation: "aod",
    anonymous: false,
  });
  assert.ok(!message.includes(Buffer.from("Password", "utf16le")) && !message.includes("Password"));
  const nobody = readNtlm(ntlmAnonymous(challenge).message);
  assert.equal(nobody?.type === "authenticate" && nobody.user, undefined);
});

test("what is no challenge is none", () => {
  for (const bytes of [Buffer.alloc(0), ntlmNegotiate(), Buffer.from("NTLMSSP\0\x02\0\0\0", "latin1")])
    assert.equal(parseChallenge(bytes), undefined);
});

test("keys for encryption are those that Microsoft published for an SMB 3.0 session", () => {
  const keys = keysOf(Buffer.from("b4546771b515f766a86735532dd6c4f0", "hex"), {
    dialect: "3.0",
    preauth: Buffer.alloc(64),
    signing: "AES-CMAC",
    keyLength: 16,
  });
  assert.equal(keys.toServer.toString("hex"), "261b72350558f2e9dcf613070383edbf");
  assert.equal(keys.toClient.toString("hex"), "8fe2b57ec34d2db5b1a9727f526bbdb5");
});
