import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { csvField, displayWidth, left, printable, right } from "./table-text.ts";

describe("text for tables", () => {
  it("no text breaks a line or moves the cursor", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.doesNotMatch(printable(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
    assert.equal(printable("a\nb\x1b[2J\u202e"), "a\\x0ab\\x1b[2J\\u{202e}");
  });

  it("wide characters take two columns, accents none", () => {
    assert.deepEqual(["abc", "数据", "e\u0301", "ａ", "🚀"].map(displayWidth), [3, 4, 1, 2, 2]);
  });

  it("a cell is as wide as it should be at least, and never cut", () => {
    assert.equal(left("数据", 6), "数据  ");
    assert.equal(right(7, 4), "   7");
    assert.equal(left("longer than that", 4), "longer than that");
  });

  it("CSV fields are quoted when they must be", () => {
    assert.deepEqual(["a", 'a"b', "a,b", "a\nb"].map(csvField), ["a", '"a""b"', '"a,b"', "a\\x0ab"]);
  });
});
