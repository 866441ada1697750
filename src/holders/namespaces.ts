// The mount tables of all mount namespaces that a task is in, and where else one mount's file system is mounted.
import { join } from "node:path";
import { contentOf, linkOf } from "../show/files.ts";
import { type MountInfo, parseMountinfo } from "../system/mountinfo.ts";

/** A mount namespace as one of its tasks shows it. */
export interface Namespace {
  /** Its inode, as in `mnt:[4026531841]`. */
  readonly id: string;
  /** A task in it. */
  readonly pid: number;
  readonly comm: string;
  readonly mounts: readonly MountInfo[];
}

/** Undefined where it may not be known. */
export function namespaceOf(directory: string): string | undefined {
  return /^mnt:\[(\d+)\]$/.exec(linkOf(join(directory, "ns/mnt")) ?? "")?.[1];
}

export function readNamespace(directory: string, id: string, pid: number, comm: string): Namespace {
  return { id, pid, comm, mounts: parseMountinfo(contentOf(join(directory, "mountinfo")) ?? "") };
}

/**
 * What a mount is to the one that is asked for. `self`: that one. `below`: it lies on it. `copy`: the kernel made it with that one in another place, by
 * propagation, and takes it away with that one, unless it is in use. `other`: the same file system, mounted by itself; it stays.
 */
export type Role = "self" | "below" | "copy" | "other";

export interface Place {
  readonly mount: MountInfo;
  readonly namespace: Namespace;
  readonly role: Role;
}

/** Every mount that concerns the one asked for, by its id. */
export function placesOf(asked: MountInfo, own: Namespace, all: readonly Namespace[]): ReadonlyMap<number, Place> {
  const places = new Map<number, Place>([[asked.id, { mount: asked, namespace: own, role: "self" }]]);
  for (const mount of mountsBelow(asked, own.mounts)) places.set(mount.id, { mount, namespace: own, role: "below" });
  const groups = peersOf(asked, own.mounts, all);
  for (const namespace of all) {
    for (const mount of namespace.mounts) {
      if (places.has(mount.id) || mount.device !== asked.device) continue;
      const role = mount.root === asked.root && isCopy(mount, namespace, asked, own, groups) ? "copy" : "other";
      places.set(mount.id, { mount, namespace, role });
    }
  }
  return places;
}

/** Mounts on a mount, and on those, the deepest last. */
export function mountsBelow(asked: MountInfo, mounts: readonly MountInfo[]): readonly MountInfo[] {
  const found: MountInfo[] = [];
  let parents = new Set([asked.id]);
  while (parents.size > 0) {
    const next = mounts.filter(
      ({ parent, id }) => parents.has(parent) && id !== parent && !found.some((f) => f.id === id),
    );
    found.push(...next);
    parents = new Set(next.map(({ id }) => id));
  }
  return found;
}

/** The peer groups that get what is mounted on the parent of a mount, and lose it: that of the parent, and all that follow it as slaves. */
function peersOf(asked: MountInfo, own: readonly MountInfo[], all: readonly Namespace[]): ReadonlySet<number> {
  const first = own.find(({ id }) => id === asked.parent)?.shared;
  const groups = new Set(first === undefined ? [] : [first]);
  const mounts = all.flatMap((namespace) => namespace.mounts);
  for (let before = -1; before !== groups.size; ) {
    before = groups.size;
    for (const { master, shared } of mounts)
      if (master !== undefined && shared !== undefined && groups.has(master)) groups.add(shared);
  }
  return groups;
}

function isCopy(
  mount: MountInfo,
  namespace: Namespace,
  asked: MountInfo,
  own: Namespace,
  groups: ReadonlySet<number>,
): boolean {
  const parent = namespace.mounts.find(({ id }) => id === mount.parent);
  const first = own.mounts.find(({ id }) => id === asked.parent);
  if (parent === undefined || first === undefined || parent.device !== first.device) return false;
  const follows = [parent.shared, parent.master].some((group) => group !== undefined && groups.has(group));
  return follows && pointWithin(parent, mount) === pointWithin(first, asked);
}

/** The directory of the parent's file system that a mount lies on. */
function pointWithin(parent: MountInfo, { target }: MountInfo): string {
  return join(parent.root, parent.target === "/" ? target : target.slice(parent.target.length));
}
