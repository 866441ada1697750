// The ARGS of a call: which of its facts are shown, and under which name. By member, since the functions behind a member differ from kernel
// to kernel; arguments are found by their kind, since what stands before them differs too (user_ns, idmap, page or folio).
import type { VfsKind, VfsName, VfsOp } from "./vfs-op.ts";

/** A fact. Without a value it is not known. */
export interface VfsArg {
  readonly label: string;
  /** For people. */
  readonly text?: string;
  /** For machines: text where it is an identifier or bits. */
  readonly json?: string | number;
}

type NameOf = (name: VfsName) => string;
type Field = (op: VfsOp, nameOf: NameOf) => VfsArg;
type Format = (value: bigint) => Required<Omit<VfsArg, "label">>;

const decimal: Format = (value) => {
  const signed = BigInt.asIntN(64, value);
  const number = Number(signed);
  return { text: String(signed), json: Number.isSafeInteger(number) ? number : String(signed) };
};
/** An int: the register's upper half is nobody's. */
const int: Format = (value) => decimal(BigInt.asIntN(32, value));
const hex: Format = (value) => same(`0x${BigInt.asUintN(32, value).toString(16)}`);
const inodeNumber: Format = (value) => same(String(value));
const octal: Format = (value) => same(`0${BigInt.asUintN(16, value).toString(8)}`);
const EOF = 0x7fff_ffff_ffff_ffffn;
/** The largest position means: to the end, wherever that is. */
const position: Format = (value) => (BigInt.asIntN(64, value) === EOF ? same("EOF") : decimal(value));

function same(text: string): { readonly text: string; readonly json: string } {
  return { text, json: text };
}

function arg(label: string, value: bigint | number | undefined, format: Format): VfsArg {
  if (typeof value === "bigint") return { label, ...format(value) };
  return value === undefined || !Number.isSafeInteger(value) ? { label } : { label, ...format(BigInt(value)) };
}

const numeric: ReadonlySet<VfsKind> = new Set(["NUMBER", "SIGNED"]);
const inodes: ReadonlySet<VfsKind> = new Set(["INODE", "FILE", "MAPPING"]);

/** The n-th argument of these kinds. */
function nth(op: VfsOp, wanted: ReadonlySet<VfsKind>, n: number): bigint | undefined {
  let seen = 0;
  for (const [index, kind] of op.callback.kinds.entries()) {
    if (wanted.has(kind) && seen++ === n) return op.args[index];
  }
  return undefined;
}

/** The n-th number among the arguments. */
function number(label: string, n: number, format: Format = decimal): Field {
  return (op) => arg(label, nth(op, numeric, n), format);
}

/** The inode of the n-th argument that is an inode, a file or a mapping. */
function inodeOf(label: string, n: number): Field {
  return (op) => {
    const value = nth(op, inodes, n);
    return arg(label, value === 0n ? undefined : value, inodeNumber);
  };
}

/** What the first argument of that kind says of itself. */
function extra(label: string, kind: VfsKind, n: number, format: Format = decimal): Field {
  return (op) => arg(label, op.callback.kinds.includes(kind) ? op.extra[n] : undefined, format);
}

function first(label: string, kind: VfsKind, format: Format = decimal): Field {
  return (op) => arg(label, nth(op, new Set([kind]), 0), format);
}

const inode: Field = (op) => arg("inode", op.inode, inodeNumber);
const oplock: Field = (op) => arg("oplock", op.oplock, decimal);
const offset: Field = (op) => arg("offset", op.pos, position);
const dname = firstName("dname");
const symname: Field = (op) => (op.text === undefined ? { label: "symname" } : { label: "symname", ...same(op.text) });
const parentInode = inodeOf("parentInode", 0);

function size(label: string): Field {
  return (op) => arg(label, op.size, decimal);
}

/** The name of the first argument that has one. */
function firstName(label: string): Field {
  return ({ object }, nameOf) => (object === undefined ? { label } : { label, ...same(nameOf(object)) });
}

