// One record of a VFS probe -> VfsOp. Field by field: docs/vfs-op.md.

import { namesByValue } from "./common-frames.ts";
import {
  AodRung,
  type AodVfsCallback,
  AodVfsFlag,
  AodVfsKind,
  type AodVfsOp,
  AodVfsReturn,
  AodVfsType,
} from "./decoders.gen.ts";
import type { Hook, OpBase } from "./op.ts";

export type VfsProtocol = "smb" | "nfs";

/** Which of the file system's tables the callback is in. */
export type VfsType = keyof typeof AodVfsType;

/** What a callback returns, by its prototype. */
export type VfsReturn = keyof typeof AodVfsReturn;

/** What an argument is, by its type in BTF. */
export type VfsKind = keyof typeof AodVfsKind;

export const vfsTypes = Object.keys(AodVfsType) as readonly VfsType[];

/** A callback that the file system has on the running kernel. */
export interface VfsCallback {
  readonly id: number;
  readonly type: VfsType;
  /** The kernel function: `cifs_strict_readv`. */
  readonly function: string;
  /** What it implements: `read_iter`. */
  readonly member: string;
  /** The first table that has it: `cifs_file_strict_ops`. */
  readonly table: string;
  /** Whose function it is: `cifs`, `netfs`, `vmlinux`. */
  readonly module: string;
  /** Other file systems use it too. */
  readonly shared: boolean;
  readonly rung: Hook["rung"];
  readonly returns: VfsReturn;
  /** Of its first six arguments, in order. */
  readonly kinds: readonly VfsKind[];
  /** Why it is not attached, or not on the first rung. */
  readonly why?: string;
}

/** A name of the file system, as far as the kernel has it. */
export interface VfsName {
  readonly name: string;
  /** From the file system's root: `/dir/file`. Only where paths were asked for and the whole of it is known. */
  readonly path?: string;
}

/** One call of a callback. Times are CLOCK_MONOTONIC in ns, durations µs; an absent fact is absent. */
export interface VfsOp extends OpBase {
  /** Tells calls apart, also between in flight and ended: when it began, in ns. */
  readonly seq: number;
  readonly protocol: VfsProtocol;
  readonly callback: VfsCallback;
  readonly startedNs: number;
  /** Absent while it runs. */
  readonly endedNs?: number;
  /** µs from startedNs to endedNs, or to the moment of observation while it runs. */
  readonly latencyUs: number;
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly uid?: number;
  readonly cgroupId: bigint;
  /** What it returned; absent while it runs and for what returns nothing. Of a pointer -errno, 0 for NULL, 1 for any other. */
  readonly retval?: number;
  /** It returned an error. */
  readonly failed: boolean;
  /** Positive; 0 for success; absent where nothing is returned that could be one. */
  readonly errno?: number;
  /** It started something whose end is not seen (-EIOCBQUEUED). */
  readonly queued: boolean;
  /** What it is about; absent where there was none. */
  readonly inode?: bigint;
  /** st_dev of the file system as mountinfo writes it: `0:45`. */
  readonly device?: string;
  readonly object?: VfsName;
  /** Of a rename, link, copy or clone: the second. */
  readonly second?: VfsName;
  /** A string argument: where a symlink points to. */
  readonly text?: string;
  /** The object's name is one that the inode has, not the one it was called with. */
  readonly alias: boolean;
  /** Names or paths are not whole. */
  readonly cut: boolean;
  readonly pos?: number;
  readonly size?: number;
  readonly oplock?: number;
  /** By kind, as bpf/include/vfs.h says. */
  readonly args: readonly bigint[];
  readonly extra: readonly bigint[];
  /** Callbacks of the same task that it was called from. */
  readonly depth: number;
}

const types = keysByValue(AodVfsType);
const kinds = keysByValue(AodVfsKind);
const returns = keysByValue(AodVfsReturn);
const rungs = namesByValue(AodRung) as ReadonlyMap<number, Hook["rung"]>;

/** Undefined for one of a type that this program does not know. */
export function vfsCallbackOf(raw: AodVfsCallback): VfsCallback | undefined {
  const type = types.get(raw.type);
  if (type === undefined) return undefined;
  const { id, member, table, module, why } = raw;
  return {
    id,
    type,
    function: raw.function,
    member,
    table,
    module,
    shared: raw.shared !== 0,
    rung: rungs.get(raw.rung) ?? "none",
    returns: returns.get(raw.returns) ?? "VOID",
    kinds: [...raw.kinds].slice(0, Math.min(raw.nArgs, raw.kinds.length)).map((kind) => kinds.get(kind) ?? "OTHER"),
    ...(why === "" ? undefined : { why }),
  };
}

