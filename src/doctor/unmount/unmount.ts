import { join } from "node:path";
import { mountAt } from "../../holders/mount-at.ts";
import { namespaceOf, readNamespace } from "../../holders/namespaces.ts";
import type { Answer } from "../answer.ts";
import { examine } from "../examine.ts";
import type { Machine } from "../machine.ts";
import { type Holder, newCase, type UnmountCheck } from "./case.ts";
import { handles } from "./handles.ts";
import { devices, elsewhere, kernelUsers, mountItself, mountsOnIt, watches } from "./mounts.ts";
import { directories, mappedFilesCheck, openFiles, processes, programs } from "./processes.ts";
import { wouldGo } from "./verdict.ts";
import { waiting } from "./waiting.ts";

/** In the order in which they are told; the first looks, the last judges. */
export const unmountChecks: readonly UnmountCheck[] = [
  mountItself,
  processes,
  openFiles,
  directories,
  programs,
  mappedFilesCheck,
  mountsOnIt,
  devices,
  kernelUsers,
  elsewhere,
  watches,
  waiting,
  handles,
  wouldGo,
];

/** An answer with all that keeps the mount, for machines. */
export interface UnmountAnswer extends Answer {
  readonly holders: readonly Omit<Holder, "text">[];
}

/** Who keeps a mount from being unmounted. Nothing below it is touched. */
export async function examineUnmount(
  machine: Machine,
  path: string,
  cwd: string,
  signal?: AbortSignal,
): Promise<UnmountAnswer> {
  const self = join(machine.procRoot, "self");
  const own = readNamespace(self, namespaceOf(self) ?? "", process.pid, "aod");
  const asked = mountAt(path, own.mounts, cwd, "doctor unmount");
  const of = newCase(machine, asked, own);
  const answer = await examine({
    subject: asked.target,
    case: of,
    checks: unmountChecks,
    wellSaid: `nothing that can be seen holds ${asked.target}: umount ${asked.target} takes it away`,
    limitMs: 90_000,
    ...(signal && { signal }),
  });
  return { ...answer, holders: of.holders.map(({ text: _, ...holder }) => holder) };
}
