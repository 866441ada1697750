import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configDocuments } from "../scripts/config-docs.ts";
import { listKeys } from "../src/config/keys.ts";
import { configSchema } from "../src/config/schema.ts";

for (const { name, text } of configDocuments()) {
  test(`docs/${name} is what the schema says (node scripts/gen-config-docs.ts writes it)`, () => {
    assert.equal(readFileSync(join(import.meta.dirname, "../docs", name), "utf8"), text);
  });
}

test("docs/configuration.md has every key", () => {
  const text = readFileSync(join(import.meta.dirname, "../docs/configuration.md"), "utf8");
  for (const { path, doc } of listKeys(configSchema)) {
    assert.ok(text.includes(`| \`${path}\` |`), path);
    assert.ok(text.includes(doc.replaceAll("|", "\\|")), doc);
  }
});
