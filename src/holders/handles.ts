// The SMB client's handles, joined with who holds them. The kernel tells of a handle its share, the last part of its name and the process that opened it; of a
// descriptor its mount, its path and whose it is. A handle that the client keeps for the next open has the number of the first opener, so the process alone
// does not decide.
import { basename } from "node:path";
import { mountsOfShare } from "../show/smb-shares.ts";
import type { DebugData } from "../smb/debug-data.ts";
import type { OpenFileDetails } from "../smb/open-files.ts";
import type { MountInfo } from "../system/mountinfo.ts";
import type { Descriptor, Process } from "./processes.ts";

export interface HandleHolder {
  readonly kind: "descriptor" | "mapping" | "program" | "loop" | "swap";
  readonly path: string;
  /** Absent: the kernel itself. */
  readonly process?: Process;
  readonly fd?: number;
  /** `/dev/loop0` */
  readonly device?: string;
}

export interface JoinedHandle {
  readonly handle: OpenFileDetails;
  /** `\\server\share`; absent: its tree is gone, or DebugData may not be read. */
  readonly share?: string;
  readonly mounts: readonly MountInfo[];
  readonly holders: readonly HandleHolder[];
}

export interface Joined {
  readonly handles: readonly JoinedHandle[];
  /** Descriptors that the server knows nothing of: directories, and those that are only names (O_PATH). */
  readonly local: readonly Descriptor[];
}

/** Whatever is held on SMB mounts. */
export interface HeldFiles {
  readonly descriptors: readonly Descriptor[];
  /** Mappings, programs, loop devices and swap: each has a handle, and no descriptor. */
  readonly others: readonly (HandleHolder & { readonly mount: number })[];
}

const O_ACCMODE = 3;
const O_DIRECTORY = process.arch === "arm64" ? 0o40_000 : 0o200_000;
const O_PATH = 0o10_000_000;

export const hasHandle = ({ flags }: Descriptor): boolean => (flags & (O_DIRECTORY | O_PATH)) === 0;

/** Names of shares by session and tree; 5.10 tells no session with a file. */
export function sharesByTree(data: DebugData | undefined): (file: OpenFileDetails) => string | undefined {
  const names = new Map<string, string>();
  for (const { sessions } of data?.servers ?? [])
    for (const { sessionId, shares } of sessions)
      for (const { treeId, name } of shares) {
        names.set(`${sessionId} ${treeId}`, name);
        names.set(`undefined ${treeId}`, name);
      }
  return ({ sessionId, treeId }) => names.get(`${sessionId} ${treeId}`);
}

/** `mounts`: the SMB mounts of every namespace. */
export function joinHandles(
  files: readonly OpenFileDetails[],
  shareOf: (file: OpenFileDetails) => string | undefined,
  mounts: readonly MountInfo[],
  held: HeldFiles,
): Joined {
  const handles = files.map((handle) => {
    const share = shareOf(handle);
    const own = share === undefined ? mounts : mountsOfShare(mounts, share);
    return { handle, ...(share === undefined ? {} : { share }), mounts: own, holders: [] as HandleHolder[] };
  });
  const free = held.descriptors.filter(hasHandle);
  type Part = (typeof handles)[number];
  const fits = ({ handle, mounts: own }: Part, mount: number, path: string): boolean =>
    own.some(({ id }) => id === mount) && nameOf(path) === handle.name;
  const sameMode = ({ handle }: Part, { flags }: Descriptor): boolean =>
    handle.flags === undefined || (handle.flags & O_ACCMODE) === (flags & O_ACCMODE);
  const take = (part: Part, at: number): void => {
    const [taken] = free.splice(at, 1);
    if (taken !== undefined) part.holders.push(holderOf(taken));
  };
  // Its opener's own descriptor, then anybody's: a child's, or one that got the handle while the client kept it.
  for (const own of [true, false]) {
    for (const part of handles) {
      if (part.holders.length > 0) continue;
      const at = free.findIndex(
        (one) =>
          (!own || one.process.pid === part.handle.pid) && sameMode(part, one) && fits(part, one.mount, one.path),
      );
      if (at >= 0) take(part, at);
    }
  }
  // What is left are copies: by dup(2), fork(2), or sent to another process.
  const local: Descriptor[] = held.descriptors.filter((one) => !hasHandle(one));
  for (const one of free) {
    const fitting = handles.filter((part) => fits(part, one.mount, one.path));
    const part = fitting.find((candidate) => sameMode(candidate, one)) ?? fitting[0];
    if (part === undefined) local.push(one);
    else part.holders.push(holderOf(one));
  }
  for (const { mount, ...other } of held.others) {
    const fitting = handles.filter((part) => fits(part, mount, other.path));
    const ofProcess = fitting.filter(({ handle }) => handle.pid === other.process?.pid);
    const part = [...ofProcess, ...fitting].find(({ holders }) => holders.length === 0) ?? ofProcess[0] ?? fitting[0];
    part?.holders.push(other);
  }
  return { handles, local };
}

const holderOf = ({ process, fd, path }: Descriptor): HandleHolder => ({ kind: "descriptor", process, fd, path });

/** The last part, as open_files has it. */
const nameOf = (path: string): string => basename(path.replace(/ \(deleted\)$/, ""));

/** s that the client keeps a handle after its last close; undefined before 5.13, where it does not. */
export function closeTimeOf(mounts: readonly MountInfo[]): number | undefined {
  const times = mounts.flatMap(({ options }) =>
    typeof options.closetimeo === "string" ? [Number(options.closetimeo)] : [],
  );
  return times.length === 0 ? undefined : Math.max(...times);
}

/** Whether the client may keep it for the next open: it has to have a lease to read and to cache the handle. From 7.2 on the lease is told. */
export const mayBeKept = ({ lease }: OpenFileDetails): boolean => lease === undefined || /^RHW?$/.test(lease);
