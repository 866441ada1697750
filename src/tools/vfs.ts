// What the tools on VFS callbacks share: which groups, how calls end, where they went.
import { type Command, Option } from "commander";
import type { Hello } from "../probe/op.ts";
import { isVfsHello } from "../probe/vfs-decoder.ts";
import { vfsOpToJson } from "../probe/vfs-json.ts";
import { type VfsCallback, type VfsOp, type VfsType, vfsTypes } from "../probe/vfs-op.ts";
import { errnoName } from "../system/errno.ts";
import type { Column } from "./columns.ts";
import type { OpRow, Row } from "./op.ts";
import type { CommonOptions } from "./options.ts";
import type { ParsedLine } from "./spec.ts";
import type { Outcomes } from "./stop.ts";
import { pathOf } from "./vfs-mounts.ts";

// permission, get_link and d_revalidate with -ECHILD: not without taking locks, and the kernel asks again.
const ECHILD = 10;

export const vfsOutcomes: Outcomes<VfsOp> = {
  failed: ({ failed, errno }) => failed && errno !== ECHILD,
  errno: ({ errno }) => errno,
};

/** The options that choose groups of callbacks; `short`: with the letters that smbvfsiosnoop has. */
export function addGroupOptions(command: Command, short = false): void {
  const flag = (letter: string, name: string): string => (short ? `-${letter}, --${name}` : `--${name}`);
  const groups = [
    new Option(flag("f", "file"), "callbacks on open files"),
    new Option(flag("i", "inode"), "callbacks on names and attributes"),
    new Option(flag("a", "adspace"), "callbacks on the page cache"),
    new Option(flag("s", "super"), "callbacks on the file system as a whole"),
    new Option(
      "--shared",
      "also callbacks that other file systems have too (netfs_*, generic_*): each of their calls costs a little, whoever makes it",
    ),
  ];
  for (const option of groups) command.addOption(option);
}

export interface Groups {
  readonly types: readonly VfsType[];
  readonly shared: boolean;
}

/** None given is all of them. */
export function groupsOf({ options }: ParsedLine): Groups {
  const given = vfsTypes.filter((type) => options[type.toLowerCase()] === true);
  return { types: given.length === 0 ? vfsTypes : given, shared: options.shared === true };
}

/** A recording may have more than was chosen. */
export function inGroups({ types, shared }: Groups, { callback }: VfsOp): boolean {
  return types.includes(callback.type) && (shared || !callback.shared);
}

/** The helper's arguments: what is not chosen is not attached. Paths cost a walk for each call that is handed out. */
export function vfsArgs({ types, shared }: Groups, common: CommonOptions<VfsOp>): readonly string[] {
  const paths = common.verbose || common.format === "json";
  return [
    "--types",
    types.map((type) => type.toLowerCase()).join(","),
    ...(shared ? ["--shared"] : []),
    ...(paths ? ["--paths"] : []),
  ];
}

/** How the callbacks attached: with -v each one that did not or not well, with the reason; else their number. */
export function attachedLines(hello: Hello, { verbose }: CommonOptions<VfsOp>): readonly string[] {
  if (!isVfsHello(hello)) return [];
  const chosen = hello.callbacks.filter(({ type, shared }) => hello.types.includes(type) && (hello.shared || !shared));
  const missing = chosen.filter(({ rung }) => rung === "none");
  const summary = `${chosen.length - missing.length} of ${chosen.length} callbacks attached`;
  if (!verbose) return missing.length === 0 ? [] : [`${summary}: -v says which not, and why`];
  return [summary, ...chosen.filter(({ why }) => why !== undefined).map(attachedLine)];
}

function attachedLine({ function: name, table, member, rung, why }: VfsCallback): string {
  return `${name} (${table}.${member}): ${rung === "none" ? "not attached" : rung}: ${why}`;
}

export function vfsJson(row: Row<VfsOp>): object {
  // No task waits before its call.
  if (row.kind === "waiter") return {};
  const { op, target, clock } = row;
  const path = pathOf(op.object, target);
  const secondPath = pathOf(op.second, target);
  const { server, share } = target;
  const where = {
    ...(server === undefined ? undefined : { server }),
    ...(share === undefined ? undefined : { share }),
    ...(path === undefined ? undefined : { path }),
    ...(secondPath === undefined ? undefined : { secondPath }),
  };
  return vfsOpToJson(op, where, clock);
}

export const typeColumn: Column<VfsOp> = { title: "TYPE", width: 10, value: ({ op }) => op.callback.type };

export const functionColumn: Column<VfsOp> = {
  title: "FUNCTION",
  width: 25,
  value: ({ op }) => (op.endedNs === undefined ? `${op.callback.function} (running)` : op.callback.function),
};

export const pathColumn: Column<VfsOp> = { title: "PATH", width: 0, value: nameText };

/** The path; where the kernel has the name alone, that. */
function nameText({ op, target }: OpRow<VfsOp>): string | undefined {
  return pathOf(op.object, target) ?? op.object?.name;
}

/** `EACCES`; nothing for success. */
export function errnoText({ errno }: VfsOp): string | undefined {
  return errno === undefined || errno === 0 ? undefined : errnoName(errno);
}
