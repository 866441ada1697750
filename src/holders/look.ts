// One look at the SMB client's handles and at who holds them.
import { join } from "node:path";
import { contentOf } from "../show/files.ts";
import { parseDebugData } from "../smb/debug-data.ts";
import { listOpenFiles, type OpenFileDetails } from "../smb/open-files.ts";
import { parseStats } from "../smb/stats.ts";
import { type MountInfo, mountOf } from "../system/mountinfo.ts";
import { isSmb } from "../system/mounts.ts";
import { type HandleHolder, type Joined, joinHandles, sharesByTree } from "./handles.ts";
import { loops, swapFiles } from "./kernel.ts";
import type { Mapping } from "./mappings.ts";
import type { Looked } from "./processes.ts";

/** The kernel holds a share's spin lock while it lists the handles. */
export const MAX_LISTED = 10_000;

export interface Roots {
  readonly procRoot: string;
  readonly sysRoot: string;
}

/** What the kernel lists of the handles at one moment. */
export interface HandleList {
  readonly files: readonly OpenFileDetails[];
  /** Why there is no list of them. */
  readonly missing?: string;
  /** Lines of open_files that are not known here. */
  readonly unknown: readonly string[];
}

/**
 * The handles now. They are to be read before the processes: whose a handle is that is opened later is then not asked, and one that stands in the list and that nobody
 * has afterwards was closed meanwhile at most. `all`: also where there are more than the kernel should be asked for.
 */
export function listHandles(procRoot: string, all = false): HandleList {
  const cifs = (name: string): string | undefined => contentOf(join(procRoot, "fs/cifs", name));
  const open = parseStats(cifs("Stats") ?? "").shares.reduce((sum, { openFiles = 0 }) => sum + openFiles, 0);
  const nothing = { files: [], unknown: [] };
  if (open > MAX_LISTED && !all)
    return { ...nothing, missing: `${open} files are open: they are listed with --all alone` };
  const text = cifs("open_files");
  if (text === undefined)
    return { ...nothing, missing: "open_files may only be read by root, and is there with the module cifs" };
  return listOpenFiles(text);
}

/**
 * Joins a list of handles with the processes that were looked at after it. `later`: the list after that; of what was opened meanwhile those have a place that
 * have a descriptor, so that it is not taken for a copy of an older one.
 */
export function joinList(
  { files }: HandleList,
  later: HandleList,
  { procRoot, sysRoot }: Roots,
  looked: Looked,
  mappings: readonly Mapping[],
): Joined {
  const data = contentOf(join(procRoot, "fs/cifs/DebugData"));
  const tables = [...looked.namespaces.values()];
  const mounts = new Map(tables.flatMap(({ mounts: table }) => table.filter(isSmb).map((mount) => [mount.id, mount])));
  const place = (path: string, namespace: string | undefined): MountInfo | undefined => {
    const table = namespace === undefined ? tables[0] : looked.namespaces.get(namespace);
    const mount = mountOf(path, table?.mounts ?? [], "/");
    return mount !== undefined && mounts.has(mount.id) ? mount : undefined;
  };
  const others: (HandleHolder & { readonly mount: number })[] = [];
  const add = (holder: HandleHolder): void => {
    const mount = place(holder.path, holder.process?.namespace);
    if (mount !== undefined) others.push({ ...holder, mount: mount.id });
  };
  for (const { kind, path, process } of looked.links) if (kind === "exe") add({ kind: "program", path, process });
  for (const { pid, path } of mappings) {
    const process = looked.processes.find((one) => one.pid === pid);
    if (process !== undefined && !others.some((one) => one.process === process && one.path === path))
      add({ kind: "mapping", path, process });
  }
  for (const { device, path } of loops(sysRoot)) add({ kind: "loop", path, device });
  for (const path of swapFiles(procRoot)) add({ kind: "swap", path });
  const descriptors = looked.descriptors.filter(({ mount }) => mounts.has(mount));
  const listed = new Set(files.map(({ fileId }) => fileId));
  const newer = later.files.filter(({ fileId }) => !listed.has(fileId));
  const joined = joinHandles(
    // The kernel has the newest first. Of several that fit a descriptor the older ones are rather those that somebody has.
    [...files.toReversed(), ...newer.toReversed()],
    sharesByTree(data === undefined ? undefined : parseDebugData(data)),
    [...mounts.values()],
    { descriptors, others },
  );
  const handles = joined.handles.filter(({ handle, holders }) => listed.has(handle.fileId) || holders.length > 0);
  return { ...joined, handles };
}
