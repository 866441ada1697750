// Writes docs/configuration.md and docs/aod.schema.json from the schema. usage: gen-config-docs.ts [--check]
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configDocuments } from "./config-docs.ts";

const docs = join(import.meta.dirname, "../docs");
const check = process.argv.includes("--check");
for (const { name, text } of configDocuments()) {
  const path = join(docs, name);
  if (!check) writeFileSync(path, text);
  else if (readFileSync(path, "utf8") !== text) {
    console.error(`docs/${name} is not what the schema says: node scripts/gen-config-docs.ts writes it`);
    process.exitCode = 1;
  }
}
