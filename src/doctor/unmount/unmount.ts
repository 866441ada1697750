import { isAbsolute, join, normalize, resolve } from "node:path";
import { namespaceOf, readNamespace } from "../../holders/namespaces.ts";
import { AodError } from "../../system/error.ts";
import { type MountInfo, mountOf } from "../../system/mountinfo.ts";
import type { Answer } from "../answer.ts";
import { examine } from "../examine.ts";
import type { Machine } from "../machine.ts";
import { type Holder, newCase, type UnmountCheck } from "./case.ts";
import { devices, elsewhere, kernelUsers, mountItself, mountsOnIt } from "./mounts.ts";
import { directories, mappedFilesCheck, openFiles, processes, programs } from "./processes.ts";
import { wouldGo } from "./verdict.ts";

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
  const asked = mountAt(path, own.mounts, cwd);
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

/** The topmost mount of a place. The path is not looked at: a link is not followed. */
export function mountAt(path: string, mounts: readonly MountInfo[], cwd: string): MountInfo {
  const whole = (isAbsolute(path) ? normalize(path) : resolve(cwd, path)).replace(/(?<=.)\/+$/, "");
  const there = mounts.filter(({ target }) => target === whole);
  const top = there.findLast(({ id }) => !there.some(({ parent }) => parent === id)) ?? there.at(-1);
  if (top !== undefined) return top;
  const nearest = mountOf(whole, mounts, "/");
  if (nearest === undefined) throw new AodError("failed", "the mounts of this host cannot be read");
  throw new AodError(
    "usage",
    `${whole} is not a mount point; it lies on ${nearest.source}, which is mounted on ${nearest.target}: aod doctor unmount ${nearest.target}`,
  );
}
