// smbvfsslower and nfsvfsslower: the same tool on another file system.
import type { Command } from "commander";
import type { ProbeCodec } from "../probe/codec.ts";
import type { VfsEvent } from "../probe/vfs-decoder.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import { vfsSettingsFrame } from "../probe/vfs-settings.ts";
import { number } from "./arguments.ts";
import { type Column, endTime, latency, pid, task } from "./columns.ts";
import type { Target } from "./op.ts";
import type { CommonOptions } from "./options.ts";
import type { ParsedLine, ToolPlan } from "./spec.ts";
import {
  addGroupOptions,
  attachedLines,
  functionColumn,
  groupsOf,
  inGroups,
  pathColumn,
  typeColumn,
  vfsArgs,
  vfsJson,
} from "./vfs.ts";
import { VfsMounts } from "./vfs-mounts.ts";
import type { WireTree } from "./wire-tree.ts";
import { treeJson, treeParts } from "./wire-tree-plan.ts";

const columns: readonly Column<VfsOp>[] = [
  endTime(10),
  task(20),
  pid(),
  typeColumn,
  functionColumn,
  { ...latency(11), align: "right" },
];

const more: readonly Column<VfsOp>[] = [
  { title: "SIZE", width: 10, align: "right", value: ({ op }) => op.size },
  { title: "OFFSET", width: 12, align: "right", value: ({ op }) => op.pos },
  pathColumn,
];

export function declareSlower(command: Command): void {
  command.argument("[min_ms]", "show calls that took at least this many ms; 0 = all", number("ms", 0), 10);
  addGroupOptions(command);
}

export interface SlowerExtras {
  /** The tool's own filter by mount. */
  readonly passes?: (target: Target) => boolean;
  /** Requests are shown under the calls. */
  readonly tree?: WireTree | undefined;
}

/** `who`: whose callbacks, as the title says it. */
export function slowerPlan(
  probe: ProbeCodec<VfsOp, VfsEvent>,
  who: string,
  line: ParsedLine,
  common: CommonOptions<VfsOp>,
  { passes = () => true, tree }: SlowerExtras = {},
): ToolPlan<VfsOp> {
  const minMs = Number(line.args[0]);
  const groups = groupsOf(line);
  const watch = common.stopOn?.watch;
  const slowUs = watch?.all ? 0 : Math.min(minMs * 1000, watch?.slowUs ?? Number.POSITIVE_INFINITY);
  const concerns = (op: VfsOp, target: Target): boolean => inGroups(groups, op) && passes(target);
  return {
    probe,
    request: vfsSettingsFrame({
      slowUs,
      errorTypes: watch?.errors ? groups.types : [],
      inflightUs: slowUs,
      ...(common.pid === undefined ? undefined : { pid: common.pid }),
    }),
    args: vfsArgs(groups, common),
    title: `Tracing ${who} callbacks that are slower than ${minMs} ms.`,
    columns: common.verbose ? [...columns, ...more] : columns,
    json: (row) =>
      tree === undefined || row.kind !== "op" ? vfsJson(row) : { ...vfsJson(row), ...treeJson(row, tree) },
    ...(tree === undefined ? undefined : treeParts(tree)),
    wants: (op, target) => op.latencyUs >= minMs * 1000 && concerns(op, target),
    concerns,
    showsOpen: true,
    command: (op) => op.callback.function,
    names: (world) => new VfsMounts(world),
    attached: (hello) => attachedLines(hello, common),
  };
}
