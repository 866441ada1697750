import type { Command } from "commander";
import type { RpcOp } from "../probe/rpc-op.ts";
import { rpcSettingsFrame } from "../probe/rpc-settings.ts";
import { nfsRpc } from "../probe/rpc-wire.ts";
import { number } from "../tools/arguments.ts";
import { addRpcOptions, rpcFilterOf, rpcJson, rpcOutcomes, rpcSettingsOf } from "../tools/nfs.ts";
import { mountsOnce } from "../tools/nfs-mounts.ts";
import type { CommonOptions } from "../tools/options.ts";
import type { ParsedLine, ToolPlan, ToolSpec } from "../tools/spec.ts";
import { columnsOf } from "./nfsslower-columns.ts";
import { tool } from "./tool.ts";

const help = `
Examples:
  nfsslower                  operations that took 10 ms or more
  nfsslower 1                ... 1 ms or more
  nfsslower 0                all operations
  nfsslower -V 4.1           of mounts with NFSv4.1; also 3, 4 (all of NFSv4), 4.0, 4.2
  nfsslower -p 1234          of one process
  nfsslower -c read,write    only these procedures
  nfsslower -x getattr       without this procedure
  nfsslower -d 10 -n 100     for 10 seconds, at most 100 lines
  nfsslower -v               with the phases, the retries, the status and the export
  nfsslower -j > ops.csv     comma-separated values; times in µs
  nfsslower --json           one JSON object a line
  nfsslower --mount /mnt/data --stop-on 'slow>=1s' --then 'status --json'

An operation is one RPC with all its retries: sent again because no answer came, restarted, or made anew because the server said to come
again later (NFS4ERR_DELAY, NFS4ERR_GRACE, NFS3ERR_JUKEBOX). TASK and PID are who asked for it; writeback is asked for by kernel workers. It is
shown when it has ended. What is still in flight at the end is shown then, with the time until then and "(open)" behind its procedure, or
"(retry)" while the client waits to come again; -v shows it already when it has passed the limit.`;

export const nfsslower: ToolSpec<RpcOp> = {
  name: "nfsslower",
  description: "Show NFS operations that are slower than a limit, one a line.",
  help,
  verbose: "add the phases, the retries, the status and the export, and say how the probe attached",
  protocol: "nfs",
  outcomes: rpcOutcomes,
  declare: (command) => {
    command.argument("[min_ms]", "show operations that took at least this many ms; 0 = all", number("ms", 0), 10);
    addRpcOptions(command);
  },
  plan,
};

export function build(): Command {
  return tool(nfsslower);
}

function plan(line: ParsedLine, common: CommonOptions<RpcOp>): ToolPlan<RpcOp> {
  const minMs = Number(line.args[0]);
  const filter = rpcFilterOf(line);
  const mounts = mountsOnce();
  return {
    probe: nfsRpc,
    request: rpcSettingsFrame(rpcSettingsOf(minMs * 1000, filter, common)),
    title: `Tracing NFS operations that are slower than ${minMs} ms.`,
    columns: columnsOf(common.verbose, mounts.get),
    json: (row) => rpcJson(row, mounts.get()),
    wants: (op) => op.latencyUs >= minMs * 1000 && filter.wants(op),
    concerns: filter.wants,
    showsOpen: true,
    command: (op) => op.procedure,
    names: mounts.make,
  };
}
