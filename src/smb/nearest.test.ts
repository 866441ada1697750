import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nearest } from "./nearest.ts";

describe("nearest", () => {
  const names = ["status", "incidents", "run"];
  it("finds what was meant", () => {
    assert.deepEqual(
      ["sttaus", "incident", "rn"].map((typed) => nearest(typed, names)),
      ["status", "incidents", "run"],
    );
  });

  it("does not guess when nothing is near", () => {
    assert.equal(nearest("frobnicate", names), undefined);
    assert.equal(nearest("x", []), undefined);
  });
});
