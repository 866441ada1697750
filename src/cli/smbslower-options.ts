import { Command, InvalidArgumentError } from "commander";
import { commandName, commandNames, findCommand, OTHER_COMMAND } from "../smb/commands.ts";
import { AodError } from "../system/error.ts";
import type { RowFormat } from "./smbslower-rows.ts";

/** What smbslower was asked for. */
export interface SlowerOptions {
  /** At least this many ms; 0 = every op. */
  readonly minMs: number;
  readonly pid?: number;
  /** Command codes. */
  readonly commands: ReadonlySet<number>;
  /** -c was given: what has no command is not shown. */
  readonly onlyCommands: boolean;
  readonly durationS?: number;
  readonly count?: number;
  readonly format: RowFormat;
  readonly verbose: boolean;
}

interface Parsed {
  readonly pid?: number;
  readonly include?: ReadonlySet<number>;
  readonly exclude?: ReadonlySet<number>;
  readonly duration?: number;
  readonly count?: number;
  readonly csv?: true;
  readonly json?: true;
  readonly verbose?: true;
}

const examples = `
Examples:
  smbslower                  operations that took 10 ms or more
  smbslower 1                ... 1 ms or more
  smbslower 0                all operations
  smbslower -p 1234          of one process
  smbslower -c read,write    only these commands, by name or by number (8,9)
  smbslower -x change_notify without this command
  smbslower -d 10 -n 100     for 10 seconds, at most 100 lines
  smbslower -v               with the phases, the status and the share
  smbslower -j > ops.csv     comma-separated values; times in µs
  smbslower --json           one JSON object a line

An operation is shown when it has ended. What is still in flight at the end is shown then, with the time until then and "(open)" behind its
type; -v shows it already when it has passed the limit. "(waiting: reconnect)" is a task that waited for its connection
before it had a request, "(waiting: credits)" one that still waits for the server's leave to send.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not supported here.`;

/** The command line; `run` gets what was asked for. */
export function buildCommand(run: (options: SlowerOptions) => Promise<void>): Command {
  return new Command("smbslower")
    .description("Show SMB operations that are slower than a limit, one a line.")
    .argument("[min_ms]", "show operations that took at least this many ms; 0 = all", number("ms", 0), 10)
    .option("-p, --pid <PID>", "only operations of this process", integer("a process id", 1))
    .option("-c, --cmds <CMDS>", "only these commands: names or numbers, separated by commas", commandSet)
    .option("-x, --exclude <CMDS>", "all commands but these", commandSet)
    .option("-d, --duration <SECONDS>", "end after this many seconds of tracing", number("seconds", 0))
    .option("-n, --count <COUNT>", "end after this many lines", integer("a number of lines", 1))
    .option("-j, --csv", "comma-separated values")
    .option("--json", "one JSON object a line")
    .option("-v, --verbose", "add the phases, the status and the share, and say how the probe attached")
    .addHelpText("after", examples)
    .action(async (minMs: number, parsed: Parsed & { readonly cmds?: ReadonlySet<number> }) => {
      await run(optionsOf(minMs, { ...parsed, ...(parsed.cmds === undefined ? undefined : { include: parsed.cmds }) }));
    });
}

function optionsOf(minMs: number, parsed: Parsed): SlowerOptions {
  const { pid, include, exclude, duration, count, csv, json, verbose } = parsed;
  if (include !== undefined && exclude !== undefined) throw new AodError("usage", "-c and -x exclude each other");
  if (csv && json) throw new AodError("usage", "--csv and --json exclude each other");
  const all = Array.from({ length: OTHER_COMMAND + 1 }, (_, code) => code);
  return {
    minMs,
    ...(pid === undefined ? undefined : { pid }),
    commands: include ?? new Set(all.filter((code) => !exclude?.has(code))),
    onlyCommands: include !== undefined,
    ...(duration === undefined ? undefined : { durationS: duration }),
    ...(count === undefined ? undefined : { count }),
    format: csv ? "csv" : json ? "json" : "text",
    verbose: verbose ?? false,
  };
}

function commandSet(text: string, before?: ReadonlySet<number>): ReadonlySet<number> {
  const codes = new Set(before);
  for (const part of text.split(",")) {
    const found = findCommand(part);
    if (!found.ok) throw new InvalidArgumentError(unknownCommand(part.trim(), found.suggestion));
    codes.add(found.code);
  }
  return codes;
}

function unknownCommand(text: string, suggestion: string | undefined): string {
  if (suggestion !== undefined) return `there is no command "${text}": did you mean "${suggestion}"?`;
  return `there is no command "${text}": commands are ${commandNames.map((name) => name.slice(5)).join(", ")}, or 0 to ${OTHER_COMMAND}.`;
}

function number(unit: string, least: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!(value >= least && value <= 1e9))
      throw new InvalidArgumentError(`expected a number of ${unit}, at least ${least}.`);
    return value;
  };
}

function integer(what: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > 0xffff_ffff)
      throw new InvalidArgumentError(`expected ${what}.`);
    return value;
  };
}

/** `SMB2_READ, SMB2_WRITE` */
export function namesOf(codes: Iterable<number>): string {
  return [...codes].map(commandName).join(", ");
}
