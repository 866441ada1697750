import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const bin = join(import.meta.dirname, "../bin");
const elsewhere = mkdtempSync(join(tmpdir(), "aod-bundle-"));
after(() => rmSync(elsewhere, { recursive: true }));

/** From a directory that has nothing to do with the checkout. */
function start(program: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(program, args, { cwd: elsewhere, encoding: "utf8", timeout: 60_000 });
}

/** The names under "Commands:" of commander's help. */
function commandsOf(help: string): string[] {
  const section = help.split(/^Commands:$/m)[1]?.split(/\n\n/)[0] ?? "";
  return [...section.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name ?? "").filter((name) => name !== "help");
}

const help = start(join(bin, "aod"), "--help");

test("the bundle starts and names its commands", () => {
  assert.equal(help.status, 0, help.stderr);
  assert.ok(commandsOf(help.stdout).length > 0, help.stdout);
});

/** A command's help, and that of the commands below it. */
function helpIsForPeople(names: readonly string[]): void {
  const { status, stdout, stderr } = start(join(bin, "aod"), ...names, "--help");
  assert.equal(status, 0, stderr);
  assert.match(stdout, /Usage: /);
  assert.doesNotMatch(stdout, /\(default:\s+(\[\]|\d{7,})\)/, "a default as the code has it");
  for (const name of commandsOf(stdout)) helpIsForPeople([...names, name]);
}

for (const name of commandsOf(help.stdout)) test(`aod ${name} --help`, () => helpIsForPeople([name]));

const tools = readdirSync(bin).filter((name) => name !== "aod" && commandsOf(help.stdout).includes(name));
for (const name of tools) {
  test(`${name} is a link to aod and starts under its own name`, () => {
    assert.equal(readlinkSync(join(bin, name)), "aod");
    const link = join(elsewhere, name);
    symlinkSync(join(bin, name), link);
    const { status, stdout, stderr } = start(link, "--help");
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`Usage: ${name}`));
  });
}

test("an unknown command is a usage error", () => {
  assert.equal(start(join(bin, "aod"), "no-such-command").status, 2);
});
