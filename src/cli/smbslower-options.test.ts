import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CommanderError } from "commander";
import { AodError } from "../system/error.ts";
import { buildCommand, type SlowerOptions } from "./smbslower-options.ts";

async function parse(...argv: readonly string[]): Promise<SlowerOptions> {
  let options: SlowerOptions | undefined;
  const command = buildCommand(async (given) => {
    options = given;
  });
  command.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync([...argv], { from: "user" });
  assert.ok(options);
  return options;
}

describe("smbslower's command line", () => {
  it("without arguments: 10 ms, every command", async () => {
    const options = await parse();
    assert.equal(options.minMs, 10);
    assert.equal(options.commands.size, 20);
    assert.deepEqual([options.format, options.verbose, options.onlyCommands], ["text", false, false]);
    for (const key of ["pid", "durationS", "count"]) assert.equal(key in options, false, key);
  });

  it("takes everything that is documented", async () => {
    const options = await parse("0.5", "-p", "77", "-c", "read,SMB2_WRITE,5", "-d", "2.5", "-n", "3", "-j", "-v");
    assert.deepEqual(
      { ...options, commands: [...options.commands].sort() },
      {
        minMs: 0.5,
        pid: 77,
        commands: [5, 8, 9],
        onlyCommands: true,
        durationS: 2.5,
        count: 3,
        format: "csv",
        verbose: true,
      },
    );
  });

  it("-x leaves commands out", async () => {
    const { commands, onlyCommands } = await parse("-x", "echo,change_notify");
    assert.deepEqual([commands.has(13), commands.has(15), commands.has(9), onlyCommands], [false, false, true, false]);
  });

  it("--csv and --json", async () => {
    assert.equal((await parse("--csv")).format, "csv");
    assert.equal((await parse("--json")).format, "json");
  });

  it("a wrong name of a command is answered with the nearest", async () => {
    await assert.rejects(parse("-c", "wirte"), (error: unknown) => {
      assert.ok(error instanceof CommanderError);
      assert.match(error.message, /there is no command "wirte": did you mean "WRITE"\?/);
      return true;
    });
  });

  it("what is not understood is refused", async () => {
    const wrong = [
      ["ten"],
      ["-1"],
      [""],
      ["-p", "x"],
      ["-p", "0"],
      ["-n", "0"],
      ["-n", "1.5"],
      ["-d", "soon"],
      ["-c", "99"],
      ["--frob"],
      ["1", "2"],
    ];
    for (const argv of wrong) await assert.rejects(parse(...argv), CommanderError, argv.join(" "));
    for (const argv of [
      ["-c", "5", "-x", "6"],
      ["--csv", "--json"],
    ]) {
      await assert.rejects(parse(...argv), (error: unknown) => error instanceof AodError && error.code === "usage");
    }
  });
});
