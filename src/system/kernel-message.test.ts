import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { applyMessageRules, type MessageRule } from "./kernel-message.ts";

const rules: readonly MessageRule[] = [
  ["x.first", "trouble", /^it took (?<count>\d+) s, error (?<errno>-?\d+), status 0x(?<status>[0-9a-f]+)/],
  ["x.named", "recovered", /^(?<server>\S+) answers on (?<share>\\\\\S+)/],
];

describe("a rule of the catalogue", () => {
  it("tells what its groups name", () => {
    const facts = applyMessageRules(rules, "smb", "X: text", "it took 6 s, error -13, status 0xc000006d");
    assert.deepEqual(facts, {
      id: "x.first",
      kind: "trouble",
      protocol: "smb",
      text: "X: text",
      count: 6,
      errno: 13,
      status: 0xc000006d,
    });
  });

  it("what the text itself names stands before what is known from its beginning", () => {
    const facts = applyMessageRules(rules, "smb", "t", "b answers on \\\\b\\s", { server: "a" });
    assert.deepEqual([facts.id, facts.server, facts.share], ["x.named", "b", "\\\\b\\s"]);
  });

  it("what no rule knows is kept, and is no trouble by itself", () => {
    const text = "y".repeat(5000);
    const facts = applyMessageRules(rules, "nfs", text, text);
    assert.deepEqual([facts.id, facts.kind, facts.text.length], ["nfs.other", "notice", 1000]);
  });

  it("no text makes it throw", () => {
    fc.assert(fc.property(fc.string(), (text) => void applyMessageRules(rules, "smb", text, text)));
  });
});

it("the samples are there", () => {
  for (const kernel of ["6.1", "6.12"]) {
    const url = new URL(`../../test/fixtures/kernel-log/${kernel}.txt`, import.meta.url);
    assert.ok(readFileSync(url, "utf8").includes("has not responded in 6 seconds"));
  }
});
