import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AodVfsFlag, AodVfsKind } from "./decoders.gen.ts";
import { type CallbackInput, rawCallback, rawVfsOp, type VfsOpInput } from "./testing/make-vfs-frames.ts";
import { argsJson, argsOf, argsText } from "./vfs-args.ts";
import { type VfsOp, vfsCallbackOf, vfsOpOf } from "./vfs-op.ts";

function opOf(callback: CallbackInput, op: VfsOpInput = {}): VfsOp {
  const found = vfsCallbackOf(rawCallback(callback));
  assert.ok(found);
  const { raw, text } = rawVfsOp(op);
  return vfsOpOf(raw, found, text, { protocol: "smb", paths: true });
}

const { POS, SIZE, OPLOCK } = AodVfsFlag;
const EOF = 0x7fff_ffff_ffff_ffffn;
const all = POS | SIZE | OPLOCK;

const cases: readonly (readonly [string, CallbackInput, VfsOpInput, string])[] = [
  ["open", { member: "open" }, {}, "inode=131|oplock=0|dname=file"],
  [
    "read_iter",
    { member: "read_iter", args: ["KIOCB", "ITER"] },
    { pos: 10, size: 4096, flags: all, oplock: 1 },
    "inode=131|to=4096|offset=10|oplock=1|dname=file",
  ],
  [
    "write_iter",
    { member: "write_iter", args: ["KIOCB", "ITER"] },
    { pos: 10, size: 7, flags: all },
    "inode=131|write_len=7|offset=10|oplock=0|dname=file",
  ],
  [
    "lock to the end of the file",
    { member: "lock", args: ["FILE", "SIGNED", "LOCK"] },
    { args: [131n, 7n, 1n], extra: [1n, 1n, 100n, EOF] },
    "inode=131|cmd=0x7|type=1|range=100:EOF|oplock=0|dname=file",
  ],
  [
    "fsync",
    { member: "fsync", args: ["FILE", "SIGNED", "SIGNED", "SIGNED"] },
    { args: [131n, 0n, EOF, 1n] },
    "inode=131|range=0:EOF|datasync=0x1|oplock=0|dname=file",
  ],
  [
    "llseek backwards",
    { member: "llseek", args: ["FILE", "SIGNED", "SIGNED"] },
    { args: [131n, 0xffff_ffff_ffff_fff0n, 1n] },
    "inode=131|offset=-16|whence=1|oplock=0|dname=file",
  ],
  [
    "ioctl",
    { member: "unlocked_ioctl", args: ["FILE", "NUMBER", "NUMBER"] },
    { args: [131n, 0x4004cf0bn, 0n] },
    "inode=131|ioctl=0x4004cf0b|oplock=0|dname=file",
  ],
  [
    "copy_file_range",
    { member: "copy_file_range", args: ["FILE", "SIGNED", "FILE", "SIGNED", "NUMBER", "NUMBER"] },
    { args: [131n, 5n, 132n, 6n, 700n, 0n], second: ["other"] },
    "src_inode=131|dst_inode=132|src_offset=5|dst_offset=6|len=700|dname=file|dst_dname=other",
  ],
  [
    "create with an idmap before the directory",
    { type: 2, member: "create", args: ["OTHER", "INODE", "DENTRY", "NUMBER", "NUMBER"] },
    { args: [1n, 2n, 0n, 0o100644n, 1n] },
    "parentInode=2|mode=0100644|excl=0x1|dname=file",
  ],
  [
    "the same without",
    { type: 2, member: "create", args: ["INODE", "DENTRY", "NUMBER", "NUMBER"] },
    { args: [2n, 0n, 0o100644n, 1n] },
    "parentInode=2|mode=0100644|excl=0x1|dname=file",
  ],
  [
    "rename",
    { type: 2, member: "rename", args: ["OTHER", "INODE", "DENTRY", "INODE", "DENTRY", "NUMBER"] },
    { args: [1n, 2n, 131n, 3n, 0n, 0n], second: ["new"] },
    "src_inode=2|dst_inode=3|src_dname=file|dst_dname=new|flags=0x0",
  ],
  [
    "setattr",
    { type: 2, member: "setattr", args: ["OTHER", "DENTRY", "ATTR"] },
    { args: [1n, 131n, 0x41n], extra: [0x41n, 0o600n, 0n, 0n] },
    "inode=131|mode=0600|valid=0x41|dname=file",
  ],
  [
    "symlink",
    { type: 2, member: "symlink", args: ["INODE", "DENTRY", "TEXT"] },
    { args: [2n, 0n, 0n], text: "target|x" },
    "parentInode=2|symname=target\\x7cx|dname=file",
  ],
  [
    "writepages",
    { type: 3, member: "writepages", args: ["MAPPING", "WBC"] },
    { args: [131n, 0xffff_ffff_ffff_ffffn], extra: [1n, 0n, 0n, EOF] },
    "inode=131|nr_to_write=-1|sync_mode=1|range_cyclic=0|range=0:EOF",
  ],
  [
    "readahead",
    { type: 3, member: "readahead", args: ["RACTL"] },
    { args: [16n], pos: 8192, flags: POS | OPLOCK },
    "inode=131|num_pages=16|offset=8192|oplock=0|dname=file",
  ],
  ["evict_inode", { type: 4, member: "evict_inode", args: ["INODE"] }, { object: [] }, "inode=131"],
  ["alloc_inode", { type: 4, member: "alloc_inode", args: ["SUPER"] }, { object: [], inode: 0n }, ""],
  ["a member that nobody knows", { member: "brand_new" }, {}, "inode=131|oplock=0|dname=file"],
  ["a member of Object.prototype", { member: "constructor" }, {}, "inode=131|oplock=0|dname=file"],
];

