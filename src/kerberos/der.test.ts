import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  contextTag,
  derNumber,
  derTags,
  derTime,
  fieldOf,
  insideDer,
  readDer,
  writeDer,
  writeNumber,
  writeTime,
} from "./der.ts";

describe("DER", () => {
  for (const [value, hex] of [
    [0, "020100"],
    [127, "02017f"],
    [128, "02020080"],
    [256, "02020100"],
    [0x7fffffff, "02047fffffff"],
    [0x80000000, "02050080000000"],
  ] as const) {
    it(`the integer ${value} is ${hex}`, () => {
      assert.equal(writeNumber(value).toString("hex"), hex);
      assert.equal(derNumber(readDer(Buffer.from(hex, "hex"))?.[0]?.content), value);
    });
  }

  it("integers are signed", () => {
    assert.equal(derNumber(Buffer.from("ff", "hex")), -1);
    assert.equal(derNumber(Buffer.alloc(0)), undefined);
    assert.equal(derNumber(Buffer.alloc(9)), undefined);
  });

  it("lengths of one octet and of several", () => {
    for (const [size, head] of [
      [0x7f, "047f"],
      [0x80, "048180"],
      [0x100, "04820100"],
    ] as const) {
      const bytes = writeDer(derTags.octetString, Buffer.alloc(size));
      assert.equal(bytes.subarray(0, head.length / 2).toString("hex"), head);
      assert.equal(readDer(bytes)?.[0]?.content.length, size);
    }
  });

  it("a time is in UTC, to the second", () => {
    const at = Date.UTC(2026, 10, 22, 13, 5, 11);
    assert.equal(writeTime(at + 999).toString("latin1", 2), "20261122130511Z");
    assert.equal(derTime(writeTime(at).subarray(2)), at);
    assert.equal(derTime(Buffer.from("20261122130511.5Z")), undefined);
  });

  it("fields are found by their number, in any depth", () => {
    const bytes = writeDer(derTags.sequence, writeDer(contextTag(3), writeNumber(7)));
    const sequence = insideDer(readDer(bytes), derTags.sequence);
    assert.equal(derNumber(fieldOf(sequence, 3, derTags.integer)), 7);
    assert.equal(fieldOf(sequence, 2, derTags.integer), undefined);
    assert.equal(fieldOf(sequence, 3, derTags.octetString), undefined);
  });

  it("what is cut off, indefinite, or of a large number is not read", () => {
    for (const hex of ["02", "0202", "020200", "3080", "1f0100", "0285", "028501020304", "0284ffffffff"])
      assert.equal(readDer(Buffer.from(hex, "hex")), undefined, hex);
    assert.deepEqual(readDer(Buffer.alloc(0)), []);
  });

  it("what was written is read, and no bytes make it throw", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 47 - 1 }), fc.uint8Array({ maxLength: 300 }), (value, content) => {
        const elements = readDer(Buffer.concat([writeNumber(value), writeDer(4, Buffer.from(content))]));
        assert.equal(derNumber(elements?.[0]?.content), value);
        assert.deepEqual(elements?.[1]?.content, Buffer.from(content));
      }),
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void readDer(Buffer.from(bytes))));
  });
});
