import type { Command } from "commander";
import type { SmbOp } from "../probe/op.ts";
import { settingsFrame } from "../probe/settings.ts";
import { errnoOf, hasFailed } from "../probe/smb-outcome.ts";
import { smbWire } from "../probe/smb-wire.ts";
import { paramsJson, paramsText } from "../smb/params.ts";
import { findStatus, isFailure } from "../smb/status.ts";
import { findErrno } from "../system/errno.ts";
import { AodError } from "../system/error.ts";
import { codes } from "../tools/arguments.ts";
import type { CommonOptions } from "../tools/options.ts";
import { ParamsStage } from "../tools/params-stage.ts";
import { addCommandOptions, commandFilterOf, isOneOf, smbJson, smbNames, smbOutcomes } from "../tools/smb.ts";
import type { ParsedLine, ToolPlan, ToolSpec } from "../tools/spec.ts";
import { columnsOf } from "./smbiosnoop-columns.ts";
import { tool } from "./tool.ts";

const help = `
Examples:
  smbiosnoop                       every SMB request with its return code and what it asked for
  smbiosnoop --errors              only requests that failed
  smbiosnoop --status access_denied,0xc0000043
  smbiosnoop --errno EACCES        by what the client makes of the status; also 13
  smbiosnoop -c create -p 1234     only CREATE, of one process
  smbiosnoop -v                    with the time, the latency and the share
  smbiosnoop --json | jq .params
  smbiosnoop --errors --stop-on 'errors>=10/1s' --then 'incidents'

STATUS is the server's answer, or in parentheses why there is none; ERRNO what the client makes of it. PARAMS holds names of files: mind whom you
send it to.`;

export const smbiosnoop: ToolSpec<SmbOp> = {
  name: "smbiosnoop",
  description: "Show SMB requests with their return codes and what they ask for, one a line.",
  help,
  verbose: "add the time, the latency and the share, and say how the probe attached",
  protocol: "smb",
  outcomes: smbOutcomes,
  declare: (command) => {
    addCommandOptions(command);
    command
      .option("--errors", "only requests that failed")
      .option("--status <STATUSES>", "only these NTSTATUS: names or numbers, separated by commas", statusSet)
      .option("--errno <ERRNOS>", "only these errnos of the client: names or numbers, separated by commas", errnoSet);
  },
  plan,
};

export function build(): Command {
  return tool(smbiosnoop);
}

const statusSet = codes("status", findStatus, "give its name (STATUS_ACCESS_DENIED) or its number (0xc0000022).");
const errnoSet = codes("errno", findErrno, "give its name (EACCES) or its number (13).");

interface Own {
  readonly errors?: true;
  readonly status?: ReadonlySet<number>;
  readonly errno?: ReadonlySet<number>;
}

function plan(line: ParsedLine, common: CommonOptions<SmbOp>): ToolPlan<SmbOp> {
  const commands = commandFilterOf(line);
  const { errors, status, errno } = line.options as Own;
  if (errors && status !== undefined && ![...status].some(isFailure)) {
    throw new AodError("usage", "--errors and a --status that is no failure exclude each other");
  }
  if (errors && errno?.has(0) && errno.size === 1) {
    throw new AodError("usage", "--errors and --errno 0 exclude each other");
  }
  const wants = (op: SmbOp): boolean =>
    isOneOf(commands.codes, op) &&
    (!errors || hasFailed(op)) &&
    (status === undefined || (op.status !== undefined && status.has(op.status))) &&
    (errno === undefined || errno.has(errnoOf(op) ?? -1));
  const stage = new ParamsStage();
  const textOf = (op: SmbOp): string | undefined => {
    const params = stage.of(op);
    return params === undefined || params.length === 0 ? undefined : paramsText(params);
  };
  return {
    probe: smbWire,
    args: ["--params"],
    // Also for --errors: what ends without a response has no status that the kernel half could go by.
    request: settingsFrame({
      slowUs: null,
      slowUsOf: new Map([...commands.codes].map((code) => [code, 0] as const)),
      inflightUs: 0,
    }),
    columns: columnsOf(common.verbose, textOf),
    json: (row) => {
      const params = row.kind === "op" ? stage.of(row.op) : undefined;
      return { ...smbJson(row), ...(params === undefined ? undefined : { params: paramsJson(params) }) };
    },
    wants,
    concerns: (op) => isOneOf(commands.codes, op),
    showsOpen: "end",
    command: (op) => op.command,
    names: smbNames,
    stage,
  };
}
