import { Command, CommanderError } from "commander";
import { nearest } from "../smb/nearest.ts";
import { AodError } from "../system/error.ts";
import type { CliCommand } from "./command.ts";

export interface Invocation {
  /** The name that it was started by: `aod`, or a tool's. */
  readonly invokedAs: string;
  /** Without the program's own name. */
  readonly argv: readonly string[];
  readonly version: string;
  readonly commands: readonly CliCommand[];
}

/** Finds the command, loads it alone and runs it. Rejects with AodError; `--help` and `--version` are no errors. */
export async function dispatch({ invokedAs, argv, version, commands }: Invocation): Promise<void> {
  const tool = commands.find((command) => command.tool === true && command.name === invokedAs);
  if (tool !== undefined) return runCommand(tool, argv, tool.name, version);
  const [first, ...rest] = argv;
  if (first === "help" && rest[0] !== undefined && !rest[0].startsWith("-")) {
    return runCommand(findCommand(commands, rest[0]), ["--help"], `aod ${rest[0]}`, version);
  }
  if (first === undefined || first === "help" || first.startsWith("-")) {
    // Without a command there is nothing to do: the help goes to stderr, and the status says so.
    return parse(
      overview(version, commands),
      first === undefined || first === "help" ? ["--help"] : argv,
      first === undefined,
    );
  }
  return runCommand(findCommand(commands, first), rest, `aod ${first}`, version);
}

export function findCommand(commands: readonly CliCommand[], name: string): CliCommand {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const names = commands.map((candidate) => candidate.name);
  const near = nearest(name, names);
  const hint = near === undefined ? `the commands are ${names.join(", ")}` : `did you mean "${near}"?`;
  throw new AodError("usage", `there is no command "${name}": ${hint}`);
}

async function runCommand(entry: CliCommand, argv: readonly string[], name: string, version: string): Promise<void> {
  const command = (await entry.load()).build();
  command.name(name);
  // The NFS tools have -V for the version of NFS.
  const taken = command.options.some((option) => option.short === "-V");
  if (entry.tool === true && name === entry.name) command.version(version, taken ? "--version" : "-V, --version");
  return parse(command, argv, false);
}

function overview(version: string, commands: readonly CliCommand[]): Command {
  const program = new Command("aod")
    .description("Always On Diagnostics for Linux SMB and NFS clients")
    .version(version);
  for (const { name, summary } of commands) program.command(name).description(summary).helpOption(false);
  return program.helpCommand("help [command]", "show the help of a command").addHelpText(
    "after",
    `
Examples:
  aod run --config /etc/aod/aod.yaml   watch every SMB mount of this machine
  aod status                           what the daemon sees now
  aod incidents                        what it has noticed
  aod smbslower --help                 the help of one command

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not supported here.`,
  );
}

async function parse(command: Command, argv: readonly string[], noCommand: boolean): Promise<void> {
  command.exitOverride();
  if (noCommand) {
    command.outputHelp({ error: true });
    throw new AodError("usage", "no command was given");
  }
  // The caller prints what went wrong, once.
  command.configureOutput({ outputError: () => {} });
  try {
    await command.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    if (error.code === "commander.help") {
      const names = command.commands.map((subcommand) => subcommand.name());
      throw new AodError("usage", `no command was given: ${command.name()} has ${names.join(", ")}`, { cause: error });
    }
    throw new AodError("usage", wrongUse(error, command), { cause: error });
  }
}

const wrongValue = [
  /^option '(?:-\w, )?(-[^\s']*)[^']*' argument '.*' is invalid\. (.*)$/s,
  /^command-argument value '.*' is invalid for argument '([^']*)'\. (.*)$/s,
];

/** One line when a value is wrong, since that says it all; else also where the help is. */
function wrongUse({ code, message }: CommanderError, command: Command): string {
  const text = message.replace(/^error: /, "");
  for (const pattern of code === "commander.invalidArgument" ? wrongValue : []) {
    const [, what, why] = pattern.exec(text) ?? [];
    if (what !== undefined && why !== undefined) return `${what}: ${why}`;
  }
  return `${text}\ntry: ${command.name()} --help`;
}