describe("ARGS", () => {
  for (const [name, callback, op, expected] of cases) {
    it(`of ${name}`, () => {
      const args = argsOf(opOf(callback, op)).map((arg) => argsText([arg]));
      assert.equal(args.join("|"), expected);
    });
  }

  it("what is not known is _ for people and absent for machines", () => {
    const args = argsOf(opOf({ member: "read_iter", args: ["KIOCB", "ITER"] }, { flags: 0, object: [], inode: 0n }));
    assert.equal(argsText(args), "inode=_|to=_|offset=_|oplock=_|dname=_");
    assert.deepEqual(argsJson(args), {});
  });

  it("for machines numbers are numbers, identifiers and bits are text", () => {
    const callback = { type: 2, member: "permission", args: ["OTHER", "INODE", "SIGNED"] } as const;
    const args = argsOf(opOf(callback, { args: [1n, 131n, 0x24n] }));
    assert.deepEqual(argsJson(args), { inode: "131", mask: "0x24", dname: "file" });
    const read = argsOf(opOf({ member: "read_iter" }, { size: 5, flags: SIZE }));
    assert.deepEqual(argsJson(read), { inode: "131", to: 5, dname: "file" });
  });

  it("whole paths take the names' place when asked for", () => {
    const op = opOf({ member: "open" });
    assert.equal(argsText(argsOf(op, ({ path }) => `/mnt${path}`)), "inode=131|oplock=0|dname=/mnt/dir/file");
  });

  it("never throws, whatever the kinds and arguments are", () => {
    const kind = fc.constantFrom(...(Object.keys(AodVfsKind) as (keyof typeof AodVfsKind)[]));
    const member = fc.constantFrom(...cases.map(([, callback]) => callback.member ?? "open"), "fiemap", "swap_rw");
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(member, fc.array(kind, { maxLength: 8 }), fc.array(u64, { maxLength: 6 }), (member, args, values) => {
        const text = argsText(argsOf(opOf({ member, args }, { args: values, extra: values, inode: values[0] ?? 0n })));
        assert.doesNotMatch(text, /undefined|NaN/);
      }),
    );
  });
});
