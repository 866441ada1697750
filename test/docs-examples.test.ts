// What the documents show of a terminal is what the commands print: every ```console block is executed.
//   $ smbslower --replay test/fixtures/recordings/slow.aodrec     a command, at the checkout's root, in UTC
//   13:05:11  dd ...                                              what it prints: stdout, then stderr
//   ...                                                           any lines
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

const repo = join(import.meta.dirname, "..");

interface Example {
  readonly where: string;
  readonly argv: readonly string[];
  readonly expected: readonly string[];
}

/** The commands of a document's console blocks, each with the lines below it. */
function examplesOf(file: string): readonly Example[] {
  const examples: { where: string; argv: readonly string[]; expected: string[] }[] = [];
  let inBlock = false;
  for (const [number, line] of readFileSync(join(repo, file), "utf8").split("\n").entries()) {
    if (line.startsWith("```")) inBlock = line === "```console";
    else if (inBlock && line.startsWith("$ ")) {
      examples.push({ where: `${file}:${number + 1}`, argv: wordsOf(line.slice(2)), expected: [] });
    } else if (inBlock) examples.at(-1)?.expected.push(line);
  }
  return examples;
}

/** Words of a command line; single quotes keep a word together. Nothing else of a shell: the examples need none. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

/** Whether the lines are those expected, where `...` stands for any number of lines. */
function matches(lines: readonly string[], expected: readonly string[]): boolean {
  const [first, ...rest] = expected;
  if (first === undefined) return lines.length === 0;
  if (first !== "...") return lines[0] === first && matches(lines.slice(1), rest);
  return lines.some((_, at) => matches(lines.slice(at), rest)) || matches([], rest);
}

const files = ["README.md", ...globSync("docs/**/*.md", { cwd: repo })].sort();
const examples = files.flatMap(examplesOf);
const skip = existsSync(join(repo, "dist/aod.mjs")) ? false : "dist/ is not built";

describe("examples of the documents", { skip }, () => {
  test("there are some", () => assert.ok(examples.length >= 5, `${examples.length} examples`));

  for (const { where, argv, expected } of examples) {
    test(`${where}: ${argv.join(" ")}`, () => {
      const [program = "", ...args] = argv;
      assert.ok(existsSync(join(repo, "bin", program)), `bin/${program} is there`);
      const ran = spawnSync(join(repo, "bin", program), args, {
        cwd: repo,
        encoding: "utf8",
        env: { ...process.env, TZ: "UTC" },
        timeout: 60_000,
      });
      const lines = (ran.stdout + ran.stderr).replace(/\n$/, "").split("\n");
      if (!matches(lines, expected)) assert.deepEqual(lines, expected);
    });
  }
});
