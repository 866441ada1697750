import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { causeIds } from "./causes.ts";

test("docs/causes.md explains every cause, and no other", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/causes.md"), "utf8");
  const rows = [...text.matchAll(/^\| ([a-z].*?) \|/gm)].map(([, cell = ""]) => cell).filter((cell) => cell !== "id");
  const explained = ["ok", "unknown", ...rows.flatMap((cell) => cell.match(/[a-z]+\.[a-z-]+/g) ?? [])];
  assert.deepEqual(explained.toSorted(), causeIds.toSorted());
});
