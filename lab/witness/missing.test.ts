import assert from "node:assert/strict";
import { test } from "node:test";
import { missingOf } from "./missing.ts";

test("without a loss the counts are equal", () => {
  assert.equal(missingOf({ read: 3, write: 2 }, { write: 2, read: 3 }, 0, "x"), 0);
  assert.throws(() => missingOf({ read: 2 }, { read: 3 }, 0, "x"));
  assert.throws(() => missingOf({ read: 4 }, { read: 3 }, 0, "x"));
});

test("no more is missing than is counted as lost, over all names", () => {
  assert.equal(missingOf({ read: 2 }, { read: 3, write: 1 }, 2, "x"), 2);
  assert.throws(() => missingOf({ read: 2 }, { read: 3, write: 1 }, 1, "x"), /2 are missing, 1 are counted as lost/);
});

test("a loss is no excuse for what nobody asked for", () => {
  assert.throws(() => missingOf({ read: 4 }, { read: 3 }, 9, "x"), /read: 4, but 3/);
  assert.throws(() => missingOf({ read: 3, echo: 1 }, { read: 3 }, 9, "x"), /echo/);
});
