import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AodError } from "../system/error.ts";
import { wordsOf } from "./words.ts";

describe("the words of a command line", () => {
  it("are separated by white space, held together by quotes", () => {
    assert.deepEqual(wordsOf(" snapshot  --note 'two words' a\"b c\"d\\ e '' "), [
      "snapshot",
      "--note",
      "two words",
      "ab cd e",
      "",
    ]);
    assert.deepEqual(wordsOf('"a\\"b" $HOME;rm `x`'), ['a"b', "$HOME;rm", "`x`"]);
    assert.deepEqual(wordsOf(""), []);
  });

  it("that are not ended are refused", () => {
    for (const line of ["'a", '"a', "a\\"]) assert.throws(() => wordsOf(line), { code: "usage" }, line);
  });

  it("anything else is words", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (line) => {
        try {
          wordsOf(line);
        } catch (error) {
          assert.ok(error instanceof AodError);
        }
      }),
    );
  });
});
