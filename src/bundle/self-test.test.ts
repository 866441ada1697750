import assert from "node:assert/strict";
import { test } from "node:test";
import { planted, redactionSelfTest } from "./self-test.ts";

test("no planted secret is in a bundle, in whatever way it came", async () => {
  assert.deepEqual(await redactionSelfTest(), { leaks: [], planted: planted.length });
});

test("the self-test sees what redaction does not take out", async () => {
  const { leaks } = await redactionSelfTest([
    { what: "a word", text: "the word hippopotamus", secret: "hippopotamus" },
  ]);
  for (const where of ["whole.txt", "bytes.txt", "lines.ndjson", "object.json", "manifest.json"]) {
    assert.ok(leaks.includes(`a word in ${where}`), `${where} in ${leaks.join(", ")}`);
  }
});
