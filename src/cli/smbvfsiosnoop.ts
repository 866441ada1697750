import type { Command } from "commander";
import { argsOf, argsText } from "../probe/vfs-args.ts";
import { smbVfs } from "../probe/vfs-decoder.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import { vfsSettingsFrame } from "../probe/vfs-settings.ts";
import { type Column, latency, pid, task } from "../tools/columns.ts";
import type { OpRow } from "../tools/op.ts";
import type { CommonOptions } from "../tools/options.ts";
import type { ParsedLine, ToolPlan, ToolSpec } from "../tools/spec.ts";
import {
  addGroupOptions,
  attachedLines,
  errnoText,
  functionColumn,
  groupsOf,
  inGroups,
  typeColumn,
  vfsArgs,
  vfsJson,
  vfsOutcomes,
} from "../tools/vfs.ts";
import { pathOf, VfsMounts } from "../tools/vfs-mounts.ts";
import { tool } from "./tool.ts";

const help = `
Examples:
  smbvfsiosnoop                   every call of every callback
  smbvfsiosnoop -f -i             of the callbacks on open files and on names
  smbvfsiosnoop --errors          only what returned an error
  smbvfsiosnoop -p 1234 -v        of one process, with errno names, latencies and whole paths
  smbvfsiosnoop -j > calls.csv    comma-separated values
  smbvfsiosnoop --json            one JSON object a line

Without a group all of them are traced; what is not chosen is not attached. RETVAL is what the callback returned: below zero an error, of a
callback that returns a pointer 0 for NULL and 1 for any other. In ARGS "_" is what is not known.`;

export const smbvfsiosnoop: ToolSpec<VfsOp> = {
  name: "smbvfsiosnoop",
  description: "Show every call of the SMB client's VFS callbacks with its arguments and what it returned, one a line.",
  help,
  verbose: "add the name of the error and the latency, whole paths, and say how each callback was attached",
  protocol: "smb",
  outcomes: vfsOutcomes,
  declare: (command) => {
    addGroupOptions(command, true);
    command.option("--errors", "only calls that returned an error");
  },
  plan,
};

export function build(): Command {
  return tool(smbvfsiosnoop);
}

const known: readonly Column<VfsOp>[] = [
  task(20),
  pid(),
  typeColumn,
  functionColumn,
  { title: "RETVAL", width: 10, value: ({ op }) => op.retval },
];

const more: readonly Column<VfsOp>[] = [{ title: "ERRNO", width: 12, value: ({ op }) => errnoText(op) }, latency(11)];

function argsColumn(verbose: boolean): Column<VfsOp> {
  return { title: "ARGS", width: 25, value: (row) => argsCell(row, verbose) };
}

function argsCell({ op, target }: OpRow<VfsOp>, whole: boolean): string {
  return argsText(argsOf(op, whole ? (name) => pathOf(name, target) ?? name.name : undefined));
}

function plan(line: ParsedLine, common: CommonOptions<VfsOp>): ToolPlan<VfsOp> {
  const groups = groupsOf(line);
  const errors = line.options.errors === true;
  const watch = common.stopOn?.watch;
  const slowUs = !errors || watch?.all ? 0 : (watch?.slowUs ?? null);
  return {
    probe: smbVfs,
    request: vfsSettingsFrame({
      slowUs,
      errorTypes: groups.types,
      inflightUs: null,
      ...(common.pid === undefined ? undefined : { pid: common.pid }),
    }),
    args: vfsArgs(groups, common),
    columns: [...known, ...(common.verbose ? more : []), argsColumn(common.verbose)],
    json: vfsJson,
    concerns: (op) => inGroups(groups, op),
    wants: (op) => inGroups(groups, op) && (!errors || vfsOutcomes.failed(op)),
    showsOpen: false,
    command: (op) => op.callback.function,
    names: (world) => new VfsMounts(world),
    attached: (hello) => attachedLines(hello, common),
  };
}
