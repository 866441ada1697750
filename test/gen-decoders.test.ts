import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BtfType, decodersOf } from "../scripts/gen-decoders-emit.ts";

const base: readonly BtfType[] = [
  { id: 1, kind: "INT", name: "unsigned int", size: 4, encoding: "(none)" },
  { id: 2, kind: "INT", name: "unsigned long long", size: 8, encoding: "(none)" },
  { id: 3, kind: "INT", name: "char", size: 1, encoding: "SIGNED" },
  { id: 4, kind: "TYPEDEF", name: "__u64", type_id: 2 },
  { id: 5, kind: "ARRAY", name: "(anon)", type_id: 3, nr_elems: 16 },
  { id: 6, kind: "ARRAY", name: "(anon)", type_id: 4, nr_elems: 3 },
];

function struct(members: readonly (readonly [name: string, type: number, offset: number])[]): BtfType {
  const fields = members.map(([name, type_id, offset]) => ({ name, type_id, bits_offset: offset * 8 }));
  return { id: 20, kind: "STRUCT", name: "aod_thing", size: 64, members: fields };
}

describe("the decoders' generator", () => {
  it("makes identifiers bigints and times numbers", () => {
    const text = decodersOf([
      ...base,
      struct([
        ["session", 4, 0],
        ["created", 4, 8],
      ]),
    ]);
    assert.match(text, /readonly session: bigint;/);
    assert.match(text, /readonly created: number;/);
    assert.match(text, /session: bytes\.readBigUInt64LE\(at\),/);
    assert.match(text, /created: readU64\(bytes, at \+ 8\),/);
    assert.match(text, /export const AOD_THING_SIZE = 64;/);
  });

  it("knows text, arrays and structs in structs, and leaves out padding", () => {
    const inner: BtfType = { id: 21, kind: "STRUCT", name: "aod_inner", size: 4, members: [] };
    const text = decodersOf([
      ...base,
      inner,
      struct([
        ["comm", 5, 0],
        ["slow_ns", 6, 16],
        ["inner", 21, 40],
        ["pad", 1, 44],
      ]),
    ]);
    assert.match(text, /comm: readText\(bytes, at, 16\)/);
    assert.match(text, /slowNs: Array\.from\(\{ length: 3 \}/);
    assert.match(text, /inner: decodeAodInner\(bytes, at \+ 40\)/);
    assert.doesNotMatch(text, /pad/);
  });

  it("shortens the names of an enum by what they share", () => {
    const values = [
      { name: "AOD_RUNG_NONE", val: 0 },
      { name: "AOD_RUNG_KPROBE", val: 2 },
    ];
    assert.match(
      decodersOf([{ id: 1, kind: "ENUM", name: "aod_rung", values }]),
      /AodRung = \{\n {2}NONE: 0,\n {2}KPROBE: 2,\n\}/,
    );
  });

  it("refuses what has no place in the contract", () => {
    const pointer: BtfType = { id: 9, kind: "PTR", name: "(anon)" };
    assert.throws(
      () => decodersOf([...base, pointer, struct([["next", 9, 0]])]),
      /aod_thing\.next: a field of kind PTR/,
    );
    const signed: BtfType = { id: 9, kind: "INT", name: "short", size: 2, encoding: "SIGNED" };
    assert.throws(() => decodersOf([...base, signed, struct([["delta", 9, 0]])]), /aod_thing\.delta: a short has/);
  });

  it("knows signed integers and bytes", () => {
    const text = decodersOf([
      ...base,
      { id: 9, kind: "INT", name: "int", size: 4, encoding: "SIGNED" },
      { id: 10, kind: "INT", name: "long long", size: 8, encoding: "SIGNED" },
      { id: 11, kind: "INT", name: "unsigned char", size: 1, encoding: "(none)" },
      { id: 12, kind: "ARRAY", name: "(anon)", type_id: 11, nr_elems: 64 },
      struct([
        ["error", 9, 0],
        ["retval", 10, 8],
        ["fixed", 12, 16],
      ]),
    ]);
    assert.match(text, /error: bytes\.readInt32LE\(at\)/);
    assert.match(text, /retval: readI64\(bytes, at \+ 8\)/);
    assert.match(text, /readonly fixed: Buffer;/);
    assert.match(text, /fixed: bytes\.subarray\(at \+ 16, at \+ 16 \+ 64\)/);
  });
});