function secondName(label: string): Field {
  return ({ second }, nameOf) => (second === undefined ? { label } : { label, ...same(nameOf(second)) });
}

function range(label: string, start: Field, end: Field): Field {
  return (op, nameOf) => {
    const [from, to] = [start(op, nameOf).text, end(op, nameOf).text];
    return from === undefined && to === undefined ? { label } : { label, ...same(`${from ?? "_"}:${to ?? "_"}`) };
  };
}

const file: readonly Field[] = [inode, oplock, dname];
const reading: readonly Field[] = [inode, size("to"), offset, oplock, dname];
const writing: readonly Field[] = [inode, size("write_len"), offset, oplock, dname];
const locking: readonly Field[] = [
  inode,
  number("cmd", 0, hex),
  extra("type", "LOCK", 0, int),
  range("range", extra("", "LOCK", 2, position), extra("", "LOCK", 3, position)),
  oplock,
  dname,
];
const copying: readonly Field[] = [
  inodeOf("src_inode", 0),
  inodeOf("dst_inode", 1),
  number("src_offset", 0),
  number("dst_offset", 1),
  number("len", 2),
  dname,
  secondName("dst_dname"),
];
const splicing: readonly Field[] = [inode, offset, number("len", 0), number("flags", 1, hex), oplock, dname];
const removing: readonly Field[] = [parentInode, inode, dname];
const page: readonly Field[] = [inode, offset, oplock, dname];
const writeBegin: readonly Field[] = [inode, number("writepos", 0), number("len", 1), oplock, dname];
const acl: readonly Field[] = [inode, dname];
const mode = number("mode", 0, octal);

