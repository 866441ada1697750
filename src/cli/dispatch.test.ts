import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { AodError } from "../system/error.ts";
import type { CliCommand } from "./command.ts";
import { dispatch } from "./dispatch.ts";
import { commands } from "./table.ts";

/** Commands that note that they were loaded, and with which arguments they ran. */
function world() {
  const loaded: string[] = [];
  const ran: string[] = [];
  const entry = (name: string, tool: boolean): CliCommand => ({
    name,
    summary: `the ${name}`,
    tool,
    load: async () => {
      loaded.push(name);
      const build = () =>
        new Command(name)
          .argument("[word]")
          .option("-n <count>")
          .action((word, options) => {
            ran.push(`${name} ${word ?? ""} ${options.n ?? ""}`.trim());
          });
      return { build };
    },
  });
  const table = [entry("status", false), entry("smbslower", true)];
  const run = (invokedAs: string, ...argv: string[]) =>
    dispatch({ invokedAs, argv, version: "1.2.3", commands: table });
  return { loaded, ran, run };
}

test("only the command that runs is loaded", async () => {
  const { loaded, ran, run } = world();
  await run("aod", "status", "word", "-n", "3");
  assert.deepEqual(loaded, ["status"]);
  assert.deepEqual(ran, ["status word 3"]);
});

test("under a tool's name it is the tool", async () => {
  const { ran, run } = world();
  await run("smbslower", "10");
  await run("aod", "smbslower", "20");
  assert.deepEqual(ran, ["smbslower 10", "smbslower 20"]);
});

const wrong: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
  [["statsu"], /^there is no command "statsu": did you mean "status"\?$/],
  [["colour"], /^there is no command "colour": the commands are status, smbslower$/],
  [["status", "--nope"], /^unknown option '--nope'\ntry: aod status --help$/],
  [["--nope"], /^unknown option '--nope'/],
];
for (const [argv, message] of wrong) {
  test(`wrong usage: aod ${argv.join(" ")}`, async () => {
    const { ran, run } = world();
    await assert.rejects(run("aod", ...argv), (error) => {
      assert.ok(error instanceof AodError);
      assert.equal(error.exitStatus, 2);
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(ran, []);
  });
}

test("a wrong value is told in one line, with the option that it was given to", async () => {
  for (const [argv, message] of [
    [["smbslower", "ten"], "min_ms: expected a number of ms, at least 0."],
    [["smbslower", "-c", "it's"], `--cmds: there is no command "it's": commands are `],
    [["smbslower", "-p", "me"], "--pid: expected a process id."],
  ] as const) {
    await assert.rejects(dispatch({ invokedAs: "aod", argv, version: "1", commands }), (error) => {
      assert.ok(error instanceof AodError && error.exitStatus === 2);
      assert.ok(error.message.startsWith(message) && !error.message.includes("\n"), error.message);
      return true;
    });
  }
});

test("every command of the table loads, has its name and a help with examples", async () => {
  for (const { name, load } of commands) {
    const command = (await load()).build();
    assert.equal(command.name(), name);
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    assert.match(help, /Example|example/, name);
  }
});

test("a command that has further ones and was given none says which", async () => {
  const error = await dispatch({ invokedAs: "aod", argv: ["doctor"], version: "1", commands }).catch(
    (one: unknown) => one,
  );
  assert.ok(error instanceof AodError);
  assert.equal(error.exitStatus, 2);
  assert.match(error.message, /^no command was given: aod doctor has .*host/);
});