/** What HELLO says about all calls. */
export interface VfsContext {
  readonly protocol: VfsProtocol;
  /** Names come with their directories. */
  readonly paths: boolean;
}

/** `text`: the bytes behind the record. */
export function vfsOpOf(raw: AodVfsOp, callback: VfsCallback, text: Buffer, { protocol, paths }: VfsContext): VfsOp {
  const { flags } = raw;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const cut = has(AodVfsFlag.CUT);
  const names = namesOf(raw.names, text);
  const object = names.object === undefined ? undefined : nameOf(names.object, paths, cut);
  const second = names.second === undefined ? undefined : nameOf(names.second, paths, cut);
  const device = deviceText(raw.device);
  const errno = errnoOf(raw, callback);
  return {
    seq: raw.started,
    protocol,
    callback,
    startedNs: raw.started,
    endedNs: raw.ended,
    latencyUs: Math.max(0, Math.floor((raw.ended - raw.started) / 1000)),
    pid: raw.tgid,
    tid: raw.tid,
    comm: raw.comm,
    uid: raw.uid,
    cgroupId: raw.cgroup,
    ...(callback.returns === "VOID" ? undefined : { retval: raw.retval }),
    failed: has(AodVfsFlag.ERROR),
    ...(errno === undefined ? undefined : { errno }),
    queued: has(AodVfsFlag.QUEUED),
    ...(raw.inode === 0n ? undefined : { inode: raw.inode }),
    ...(device === undefined ? undefined : { device }),
    ...(object === undefined ? undefined : { object }),
    ...(second === undefined ? undefined : { second }),
    ...(names.text === undefined ? undefined : { text: names.text }),
    alias: has(AodVfsFlag.ALIAS),
    cut,
    ...(has(AodVfsFlag.POS) ? { pos: raw.pos } : undefined),
    ...(has(AodVfsFlag.SIZE) ? { size: raw.size } : undefined),
    ...(has(AodVfsFlag.OPLOCK) ? { oplock: raw.oplock } : undefined),
    args: raw.args,
    extra: raw.extra,
    depth: raw.depth,
  };
}

/** `0:45`; undefined when the kernel had none. */
export function deviceText(device: number): string | undefined {
  return device === 0 ? undefined : `${device >>> 20}:${device & 0xf_ffff}`;
}

/** The kernel's form of `0:45`; undefined for what is none. */
export function deviceNumber(text: string): number | undefined {
  const [, major, minor] = /^(\d+):(\d+)$/.exec(text) ?? [];
  return major === undefined || minor === undefined ? undefined : Number(major) * 2 ** 20 + Number(minor);
}

const signed: ReadonlySet<VfsReturn> = new Set(["INT", "LONG", "POINTER"]);

function errnoOf({ retval, flags }: AodVfsOp, { returns: kind }: VfsCallback): number | undefined {
  if (!signed.has(kind)) return undefined;
  if (retval >= 0) return 0;
  // Below zero and no error: queued, or to be asked again with locks.
  return (flags & AodVfsFlag.ERROR) !== 0 ? -retval : undefined;
}

interface Parts {
  readonly object: readonly string[] | undefined;
  readonly second: readonly string[] | undefined;
  readonly text: string | undefined;
}

/** Cuts text into its NUL-terminated parts; `counts` says whose they are. */
function namesOf(counts: Buffer, text: Buffer): Parts {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const nul = text.indexOf(0, at);
    const end = nul === -1 ? text.length : nul;
    parts.push(text.toString("utf8", at, end));
    at = end + 1;
  }
  const take = (count = 0): readonly string[] | undefined => {
    const taken = parts.splice(0, count);
    return taken.length === 0 ? undefined : taken;
  };
  const object = take(counts[0]);
  const second = take(counts[1]);
  return { object, second, text: take(counts[2])?.[0] };
}

/** The root's own name is `/`. */
function nameOf([name = "", ...directories]: readonly string[], paths: boolean, cut: boolean): VfsName {
  if (!paths || cut) return { name };
  const below = [...directories].reverse().filter((directory) => directory !== "/");
  return { name, path: name === "/" ? "/" : `/${[...below, name].join("/")}` };
}

function keysByValue<Key extends string>(values: Readonly<Record<Key, number>>): ReadonlyMap<number, Key> {
  return new Map((Object.keys(values) as Key[]).map((key) => [values[key], key]));
}
