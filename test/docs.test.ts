import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commands } from "../src/cli/table.ts";

const root = join(import.meta.dirname, "..");
const documents = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

/** Lines that start something of ours: `sudo bin/aod status`, `npm run lab -- list`. */
function examples(): { readonly document: string; readonly words: readonly string[] }[] {
  return documents.flatMap((document) =>
    [...readFileSync(join(root, document), "utf8").matchAll(/^(?:sudo )?((?:bin\/|npm ).*?)(?: +#.*)?$/gm)].map(
      (match) => ({
        document,
        words: (match[1] ?? "").split(" "),
      }),
    ),
  );
}

test("what the documents tell people to type is there", () => {
  const names = new Set(commands.map(({ name }) => name));
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const found = examples();
  assert.ok(found.length >= 8, `examples in the documents: ${found.length}`);
  for (const { document, words } of found) {
    const line = `${document}: ${words.join(" ")}`;
    const [program = "", first = "", second = ""] = words;
    if (program === "npm") {
      assert.ok((first === "run" ? second : first) in scripts, line);
    } else {
      assert.ok(existsSync(join(root, program)), line);
      if (program === "bin/aod") assert.ok(first.startsWith("-") || names.has(first), line);
    }
  }
});
