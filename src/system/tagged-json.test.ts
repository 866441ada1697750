import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { fromTaggedJson, taggedJson } from "./tagged-json.ts";

test("what JSON has not comes back as it was", () => {
  const value = {
    id: 2n ** 63n,
    map: new Map([[1n, new Set(["a"])]]),
    no: Number.POSITIVE_INFINITY,
    list: [1, "x", null],
  };
  assert.deepEqual(fromTaggedJson(taggedJson(value)), value);
});

test("strings are changed on the way, keys and structure are not", () => {
  const text = taggedJson({ pass: "secret", list: ["secret"] }, () => '"}');
  assert.deepEqual(fromTaggedJson(text), { pass: '"}', list: ['"}'] });
});

test("no text makes it throw", () => {
  for (const text of ["", "{", '{"$":"n","v":"x"}', '{"$":"m","v":[1]}', '{"$":"q","v":1}']) fromTaggedJson(text);
  fc.assert(fc.property(fc.string(), (text) => void fromTaggedJson(text)));
  fc.assert(fc.property(fc.json(), (text) => assert.deepEqual(fromTaggedJson(text), JSON.parse(text))));
});
