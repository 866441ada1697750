// Frames as aod-probe would write them for smb_vfs and nfs_vfs.
import * as gen from "../decoders.gen.ts";
import { frameOf } from "../frames.ts";
import { packed, T0 } from "./make-frames.ts";

const { AodFrameType, AodVfsKind: K, AodVfsReturn: R, AodVfsType: T } = gen;

type Kind = keyof typeof K;

export interface CallbackInput extends Partial<Omit<gen.AodVfsCallback, "kinds" | "nArgs">> {
  readonly args?: readonly Kind[];
}

/** `cifs_open`, a FILE callback on the first rung. */
export function rawCallback({ args = ["INODE", "FILE"], ...changes }: CallbackInput = {}): gen.AodVfsCallback {
  return {
    id: 0,
    type: T.FILE,
    rung: gen.AodRung.FENTRY,
    shared: 0,
    returns: R.INT,
    nArgs: args.length,
    kinds: Buffer.from([...args.map((kind) => K[kind]), ...Array<number>(8).fill(0)].slice(0, 8)),
    function: "cifs_open",
    member: "open",
    table: "cifs_file_ops",
    module: "cifs",
    arguments: "inode,file",
    why: "",
    ...changes,
  };
}

export function vfsHelloFrame(
  callbacks: readonly gen.AodVfsCallback[] = [rawCallback()],
  changes: Partial<gen.AodVfsHello> = {},
  head: Partial<gen.AodHello> = {},
): Buffer {
  const hello = {
    pid: 4_321,
    hooks: 0,
    ring: 0,
    opSize: gen.AOD_VFS_OP_SIZE,
    probe: "smb_vfs",
    module: "cifs",
    release: "6.12.0-test",
    ...head,
  };
  const vfs = {
    callbacks: callbacks.length,
    types: 0b1111,
    shared: 0,
    paths: 1,
    opSize: gen.AOD_VFS_OP_SIZE,
    ...changes,
  };
  return frameOf(
    AodFrameType.FRAME_HELLO,
    Buffer.concat([
      packed([hello], gen.AOD_HELLO_SIZE, gen.encodeAodHello),
      packed([vfs], gen.AOD_VFS_HELLO_SIZE, gen.encodeAodVfsHello),
      packed(callbacks, gen.AOD_VFS_CALLBACK_SIZE, gen.encodeAodVfsCallback),
    ]),
  );
}

export interface VfsOpInput extends Partial<Omit<gen.AodVfsOp, "names" | "textSize">> {
  /** The name of the first object, then its directories, upwards. */
  readonly object?: readonly string[];
  readonly second?: readonly string[];
  readonly text?: string;
}

export interface RawVfsOp {
  readonly raw: gen.AodVfsOp;
  readonly text: Buffer;
}

/** A call by `dd` (1234) that took 5 ms, on `/dir/file` of device 0:45. */
export function rawVfsOp({ object = ["file", "dir"], second = [], text, ...changes }: VfsOpInput = {}): RawVfsOp {
  const own = text === undefined ? [] : [text];
  const bytes = Buffer.from([...object, ...second, ...own].map((part) => `${part}\0`).join(""));
  return {
    raw: {
      seq: 1,
      started: T0,
      ended: T0 + 5_000_000,
      retval: 0,
      cgroup: 4_097n,
      inode: 131n,
      pos: 0,
      size: 0,
      args: [],
      extra: [],
      tid: 1_235,
      tgid: 1_234,
      uid: 1000,
      device: 45,
      flags: gen.AodVfsFlag.OPLOCK,
      callback: 0,
      textSize: bytes.length,
      names: Buffer.from([object.length, second.length, own.length, 0]),
      oplock: 0,
      depth: 0,
      comm: "dd",
      ...changes,
    },
    text: bytes,
  };
}

export function vfsOpsFrame(ops: readonly RawVfsOp[]): Buffer {
  const parts = ops.map(({ raw, text }) => {
    const room = Buffer.alloc(Math.ceil(text.length / 8) * 8);
    text.copy(room);
    return Buffer.concat([packed([raw], gen.AOD_VFS_OP_SIZE, gen.encodeAodVfsOp), room]);
  });
  return frameOf(AodFrameType.FRAME_OPS, Buffer.concat(parts));
}

export interface VfsTickEntryInput extends Partial<Omit<gen.AodVfsTickEntry, "buckets">> {
  readonly buckets?: readonly gen.AodBucket[];
}

export function vfsTickFrame(
  entries: readonly VfsTickEntryInput[] = [],
  changes: Partial<gen.AodVfsTick> = {},
): Buffer {
  const head = { now: T0, recursionMisses: 0, entries: entries.length, ...changes };
  const parts = entries.map(({ buckets = [], ...entry }) =>
    Buffer.concat([
      packed(
        [{ count: 1, errors: 0, device: 45, callback: 0, ...entry, buckets: buckets.length }],
        gen.AOD_VFS_TICK_ENTRY_SIZE,
        gen.encodeAodVfsTickEntry,
      ),
      packed(buckets, gen.AOD_BUCKET_SIZE, gen.encodeAodBucket),
    ]),
  );
  return frameOf(
    AodFrameType.FRAME_TICK,
    Buffer.concat([packed([head], gen.AOD_VFS_TICK_SIZE, gen.encodeAodVfsTick), ...parts]),
  );
}

export function vfsInflightFrame(
  running: readonly Partial<gen.AodVfsRunning>[],
  changes: Partial<gen.AodInflight> = {},
): Buffer {
  const head = { now: T0 + 2e9, ops: running.length, waiters: 0, open: running.length, ...changes };
  const all = running.map((one) => ({
    started: T0,
    inode: 131n,
    tid: 1_235,
    tgid: 1_234,
    device: 45,
    callback: 0,
    depth: 0,
    comm: "dd",
    ...one,
  }));
  return frameOf(
    AodFrameType.FRAME_INFLIGHT,
    Buffer.concat([
      packed([head], gen.AOD_INFLIGHT_SIZE, gen.encodeAodInflight),
      packed(all, gen.AOD_VFS_RUNNING_SIZE, gen.encodeAodVfsRunning),
    ]),
  );
}
