import type { Command } from "commander";
import { findNfsStatus } from "../nfs/status.ts";
import type { RpcOp } from "../probe/rpc-op.ts";
import { rpcSettingsFrame } from "../probe/rpc-settings.ts";
import { nfsRpc } from "../probe/rpc-wire.ts";
import { findErrno } from "../system/errno.ts";
import { AodError } from "../system/error.ts";
import { codes } from "../tools/arguments.ts";
import { addRpcOptions, hasFailed, rpcFilterOf, rpcJson, rpcOutcomes, rpcSettingsOf } from "../tools/nfs.ts";
import { mountsOnce } from "../tools/nfs-mounts.ts";
import type { CommonOptions } from "../tools/options.ts";
import type { ParsedLine, ToolPlan, ToolSpec } from "../tools/spec.ts";
import { columnsOf } from "./nfsiosnoop-columns.ts";
import { tool } from "./tool.ts";

const help = `
Examples:
  nfsiosnoop                       every NFS operation with its status and what it asked for
  nfsiosnoop --errors              only operations that failed
  nfsiosnoop --status delay,stale  by the server's status: NFS4ERR_DELAY, NFS3ERR_STALE, 10008
  nfsiosnoop --errno EACCES        by what the client makes of it; also 13
  nfsiosnoop -c open -p 1234       only OPEN, of one process
  nfsiosnoop -V 3                  only NFSv3
  nfsiosnoop -v                    with the time, the latency and the export
  nfsiosnoop --errors --stop-on 'errors>=10/1s' --then 'incidents'

STATUS is the server's answer; where there is none it is a dash, and ERRNO is the client's own error (ETIMEDOUT, EIO). Otherwise ERRNO is what
the client makes of the status. An operation has one line whatever it took: PARAMS then ends with its restarts and retransmissions. PARAMS holds
names of files: mind whom you send it to.`;

export const nfsiosnoop: ToolSpec<RpcOp> = {
  name: "nfsiosnoop",
  description: "Show NFS operations with their status and what they ask for, one a line.",
  help,
  verbose: "add the time, the latency and the export, and say how the probe attached",
  protocol: "nfs",
  outcomes: rpcOutcomes,
  declare: (command) => {
    addRpcOptions(command);
    command
      .option("--errors", "only operations that failed")
      .option("--status <STATUSES>", "only these NFS statuses: names or numbers, separated by commas", statusSet)
      .option("--errno <ERRNOS>", "only these errnos of the client: names or numbers, separated by commas", errnoSet);
  },
  plan,
};

export function build(): Command {
  return tool(nfsiosnoop);
}

const statusSet = codes("NFS status", findNfsStatus, "give its name (NFS4ERR_DELAY) or its number (10008).");
const errnoSet = codes("errno", findErrno, "give its name (EACCES) or its number (13).");

interface Own {
  readonly errors?: true;
  readonly status?: ReadonlySet<number>;
  readonly errno?: ReadonlySet<number>;
}

function plan(line: ParsedLine, common: CommonOptions<RpcOp>): ToolPlan<RpcOp> {
  const filter = rpcFilterOf(line);
  const { errors, status, errno } = line.options as Own;
  if (errors && status !== undefined && ![...status].some((code) => code !== 0)) {
    throw new AodError("usage", "--errors and a --status that is no failure exclude each other");
  }
  if (errors && errno?.has(0) && errno.size === 1) {
    throw new AodError("usage", "--errors and --errno 0 exclude each other");
  }
  const mounts = mountsOnce();
  return {
    probe: nfsRpc,
    request: rpcSettingsFrame(rpcSettingsOf(0, filter, common)),
    columns: columnsOf(common.verbose, mounts.get),
    json: (row) => rpcJson(row, mounts.get()),
    wants: (op) =>
      filter.wants(op) &&
      (!errors || hasFailed(op)) &&
      (status === undefined || (op.status?.code !== undefined && status.has(op.status.code))) &&
      (errno === undefined || (op.status !== undefined && errno.has(op.status.errno))),
    concerns: filter.wants,
    showsOpen: true,
    command: (op) => op.procedure,
    names: mounts.make,
  };
}
