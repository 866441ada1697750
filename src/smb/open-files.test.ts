import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import fc from "fast-check";
import { parseOpenFiles } from "./open-files.ts";

const sample = (kernel: string): string =>
  readFileSync(new URL(`../../test/fixtures/evidence/${kernel}/proc/fs/cifs/open_files`, import.meta.url), "utf8");

test("6.1 and 6.12: trees, sessions, and who opened", () => {
  assert.deepEqual(parseOpenFiles(sample("6.1")).rows[1], {
    treeId: 0x4b5d8a51,
    sessionId: 0x4f18d615n,
    pid: 252,
    uid: 0,
  });
  const { rows, unknown } = parseOpenFiles(sample("6.12"));
  assert.deepEqual([rows.length, unknown], [4, 0]);
});

test("5.10 has no session, and a name may have blanks", () => {
  const text =
    "# Version:1\n# Format:\n# <tree id> <persistent fid> <flags> <count> <pid> <uid> <filename>\n0x5 0x1 0x8000 1 77 1000 a b c\n";
  assert.deepEqual(parseOpenFiles(text), { rows: [{ treeId: 5, pid: 77, uid: 1000 }], unknown: 0 });
});

test("a column that comes between is no matter", () => {
  const text = "# <tree id> <new> <sess id> <pid> <uid> <filename>\n0x5 9 0x7 77 1000 f\n";
  assert.deepEqual(parseOpenFiles(text).rows, [{ treeId: 5, sessionId: 7n, pid: 77, uid: 1000 }]);
});

test("what is not understood is counted, and throws nothing", () => {
  assert.equal(parseOpenFiles("0x5 0x1 0x8000 1 77 1000 a\n").unknown, 1);
  const head = "# <tree id> <ses id> <persistent fid> <flags> <count> <pid> <uid> <filename>\n";
  fc.assert(fc.property(fc.string(), (text) => void parseOpenFiles(head + text)));
});
