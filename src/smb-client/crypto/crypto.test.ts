import assert from "node:assert/strict";
import { test } from "node:test";
import { aesCmac } from "./cmac.ts";
import { md4 } from "./md4.ts";
import { rc4 } from "./rc4.ts";

test("MD4 is that of RFC 1320", () => {
  const vectors: Readonly<Record<string, string>> = {
    "": "31d6cfe0d16ae931b73c59d7e0c089c0",
    a: "bde52cb31de33e46245e05fbdbd6fb24",
    abc: "a448017aaf21d8525fc10ae87aa6729d",
    "message digest": "d9130a8164549fe818874806e1c7014b",
    abcdefghijklmnopqrstuvwxyz: "d79e1c308aa5bbcdeea8ed63df412da9",
    ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789: "043f8582f241db351ce627e153e7f0e4",
    "12345678901234567890123456789012345678901234567890123456789012345678901234567890":
      "e33b4ddc9c38f2199c3e7b164fcc0536",
  };
  for (const [text, digest] of Object.entries(vectors)) assert.equal(md4(Buffer.from(text)).toString("hex"), digest);
});

test("RC4 is that of RFC 6229", () => {
  const stream = rc4(Buffer.from("0102030405", "hex"), Buffer.alloc(32)).toString("hex");
  assert.equal(stream, "b2396305f03dc027ccc3524a0a1118a86982944f18fc82d589c403a47a0d0919");
});

test("AES-CMAC is that of RFC 4493", () => {
  const key = Buffer.from("2b7e151628aed2a6abf7158809cf4f3c", "hex");
  const message = Buffer.from(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
    "hex",
  );
  const vectors: readonly (readonly [number, string])[] = [
    [0, "bb1d6929e95937287fa37d129b756746"],
    [16, "070a16b46b4d4144f79bdd9dd04a287c"],
    [40, "dfa66747de9ae63030ca32611497c827"],
    [64, "51f0bebf7e3b9d92fc49741779363cfe"],
  ];
  for (const [length, mac] of vectors) assert.equal(aesCmac(key, message.subarray(0, length)).toString("hex"), mac);
});
