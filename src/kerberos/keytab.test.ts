import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { makeKeytab, SESSION_KEY } from "./fixture.ts";
import { parseKeytab } from "./keytab.ts";

test("the principals of a keytab, with holes between them; keys are not taken out", () => {
  const bytes = makeKeytab(["nfs/client.lab.test@LAB.TEST", "CLIENT$@LAB.TEST"]);
  const entries = parseKeytab(bytes);
  assert.deepEqual(entries, [
    { principal: "nfs/client.lab.test@LAB.TEST", type: 18 },
    { principal: "CLIENT$@LAB.TEST", type: 18 },
  ]);
  assert.ok(!JSON.stringify(entries).includes(SESSION_KEY));
});

/** The first entry of what kadmin.local 1.20.1 wrote, its key wiped. */
const mit =
  "050200000053000200084c41422e5445535400036e6673000f636c69656e742e6c61622e74657374000000016b03c75f0200120020" +
  `${"00".repeat(32)}00000002`;

test("one of MIT Kerberos 1.20", () => {
  assert.deepEqual(parseKeytab(Buffer.from(mit, "hex")), [{ principal: "nfs/client.lab.test@LAB.TEST", type: 18 }]);
});

test("what is none is none, and no bytes make it throw", () => {
  assert.equal(parseKeytab(Buffer.from([5, 1])), undefined);
  assert.equal(parseKeytab(Buffer.alloc(0)), undefined);
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseKeytab(Buffer.concat([Buffer.from([5, 2]), bytes]))));
});
