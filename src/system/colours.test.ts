import assert from "node:assert/strict";
import { test } from "node:test";
import { wantsColours } from "./colours.ts";

test("colours are for terminals, unless somebody wants them elsewhere, or nowhere", () => {
  assert.equal(wantsColours({ TERM: "xterm" }, true), true);
  assert.equal(wantsColours({ TERM: "dumb" }, true), false);
  assert.equal(wantsColours({ TERM: "xterm", CI: "1" }, false), false);
  assert.equal(wantsColours({ FORCE_COLOR: "1" }, false), true);
  assert.equal(wantsColours({ NO_COLOR: "1", FORCE_COLOR: "1" }, true), false);
});
