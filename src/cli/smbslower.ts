import type { Command } from "commander";
import type { SmbOp } from "../probe/op.ts";
import { type ProbeSettings, settingsFrame } from "../probe/settings.ts";
import { smbWire } from "../probe/smb-wire.ts";
import { number } from "../tools/arguments.ts";
import type { CommonOptions } from "../tools/options.ts";
import {
  addCommandOptions,
  type CommandFilter,
  commandFilterOf,
  isOneOf,
  reconnectWaiters,
  smbJson,
  smbNames,
  smbOutcomes,
} from "../tools/smb.ts";
import type { ParsedLine, ToolPlan, ToolSpec } from "../tools/spec.ts";
import { columnsOf } from "./smbslower-columns.ts";
import { tool } from "./tool.ts";

const help = `
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
  smbslower --mount /mnt/data --stop-on 'slow>=1s' --then 'status --json'

An operation is shown when it has ended. What is still in flight at the end is shown then, with the time until then and "(open)" behind its
type; -v shows it already when it has passed the limit. "(waiting: reconnect)" is a task that waited for its connection
before it had a request, "(waiting: credits)" one that still waits for the server's leave to send.`;

export const smbslower: ToolSpec<SmbOp> = {
  name: "smbslower",
  description: "Show SMB operations that are slower than a limit, one a line.",
  help,
  verbose: "add the phases, the status and the share, and say how the probe attached",
  protocol: "smb",
  outcomes: smbOutcomes,
  declare: (command) => {
    command.argument("[min_ms]", "show operations that took at least this many ms; 0 = all", number("ms", 0), 10);
    addCommandOptions(command);
  },
  plan,
};

export function build(): Command {
  return tool(smbslower);
}

function plan(line: ParsedLine, common: CommonOptions<SmbOp>): ToolPlan<SmbOp> {
  const minMs = Number(line.args[0]);
  const commands = commandFilterOf(line);
  return {
    probe: smbWire,
    request: settingsFrame(settingsOf(minMs, commands, common)),
    title: `Tracing SMB operations that are slower than ${minMs} ms.`,
    columns: columnsOf(common.verbose),
    // As the tool of this name has it.
    csvTail: common.verbose ? "" : ",",
    json: smbJson,
    wants: (op) => op.latencyUs >= minMs * 1000 && isOneOf(commands.codes, op),
    concerns: (op) => isOneOf(commands.codes, op),
    wantsWaiter: ({ sinceNs }, untilNs) => !commands.only && untilNs - sinceNs >= minMs * 1e6,
    showsOpen: true,
    command: (op) => op.command,
    names: smbNames,
    waiters: reconnectWaiters,
  };
}

/** What the helper should report. */
export function settingsOf(minMs: number, { codes }: CommandFilter, { stopOn }: CommonOptions<SmbOp>): ProbeSettings {
  const watch = stopOn?.watch;
  const slowUs = watch?.all ? 0 : Math.min(minMs * 1000, watch?.slowUs ?? Number.POSITIVE_INFINITY);
  return {
    slowUs: null,
    slowUsOf: new Map([...codes].map((code) => [code, slowUs] as const)),
    errorCommands: watch?.errors ? codes : [],
    inflightUs: slowUs,
  };
}