const members: Readonly<Record<string, readonly Field[]>> = {
  // struct file_operations
  llseek: [inode, number("offset", 0, position), number("whence", 1, int), oplock, dname],
  read: [inode, number("to", 0), offset, oplock, dname],
  write: [inode, number("write_len", 0), offset, oplock, dname],
  read_iter: reading,
  write_iter: writing,
  iterate: [inode, offset, oplock, dname],
  iterate_shared: [inode, offset, oplock, dname],
  unlocked_ioctl: [inode, number("ioctl", 0, hex), oplock, dname],
  compat_ioctl: [inode, number("ioctl", 0, hex), oplock, dname],
  mmap: [inode, offset, size("len"), first("flags", "VMA", hex), oplock, dname],
  mmap_prepare: [inode, offset, size("len"), first("flags", "VMA", hex), oplock, dname],
  fsync: [
    inode,
    range("range", number("", 0, position), number("", 1, position)),
    number("datasync", 2, hex),
    oplock,
    dname,
  ],
  lock: locking,
  flock: locking,
  splice_read: splicing,
  splice_write: splicing,
  setlease: [inode, number("lease", 0, int), oplock, dname],
  fallocate: [inode, number("mode", 0, hex), number("offset", 1), number("len", 2), oplock, dname],
  copy_file_range: copying,
  remap_file_range: [...copying, number("flags", 3, hex)],
  check_flags: [number("flags", 0, hex)],
  // struct vm_operations_struct
  fault: [inode, offset, oplock, dname],
  page_mkwrite: [inode, offset, oplock, dname],
  map_pages: [inode, number("start_pgoff", 0), number("end_pgoff", 1), oplock, dname],
  // struct inode_operations
  create: [parentInode, mode, number("excl", 1, hex), dname],
  atomic_open: [parentInode, number("oflags", 0, hex), number("mode", 1, octal), dname],
  lookup: [parentInode, number("flags", 0, hex), dname],
  getattr: [inode, number("request_mask", 0, hex), number("flags", 1, hex), dname],
  unlink: removing,
  rmdir: removing,
  link: [parentInode, inode, firstName("old_dname"), secondName("new_dname")],
  mkdir: [parentInode, mode, dname],
  rename: [
    inodeOf("src_inode", 0),
    inodeOf("dst_inode", 1),
    firstName("src_dname"),
    secondName("dst_dname"),
    number("flags", 0, hex),
  ],
  permission: [inode, number("mask", 0, hex), dname],
  setattr: [inode, extra("mode", "ATTR", 1, octal), extra("valid", "ATTR", 0, hex), dname],
  symlink: [parentInode, symname, dname],
  mknod: [parentInode, mode, number("dev", 1, hex), dname],
  tmpfile: [parentInode, mode, dname],
  fiemap: [inode, number("start", 0), number("len", 1), dname],
  get_link: [inode, dname],
  listxattr: [inode, number("size", 0), dname],
  get_acl: acl,
  get_inode_acl: acl,
  set_acl: acl,
  fileattr_get: acl,
  fileattr_set: acl,
  update_time: acl,
  // struct dentry_operations
  d_revalidate: [inode, number("flags", 0, hex), dname],
  d_weak_revalidate: [inode, number("flags", 0, hex), dname],
  d_delete: [inode, dname],
  d_iput: [inode, dname],
  d_automount: [inode, dname],
  // struct address_space_operations
  readpage: page,
  read_folio: page,
  writepage: page,
  writepages: [
    inode,
    first("nr_to_write", "WBC"),
    extra("sync_mode", "WBC", 0),
    extra("range_cyclic", "WBC", 1),
    range("range", extra("", "WBC", 2, position), extra("", "WBC", 3, position)),
  ],
  readahead: [inode, first("num_pages", "RACTL"), offset, oplock, dname],
  readpages: [inode, number("num_pages", 0), oplock, dname],
  write_begin: writeBegin,
  write_end: [...writeBegin.slice(0, 3), number("bytes", 2), oplock, dname],
  dirty_folio: [inode, offset],
  set_page_dirty: [inode, offset],
  release_folio: [inode, offset, number("gfp", 0, hex)],
  releasepage: [inode, offset, number("gfp", 0, hex)],
  invalidate_folio: [inode, number("offset", 0), number("length", 1)],
  invalidatepage: [inode, number("offset", 0), number("length", 1)],
  launder_folio: [inode, offset],
  launder_page: [inode, offset],
  direct_IO: [inode, size("len"), offset, oplock, dname],
  migrate_folio: [inode, number("mode", 0, int)],
  swap_activate: [inode, dname],
  swap_deactivate: [inode, dname],
  swap_rw: [inode, size("len"), offset, dname],
  // struct super_operations
  statfs: [dname],
  alloc_inode: [],
  write_inode: [inode, extra("sync_mode", "WBC", 0)],
  free_inode: [inode],
  destroy_inode: [inode],
  drop_inode: [inode],
  evict_inode: [inode],
  show_options: [firstName("rootDname")],
  show_devname: [firstName("rootDname")],
  show_stats: [firstName("rootDname")],
  show_path: [firstName("rootDname")],
  remount_fs: [number("flags", 0, hex)],
};

/** Of a member without a line of its own: what every file has. */
const otherwise: readonly Field[] = file;

/** The facts of a call, in order. `nameOf`: what stands for a name; default: the last part of its path. */
export function argsOf(op: VfsOp, nameOf: NameOf = ({ name }) => name): readonly VfsArg[] {
  const fields = Object.hasOwn(members, op.callback.member) ? members[op.callback.member] : undefined;
  return (fields ?? otherwise).map((field) => field(op, nameOf));
}

/** `inode=131|oplock=0|dname=file.txt`; `_` for what is not known, `\x7c` for a `|` within a name. */
export function argsText(args: readonly VfsArg[]): string {
  return args.map(({ label, text = "_" }) => `${label}=${text.replaceAll("|", "\\x7c")}`).join("|");
}

/** The same for machines; what is not known is absent. */
export function argsJson(args: readonly VfsArg[]): Readonly<Record<string, string | number>> {
  const known: Record<string, string | number> = {};
  for (const { label, json } of args) if (json !== undefined) known[label] = json;
  return known;
}
