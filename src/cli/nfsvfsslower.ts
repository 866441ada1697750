import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { nfsVfs } from "../probe/vfs-decoder.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import type { Target } from "../tools/op.ts";
import type { ToolSpec } from "../tools/spec.ts";
import { vfsOutcomes } from "../tools/vfs.ts";
import { declareSlower, slowerPlan } from "../tools/vfs-slower.ts";
import { tool } from "./tool.ts";

const help = `
Examples:
  nfsvfsslower                    calls that took 10 ms or more
  nfsvfsslower 1 --inode          ... 1 ms or more, of the callbacks on names and attributes
  nfsvfsslower -V 4.1             on mounts of NFS 4.1
  nfsvfsslower --mount /mnt/data  on one mount
  nfsvfsslower -p 1234 -v         of one process, with size, offset and path
  nfsvfsslower -j > calls.csv     comma-separated values; times in µs
  nfsvfsslower --json             one JSON object a line

The callbacks are those that the modules nfs, nfsv3 and nfsv4 have on the running kernel, as far as they are loaded at the start. Groups that
are not chosen are not attached; none chosen is all of them. A call is shown when it has ended; what still runs at the end is shown then with
"(running)", -v shows it already when it has passed the limit.`;

export const nfsvfsslower: ToolSpec<VfsOp> = {
  name: "nfsvfsslower",
  description: "Show calls of the NFS client's VFS callbacks that are slower than a limit, one a line.",
  help,
  verbose: "add size, offset and path, and say how each callback was attached",
  protocol: "nfs",
  outcomes: vfsOutcomes,
  declare: (command) => {
    declareSlower(command);
    command.option(
      "-V, --nfs-version <VERSION>",
      "only on mounts of this version: 3, 4 (all of 4), 4.0, 4.1, 4.2",
      version,
    );
  },
  plan: (line, common) => {
    const wanted = line.options.nfsVersion;
    return slowerPlan(nfsVfs, "NFS", line, common, typeof wanted === "string" ? { passes: ofVersion(wanted) } : {});
  },
};

export function build(): Command {
  return tool(nfsvfsslower);
}

const versions = ["2", "3", "4", "4.0", "4.1", "4.2"];

function version(text: string): string {
  if (!versions.includes(text))
    throw new InvalidArgumentError(`there is no NFS version "${text}": ${versions.join(", ")}.`);
  return text;
}

/** `4` is all of 4; a mount whose version is not known is of none. */
function ofVersion(wanted: string): (target: Target) => boolean {
  return ({ version: here }) => here === wanted || (wanted === "4" && here?.startsWith("4.") === true);
}
