import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { unlessAbsent } from "./absent.ts";

test("a file that is not there is undefined, one that cannot be read is an error", async () => {
  const { dirname: here = "", filename: file = "" } = import.meta;
  assert.equal(await unlessAbsent(stat(join(here, "no-such-file"))), undefined);
  assert.ok(await unlessAbsent(stat(file)));
  await assert.rejects(unlessAbsent(readFile(here, "utf8")), { code: "EISDIR" });
  await assert.rejects(unlessAbsent(stat(join(file, "below"))), { code: "ENOTDIR" });
});
