import type { Command } from "commander";
import { smbVfs } from "../probe/vfs-decoder.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import { exclusive } from "../tools/options.ts";
import type { ToolSpec } from "../tools/spec.ts";
import { vfsOutcomes } from "../tools/vfs.ts";
import { declareSlower, slowerPlan } from "../tools/vfs-slower.ts";
import { WireTree } from "../tools/wire-tree.ts";
import { tool } from "./tool.ts";

const help = `
Examples:
  smbvfsslower                    calls that took 10 ms or more
  smbvfsslower 1 --inode          ... 1 ms or more, of the callbacks on names and attributes
  smbvfsslower --mount /mnt/data  on one mount
  smbvfsslower -p 1234 -v         of one process, with size, offset and path
  smbvfsslower --tree             ... and why: the requests of each call, and where their time went
  smbvfsslower -j > calls.csv     comma-separated values; times in µs
  smbvfsslower --json             one JSON object a line

The callbacks are those that the cifs module has on the running kernel. Groups that are not chosen are not attached; none chosen is all of
them. A call is shown when it has ended; what still runs at the end is shown then with "(running)", -v shows it already when it has passed
the limit.

--tree shows the requests that the same task made while the call ran; a call appears when they are known, up to a second later. READ and WRITE
that kernel workers make (writeback, read-ahead) belong to no task: they are counted, not shown.`;

export const smbvfsslower: ToolSpec<VfsOp> = {
  name: "smbvfsslower",
  description: "Show calls of the SMB client's VFS callbacks that are slower than a limit, one a line.",
  help,
  verbose: "add size, offset and path, and say how each callback was attached",
  protocol: "smb",
  outcomes: vfsOutcomes,
  declare: (command) => {
    declareSlower(command);
    command.option("--tree", "under each call the SMB requests that it caused, with their phases");
  },
  plan: (line, common) => {
    const tree = line.options.tree === true;
    exclusive(tree && "--tree", common.format === "csv" && "--csv");
    return slowerPlan(smbVfs, "SMB", line, common, { tree: tree ? new WireTree() : undefined });
  },
};

export function build(): Command {
  return tool(smbvfsslower);
}
