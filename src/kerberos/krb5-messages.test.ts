import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { contextTag, derTags, writeDer, writeNumber } from "./der.ts";
import { krbErrorText, readKdcReply, writeAsRequest } from "./krb5-messages.ts";

const request = {
  realm: "LAB.TEST",
  client: ["aodlab"],
  service: ["krbtgt", "LAB.TEST"],
  nonce: 12_345,
  tillMs: Date.UTC(2026, 10, 24),
};

/** What krb5kdc 1.20.1 answered to that request. */
const answer =
  "7e81dc3081d9a003020105a10302011ea411180f32303236313132333034313635355aa50502030695caa603020119a70a1b084c41422e54455354a8133011a003020101a10a30081b06616f646c6162a90a1b084c41422e54455354aa1d301ba003020102a11430121b066b72627467741b084c41422e54455354ab101b0e4e45454445445f50524541555448ac50044e304c300aa10402020088a20204003024a103020113a21d041b30193017a003020112a1101b0e4c41422e54455354616f646c61623009a103020102a2020400300da10402020085a20504034d4954";

describe("messages of Kerberos", () => {
  it("an AS-REQ without pre-authentication, as krb5kdc 1.20.1 took it", () => {
    assert.equal(
      writeAsRequest(request).toString("hex"),
      "6a8186308183a103020105a20302010aa4773075a00703050000000000a1133011a003020101a10a30081b06616f646c6162a20a1b084c41422e54455354a31d301ba003020102a11430121b066b72627467741b084c41422e54455354a511180f32303236313132343030303030305aa70402023039a811300f020112020111020114020113020117",
    );
  });

  it("a KRB-ERROR: number, clock, realm, encryption types of the client", () => {
    assert.deepEqual(readKdcReply(Buffer.from(answer, "hex")), {
      is: "error",
      code: 25,
      timeMs: Date.UTC(2026, 10, 23, 4, 16, 55) + 431.562,
      realm: "LAB.TEST",
      text: "NEEDED_PREAUTH",
      encryption: ["aes256-cts-hmac-sha1-96"],
    });
    assert.equal(krbErrorText(18), "the account is disabled, locked or expired");
    assert.equal(krbErrorText(31), "Kerberos error 31");
  });

  it("an AS-REP is a ticket, which is not looked at", () => {
    assert.deepEqual(readKdcReply(writeDer(0x6b, writeDer(derTags.sequence))), { is: "ticket" });
  });

  it("a KRB-ERROR with a number alone", () => {
    const error = writeDer(0x7e, writeDer(derTags.sequence, writeDer(contextTag(6), writeNumber(68))));
    assert.deepEqual(readKdcReply(error), { is: "error", code: 68, encryption: [] });
  });

  it("what is none is none, and no bytes make it throw", () => {
    assert.equal(readKdcReply(Buffer.from("HTTP/1.1 400 Bad Request\r\n")), undefined);
    const good = Buffer.from(answer, "hex");
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const broken = Buffer.from(good);
        broken[at] = byte;
        readKdcReply(broken);
      }),
    );
    fc.assert(fc.property(fc.nat(good.length), (end) => void readKdcReply(good.subarray(0, end))));
  });
});
