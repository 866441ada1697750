// Written by scripts/gen-decoders.ts from the BTF of bpf/contract.bpf.c: change the contract in bpf/include instead.

function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
}

/** What does not fit, Infinity above all, becomes all ones. */
function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeBigUInt64LE(value >= 2 ** 64 ? 0xffff_ffff_ffff_ffffn : BigInt(value), at);
}

function readText(bytes: Buffer, at: number, size: number): string {
  let end = at;
  while (end < at + size && bytes[end] !== 0) end++;
  return bytes.toString("utf8", at, end);
}

/** Cut to leave room for the NUL; the rest of the field is zeroed. */
function writeText(bytes: Buffer, value: string, at: number, size: number): void {
  bytes.fill(0, at, at + size);
  bytes.write(value, at, size - 1, "utf8");
}

/** What is beyond 2^53 loses its last bits. */
function readI64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64LE(at));
}

export const AodLimit = {
  RING: 16384,
  COMMANDS: 20,
  BUCKETS: 128,
  TOLD: 1024,
  VFS_CALLBACKS: 192,
  VFS_TEXT: 1024,
  RPC_PROCEDURES: 96,
  FRAME_VERSION: 1,
  FRAME_MAX: 1048576,
} as const;

export const AodVfsType = {
  FILE: 1,
  INODE: 2,
  ADSPACE: 3,
  SUPER: 4,
} as const;

export const AodVfsKind = {
  NONE: 0,
  NUMBER: 1,
  SIGNED: 2,
  FILE: 3,
  INODE: 4,
  DENTRY: 5,
  PATH: 6,
  KIOCB: 7,
  ITER: 8,
  FOLIO: 9,
  PAGE: 10,
  MAPPING: 11,
  SUPER: 12,
  VMA: 13,
  FAULT: 14,
  WBC: 15,
  LOCK: 16,
  ATTR: 17,
  RACTL: 18,
  TEXT: 19,
  OFFSET: 20,
  DIR: 21,
  OTHER: 22,
} as const;

export const AodVfsReturn = {
  VOID: 0,
  INT: 1,
  LONG: 2,
  BOOL: 3,
  POINTER: 4,
  FAULT: 5,
  UNSIGNED: 6,
} as const;

export const AodVfsFlag = {
  ERROR: 1,
  OPLOCK: 2,
  POS: 4,
  SIZE: 8,
  CUT: 16,
  ALIAS: 32,
  QUEUED: 64,
} as const;

export const AodOpState = {
  EMPTY: 0,
  OPEN: 1,
  ANSWERED: 2,
  CLOSED: 3,
  MOVED: 4,
  GHOST: 5,
} as const;

export const AodOpFlag = {
  ASYNC_CALL: 1,
  COMPOUND: 2,
  WIRE_ASYNC: 4,
  STATUS: 8,
  QUEUE: 16,
  CANCELLED: 32,
  RETRY: 64,
  SHUTDOWN: 128,
  LATE_ANSWER: 256,
  SEND_FAILED: 512,
  OVERTAKEN: 1024,
  NOT_MADE: 2048,
  NUMBERS: 4096,
} as const;

export const AodWaitKind = {
  NONE: 0,
  CREDITS: 1,
  MTU: 2,
} as const;

export const AodFrameType = {
  FRAME_HELLO: 1,
  FRAME_OPS: 2,
  FRAME_TICK: 3,
  FRAME_INFLIGHT: 4,
  FRAME_HISTORY: 5,
  FRAME_LOST: 6,
  FRAME_ERROR: 7,
  FRAME_PARAMS: 8,
  FRAME_RPC_TARGETS: 16,
  FRAME_RPC_PATHS: 17,
  REQUEST_SET: 64,
  REQUEST_HISTORY: 65,
} as const;

export const AodRung = {
  NONE: 0,
  FENTRY: 1,
  KPROBE: 2,
  TRACE: 3,
} as const;

export const AodHistogram = {
  LATENCY: 0,
  QUEUE: 1,
  SEND: 2,
  WIRE: 3,
  WAKE: 4,
} as const;

export const AodLostKind = {
  INDEX: 1,
  OVERFLOW: 2,
  TASKS: 3,
  TARGETS: 4,
  RINGBUF: 5,
  GHOSTS: 6,
  UNSEEN: 7,
  RECURSION: 8,
  OVERTAKEN: 9,
  STDOUT: 10,
  PARAMS: 11,
  FAILURES: 12,
  DEPTH: 16,
  NAMES: 17,
} as const;

export const AodRpcState = {
  EMPTY: 0,
  OPEN: 1,
  ANSWERED: 2,
  CLOSED: 3,
  MOVED: 4,
  GHOST: 5,
  HELD: 6,
  UNSENT: 7,
} as const;

export const AodRpcFlag = {
  ASYNC: 1,
  REPLIED: 2,
  STATUS: 4,
  WORKER: 8,
  RANGE: 16,
  OVERTAKEN: 32,
  CUT: 64,
  SOFT: 128,
  NO_BYTES: 256,
} as const;

export const AOD_SMB_OP_SIZE = 184;

export interface AodSmbOp {
  readonly seq: number;
  readonly request: bigint;
  readonly created: number;
  readonly sent: number;
  readonly answered: number;
  readonly lastAnswer: number;
  readonly closed: number;
  readonly queueNs: number;
  readonly mid: bigint;
  readonly connection: bigint;
  readonly session: bigint;
  readonly asyncId: bigint;
  readonly cgroup: bigint;
  readonly lead: number;
  readonly tree: number;
  readonly tid: number;
  readonly tgid: number;
  readonly opener: number;
  readonly status: number;
  readonly flags: number;
  readonly command: number;
  readonly target: number;
  readonly state: number;
  readonly chain: number;
  readonly uid: number;
  readonly comm: string;
  readonly error: number;
  readonly seqCheck: number;
}

export function decodeAodSmbOp(bytes: Buffer, at: number): AodSmbOp {
  return {
    seq: readU64(bytes, at),
    request: bytes.readBigUInt64LE(at + 8),
    created: readU64(bytes, at + 16),
    sent: readU64(bytes, at + 24),
    answered: readU64(bytes, at + 32),
    lastAnswer: readU64(bytes, at + 40),
    closed: readU64(bytes, at + 48),
    queueNs: readU64(bytes, at + 56),
    mid: bytes.readBigUInt64LE(at + 64),
    connection: bytes.readBigUInt64LE(at + 72),
    session: bytes.readBigUInt64LE(at + 80),
    asyncId: bytes.readBigUInt64LE(at + 88),
    cgroup: bytes.readBigUInt64LE(at + 96),
    lead: readU64(bytes, at + 104),
    tree: bytes.readUInt32LE(at + 112),
    tid: bytes.readUInt32LE(at + 116),
    tgid: bytes.readUInt32LE(at + 120),
    opener: bytes.readUInt32LE(at + 124),
    status: bytes.readUInt32LE(at + 128),
    flags: bytes.readUInt32LE(at + 132),
    command: bytes.readUInt16LE(at + 136),
    target: bytes.readUInt16LE(at + 138),
    state: bytes.readUInt32LE(at + 140),
    chain: bytes.readUInt32LE(at + 144),
    uid: bytes.readUInt32LE(at + 148),
    comm: readText(bytes, at + 152, 16),
    error: bytes.readInt32LE(at + 168),
    seqCheck: readU64(bytes, at + 176),
  };
}

export function encodeAodSmbOp(value: AodSmbOp, bytes: Buffer, at: number): void {
  writeU64(bytes, value.seq, at);
  bytes.writeBigUInt64LE(value.request, at + 8);
  writeU64(bytes, value.created, at + 16);
  writeU64(bytes, value.sent, at + 24);
  writeU64(bytes, value.answered, at + 32);
  writeU64(bytes, value.lastAnswer, at + 40);
  writeU64(bytes, value.closed, at + 48);
  writeU64(bytes, value.queueNs, at + 56);
  bytes.writeBigUInt64LE(value.mid, at + 64);
  bytes.writeBigUInt64LE(value.connection, at + 72);
  bytes.writeBigUInt64LE(value.session, at + 80);
  bytes.writeBigUInt64LE(value.asyncId, at + 88);
  bytes.writeBigUInt64LE(value.cgroup, at + 96);
  writeU64(bytes, value.lead, at + 104);
  bytes.writeUInt32LE(value.tree, at + 112);
  bytes.writeUInt32LE(value.tid, at + 116);
  bytes.writeUInt32LE(value.tgid, at + 120);
  bytes.writeUInt32LE(value.opener, at + 124);
  bytes.writeUInt32LE(value.status, at + 128);
  bytes.writeUInt32LE(value.flags, at + 132);
  bytes.writeUInt16LE(value.command, at + 136);
  bytes.writeUInt16LE(value.target, at + 138);
  bytes.writeUInt32LE(value.state, at + 140);
  bytes.writeUInt32LE(value.chain, at + 144);
  bytes.writeUInt32LE(value.uid, at + 148);
  writeText(bytes, value.comm, at + 152, 16);
  bytes.writeInt32LE(value.error, at + 168);
  writeU64(bytes, value.seqCheck, at + 176);
}

export const AOD_SMB_PARAMS_SIZE = 592;

export interface AodSmbParams {
  readonly seq: number;
  readonly command: number;
  readonly fixedSize: number;
  readonly textSize: number;
  readonly fixed: Buffer;
  readonly text: Buffer;
}

export function decodeAodSmbParams(bytes: Buffer, at: number): AodSmbParams {
  return {
    seq: readU64(bytes, at),
    command: bytes.readUInt16LE(at + 8),
    fixedSize: bytes.readUInt16LE(at + 10),
    textSize: bytes.readUInt16LE(at + 12),
    fixed: bytes.subarray(at + 16, at + 16 + 64),
    text: bytes.subarray(at + 80, at + 80 + 512),
  };
}

export function encodeAodSmbParams(value: AodSmbParams, bytes: Buffer, at: number): void {
  writeU64(bytes, value.seq, at);
  bytes.writeUInt16LE(value.command, at + 8);
  bytes.writeUInt16LE(value.fixedSize, at + 10);
  bytes.writeUInt16LE(value.textSize, at + 12);
  value.fixed.copy(bytes, at + 16, 0, 64);
  value.text.copy(bytes, at + 80, 0, 512);
}

export const AOD_SMB_TUNABLES_SIZE = 296;

export interface AodSmbTunables {
  readonly slowNs: readonly number[];
  readonly errorCommands: number;
  readonly told: readonly number[];
}

export function decodeAodSmbTunables(bytes: Buffer, at: number): AodSmbTunables {
  return {
    slowNs: Array.from({ length: 20 }, (_, index) => readU64(bytes, at + index * 8)),
    errorCommands: bytes.readUInt32LE(at + 160),
    told: Array.from({ length: 32 }, (_, index) => bytes.readUInt32LE(at + 168 + index * 4)),
  };
}

export function encodeAodSmbTunables(value: AodSmbTunables, bytes: Buffer, at: number): void {
  for (let index = 0; index < 20; index++) {
    writeU64(bytes, value.slowNs[index] ?? 0, at + index * 8);
  }
  bytes.writeUInt32LE(value.errorCommands, at + 160);
  for (let index = 0; index < 32; index++) {
    bytes.writeUInt32LE(value.told[index] ?? 0, at + 168 + index * 4);
  }
}

export const AOD_SMB_EVENTS_SIZE = 16;

export interface AodSmbEvents {
  readonly reconnects: number;
  readonly lastReconnect: number;
}

export function decodeAodSmbEvents(bytes: Buffer, at: number): AodSmbEvents {
  return {
    reconnects: readU64(bytes, at),
    lastReconnect: readU64(bytes, at + 8),
  };
}

export function encodeAodSmbEvents(value: AodSmbEvents, bytes: Buffer, at: number): void {
  writeU64(bytes, value.reconnects, at);
  writeU64(bytes, value.lastReconnect, at + 8);
}

export const AOD_FRAME_SIZE = 8;

export interface AodFrame {
  readonly length: number;
  readonly type: number;
  readonly version: number;
}

export function decodeAodFrame(bytes: Buffer, at: number): AodFrame {
  return {
    length: bytes.readUInt32LE(at),
    type: bytes.readUInt16LE(at + 4),
    version: bytes.readUInt16LE(at + 6),
  };
}

export function encodeAodFrame(value: AodFrame, bytes: Buffer, at: number): void {
  bytes.writeUInt32LE(value.length, at);
  bytes.writeUInt16LE(value.type, at + 4);
  bytes.writeUInt16LE(value.version, at + 6);
}

export const AOD_HOOK_SIZE = 200;

export interface AodHook {
  readonly name: string;
  readonly function: string;
  readonly rung: number;
  readonly needed: number;
  readonly why: string;
}

export function decodeAodHook(bytes: Buffer, at: number): AodHook {
  return {
    name: readText(bytes, at, 32),
    function: readText(bytes, at + 32, 48),
    rung: bytes.readUInt32LE(at + 80),
    needed: bytes.readUInt32LE(at + 84),
    why: readText(bytes, at + 88, 112),
  };
}

export function encodeAodHook(value: AodHook, bytes: Buffer, at: number): void {
  writeText(bytes, value.name, at, 32);
  writeText(bytes, value.function, at + 32, 48);
  bytes.writeUInt32LE(value.rung, at + 80);
  bytes.writeUInt32LE(value.needed, at + 84);
  writeText(bytes, value.why, at + 88, 112);
}

export const AOD_HELLO_SIZE = 112;

export interface AodHello {
  readonly pid: number;
  readonly hooks: number;
  readonly ring: number;
  readonly opSize: number;
  readonly probe: string;
  readonly module: string;
  readonly release: string;
}

export function decodeAodHello(bytes: Buffer, at: number): AodHello {
  return {
    pid: bytes.readUInt32LE(at),
    hooks: bytes.readUInt32LE(at + 4),
    ring: bytes.readUInt32LE(at + 8),
    opSize: bytes.readUInt32LE(at + 12),
    probe: readText(bytes, at + 16, 16),
    module: readText(bytes, at + 32, 16),
    release: readText(bytes, at + 48, 64),
  };
}

export function encodeAodHello(value: AodHello, bytes: Buffer, at: number): void {
  bytes.writeUInt32LE(value.pid, at);
  bytes.writeUInt32LE(value.hooks, at + 4);
  bytes.writeUInt32LE(value.ring, at + 8);
  bytes.writeUInt32LE(value.opSize, at + 12);
  writeText(bytes, value.probe, at + 16, 16);
  writeText(bytes, value.module, at + 32, 16);
  writeText(bytes, value.release, at + 48, 64);
}

export const AOD_TICK_SIZE = 56;

export interface AodTick {
  readonly now: number;
  readonly head: number;
  readonly oldest: number;
  readonly recursionMisses: number;
  readonly events: AodSmbEvents;
  readonly entries: number;
  readonly failures: number;
}

export function decodeAodTick(bytes: Buffer, at: number): AodTick {
  return {
    now: readU64(bytes, at),
    head: readU64(bytes, at + 8),
    oldest: readU64(bytes, at + 16),
    recursionMisses: readU64(bytes, at + 24),
    events: decodeAodSmbEvents(bytes, at + 32),
    entries: bytes.readUInt32LE(at + 48),
    failures: bytes.readUInt32LE(at + 52),
  };
}

export function encodeAodTick(value: AodTick, bytes: Buffer, at: number): void {
  writeU64(bytes, value.now, at);
  writeU64(bytes, value.head, at + 8);
  writeU64(bytes, value.oldest, at + 16);
  writeU64(bytes, value.recursionMisses, at + 24);
  encodeAodSmbEvents(value.events, bytes, at + 32);
  bytes.writeUInt32LE(value.entries, at + 48);
  bytes.writeUInt32LE(value.failures, at + 52);
}

export const AOD_TICK_ENTRY_SIZE = 40;

export interface AodTickEntry {
  readonly connection: bigint;
  readonly session: bigint;
  readonly tree: number;
  readonly command: number;
  readonly buckets: number;
  readonly count: number;
  readonly errors: number;
}

export function decodeAodTickEntry(bytes: Buffer, at: number): AodTickEntry {
  return {
    connection: bytes.readBigUInt64LE(at),
    session: bytes.readBigUInt64LE(at + 8),
    tree: bytes.readUInt32LE(at + 16),
    command: bytes.readUInt16LE(at + 20),
    buckets: bytes.readUInt16LE(at + 22),
    count: readU64(bytes, at + 24),
    errors: readU64(bytes, at + 32),
  };
}

export function encodeAodTickEntry(value: AodTickEntry, bytes: Buffer, at: number): void {
  bytes.writeBigUInt64LE(value.connection, at);
  bytes.writeBigUInt64LE(value.session, at + 8);
  bytes.writeUInt32LE(value.tree, at + 16);
  bytes.writeUInt16LE(value.command, at + 20);
  bytes.writeUInt16LE(value.buckets, at + 22);
  writeU64(bytes, value.count, at + 24);
  writeU64(bytes, value.errors, at + 32);
}

export const AOD_FAILURE_SIZE = 32;

export interface AodFailure {
  readonly connection: bigint;
  readonly session: bigint;
  readonly tree: number;
  readonly command: number;
  readonly status: number;
  readonly count: number;
}

export function decodeAodFailure(bytes: Buffer, at: number): AodFailure {
  return {
    connection: bytes.readBigUInt64LE(at),
    session: bytes.readBigUInt64LE(at + 8),
    tree: bytes.readUInt32LE(at + 16),
    command: bytes.readUInt16LE(at + 20),
    status: bytes.readUInt32LE(at + 24),
    count: bytes.readUInt32LE(at + 28),
  };
}

export function encodeAodFailure(value: AodFailure, bytes: Buffer, at: number): void {
  bytes.writeBigUInt64LE(value.connection, at);
  bytes.writeBigUInt64LE(value.session, at + 8);
  bytes.writeUInt32LE(value.tree, at + 16);
  bytes.writeUInt16LE(value.command, at + 20);
  bytes.writeUInt32LE(value.status, at + 24);
  bytes.writeUInt32LE(value.count, at + 28);
}

export const AOD_BUCKET_SIZE = 8;

export interface AodBucket {
  readonly histogram: number;
  readonly bucket: number;
  readonly count: number;
}

export function decodeAodBucket(bytes: Buffer, at: number): AodBucket {
  return {
    histogram: bytes.readUInt8(at),
    bucket: bytes.readUInt8(at + 1),
    count: bytes.readUInt32LE(at + 4),
  };
}

export function encodeAodBucket(value: AodBucket, bytes: Buffer, at: number): void {
  bytes.writeUInt8(value.histogram, at);
  bytes.writeUInt8(value.bucket, at + 1);
  bytes.writeUInt32LE(value.count, at + 4);
}

export const AOD_INFLIGHT_SIZE = 24;

export interface AodInflight {
  readonly now: number;
  readonly ops: number;
  readonly waiters: number;
  readonly open: number;
}

export function decodeAodInflight(bytes: Buffer, at: number): AodInflight {
  return {
    now: readU64(bytes, at),
    ops: bytes.readUInt32LE(at + 8),
    waiters: bytes.readUInt32LE(at + 12),
    open: bytes.readUInt32LE(at + 16),
  };
}

export function encodeAodInflight(value: AodInflight, bytes: Buffer, at: number): void {
  writeU64(bytes, value.now, at);
  bytes.writeUInt32LE(value.ops, at + 8);
  bytes.writeUInt32LE(value.waiters, at + 12);
  bytes.writeUInt32LE(value.open, at + 16);
}

export const AOD_WAITER_SIZE = 32;

export interface AodWaiter {
  readonly asked: number;
  readonly connection: bigint;
  readonly tid: number;
  readonly tgid: number;
  readonly kind: number;
}

export function decodeAodWaiter(bytes: Buffer, at: number): AodWaiter {
  return {
    asked: readU64(bytes, at),
    connection: bytes.readBigUInt64LE(at + 8),
    tid: bytes.readUInt32LE(at + 16),
    tgid: bytes.readUInt32LE(at + 20),
    kind: bytes.readUInt32LE(at + 24),
  };
}

export function encodeAodWaiter(value: AodWaiter, bytes: Buffer, at: number): void {
  writeU64(bytes, value.asked, at);
  bytes.writeBigUInt64LE(value.connection, at + 8);
  bytes.writeUInt32LE(value.tid, at + 16);
  bytes.writeUInt32LE(value.tgid, at + 20);
  bytes.writeUInt32LE(value.kind, at + 24);
}

export const AOD_HISTORY_SIZE = 40;

export interface AodHistory {
  readonly head: number;
  readonly oldest: number;
  readonly torn: number;
  readonly token: number;
  readonly ops: number;
  readonly done: number;
}

export function decodeAodHistory(bytes: Buffer, at: number): AodHistory {
  return {
    head: readU64(bytes, at),
    oldest: readU64(bytes, at + 8),
    torn: readU64(bytes, at + 16),
    token: bytes.readUInt32LE(at + 24),
    ops: bytes.readUInt32LE(at + 28),
    done: bytes.readUInt32LE(at + 32),
  };
}

export function encodeAodHistory(value: AodHistory, bytes: Buffer, at: number): void {
  writeU64(bytes, value.head, at);
  writeU64(bytes, value.oldest, at + 8);
  writeU64(bytes, value.torn, at + 16);
  bytes.writeUInt32LE(value.token, at + 24);
  bytes.writeUInt32LE(value.ops, at + 28);
  bytes.writeUInt32LE(value.done, at + 32);
}

export const AOD_HISTORY_REQUEST_SIZE = 16;

export interface AodHistoryRequest {
  readonly from: number;
  readonly token: number;
}

export function decodeAodHistoryRequest(bytes: Buffer, at: number): AodHistoryRequest {
  return {
    from: readU64(bytes, at),
    token: bytes.readUInt32LE(at + 8),
  };
}

export function encodeAodHistoryRequest(value: AodHistoryRequest, bytes: Buffer, at: number): void {
  writeU64(bytes, value.from, at);
  bytes.writeUInt32LE(value.token, at + 8);
}

export const AOD_SETTINGS_SIZE = 304;

export interface AodSettings {
  readonly smb: AodSmbTunables;
  readonly inflightNs: number;
}

export function decodeAodSettings(bytes: Buffer, at: number): AodSettings {
  return {
    smb: decodeAodSmbTunables(bytes, at),
    inflightNs: readU64(bytes, at + 296),
  };
}

export function encodeAodSettings(value: AodSettings, bytes: Buffer, at: number): void {
  encodeAodSmbTunables(value.smb, bytes, at);
  writeU64(bytes, value.inflightNs, at + 296);
}

export const AOD_LOST_SIZE = 16;

export interface AodLost {
  readonly kind: number;
  readonly detail: number;
  readonly count: number;
}

export function decodeAodLost(bytes: Buffer, at: number): AodLost {
  return {
    kind: bytes.readUInt32LE(at),
    detail: bytes.readUInt32LE(at + 4),
    count: readU64(bytes, at + 8),
  };
}

export function encodeAodLost(value: AodLost, bytes: Buffer, at: number): void {
  bytes.writeUInt32LE(value.kind, at);
  bytes.writeUInt32LE(value.detail, at + 4);
  writeU64(bytes, value.count, at + 8);
}

export const AOD_ERROR_SIZE = 256;

export interface AodError {
  readonly code: number;
  readonly error: number;
  readonly text: string;
}

export function decodeAodError(bytes: Buffer, at: number): AodError {
  return {
    code: bytes.readUInt32LE(at),
    error: bytes.readUInt32LE(at + 4),
    text: readText(bytes, at + 8, 248),
  };
}

export function encodeAodError(value: AodError, bytes: Buffer, at: number): void {
  bytes.writeUInt32LE(value.code, at);
  bytes.writeUInt32LE(value.error, at + 4);
  writeText(bytes, value.text, at + 8, 248);
}

export const AOD_VFS_HELLO_SIZE = 16;

export interface AodVfsHello {
  readonly callbacks: number;
  readonly types: number;
  readonly shared: number;
  readonly paths: number;
  readonly opSize: number;
}

export function decodeAodVfsHello(bytes: Buffer, at: number): AodVfsHello {
  return {
    callbacks: bytes.readUInt32LE(at),
    types: bytes.readUInt32LE(at + 4),
    shared: bytes.readUInt8(at + 8),
    paths: bytes.readUInt8(at + 9),
    opSize: bytes.readUInt32LE(at + 12),
  };
}

export function encodeAodVfsHello(value: AodVfsHello, bytes: Buffer, at: number): void {
  bytes.writeUInt32LE(value.callbacks, at);
  bytes.writeUInt32LE(value.types, at + 4);
  bytes.writeUInt8(value.shared, at + 8);
  bytes.writeUInt8(value.paths, at + 9);
  bytes.writeUInt32LE(value.opSize, at + 12);
}

export const AOD_VFS_CALLBACK_SIZE = 336;

export interface AodVfsCallback {
  readonly id: number;
  readonly type: number;
  readonly rung: number;
  readonly shared: number;
  readonly returns: number;
  readonly nArgs: number;
  readonly kinds: Buffer;
  readonly function: string;
  readonly member: string;
  readonly table: string;
  readonly module: string;
  readonly arguments: string;
  readonly why: string;
}

export function decodeAodVfsCallback(bytes: Buffer, at: number): AodVfsCallback {
  return {
    id: bytes.readUInt16LE(at),
    type: bytes.readUInt8(at + 2),
    rung: bytes.readUInt8(at + 3),
    shared: bytes.readUInt8(at + 4),
    returns: bytes.readUInt8(at + 5),
    nArgs: bytes.readUInt8(at + 6),
    kinds: bytes.subarray(at + 8, at + 8 + 8),
    function: readText(bytes, at + 16, 48),
    member: readText(bytes, at + 64, 24),
    table: readText(bytes, at + 88, 40),
    module: readText(bytes, at + 128, 16),
    arguments: readText(bytes, at + 144, 96),
    why: readText(bytes, at + 240, 96),
  };
}

export function encodeAodVfsCallback(value: AodVfsCallback, bytes: Buffer, at: number): void {
  bytes.writeUInt16LE(value.id, at);
  bytes.writeUInt8(value.type, at + 2);
  bytes.writeUInt8(value.rung, at + 3);
  bytes.writeUInt8(value.shared, at + 4);
  bytes.writeUInt8(value.returns, at + 5);
  bytes.writeUInt8(value.nArgs, at + 6);
  value.kinds.copy(bytes, at + 8, 0, 8);
  writeText(bytes, value.function, at + 16, 48);
  writeText(bytes, value.member, at + 64, 24);
  writeText(bytes, value.table, at + 88, 40);
  writeText(bytes, value.module, at + 128, 16);
  writeText(bytes, value.arguments, at + 144, 96);
  writeText(bytes, value.why, at + 240, 96);
}

export const AOD_VFS_OP_SIZE = 192;

export interface AodVfsOp {
  readonly seq: number;
  readonly started: number;
  readonly ended: number;
  readonly retval: number;
  readonly cgroup: bigint;
  readonly inode: bigint;
  readonly pos: number;
  readonly size: number;
  readonly args: readonly bigint[];
  readonly extra: readonly bigint[];
  readonly tid: number;
  readonly tgid: number;
  readonly uid: number;
  readonly device: number;
  readonly flags: number;
  readonly callback: number;
  readonly textSize: number;
  readonly names: Buffer;
  readonly oplock: number;
  readonly depth: number;
  readonly comm: string;
}

export function decodeAodVfsOp(bytes: Buffer, at: number): AodVfsOp {
  return {
    seq: readU64(bytes, at),
    started: readU64(bytes, at + 8),
    ended: readU64(bytes, at + 16),
    retval: readI64(bytes, at + 24),
    cgroup: bytes.readBigUInt64LE(at + 32),
    inode: bytes.readBigUInt64LE(at + 40),
    pos: readU64(bytes, at + 48),
    size: readU64(bytes, at + 56),
    args: Array.from({ length: 6 }, (_, index) => bytes.readBigUInt64LE(at + 64 + index * 8)),
    extra: Array.from({ length: 4 }, (_, index) => bytes.readBigUInt64LE(at + 112 + index * 8)),
    tid: bytes.readUInt32LE(at + 144),
    tgid: bytes.readUInt32LE(at + 148),
    uid: bytes.readUInt32LE(at + 152),
    device: bytes.readUInt32LE(at + 156),
    flags: bytes.readUInt32LE(at + 160),
    callback: bytes.readUInt16LE(at + 164),
    textSize: bytes.readUInt16LE(at + 166),
    names: bytes.subarray(at + 168, at + 168 + 4),
    oplock: bytes.readUInt8(at + 172),
    depth: bytes.readUInt8(at + 173),
    comm: readText(bytes, at + 176, 16),
  };
}

export function encodeAodVfsOp(value: AodVfsOp, bytes: Buffer, at: number): void {
  writeU64(bytes, value.seq, at);
  writeU64(bytes, value.started, at + 8);
  writeU64(bytes, value.ended, at + 16);
  bytes.writeBigInt64LE(BigInt(value.retval), at + 24);
  bytes.writeBigUInt64LE(value.cgroup, at + 32);
  bytes.writeBigUInt64LE(value.inode, at + 40);
  writeU64(bytes, value.pos, at + 48);
  writeU64(bytes, value.size, at + 56);
  for (let index = 0; index < 6; index++) {
    bytes.writeBigUInt64LE(value.args[index] ?? 0n, at + 64 + index * 8);
  }
  for (let index = 0; index < 4; index++) {
    bytes.writeBigUInt64LE(value.extra[index] ?? 0n, at + 112 + index * 8);
  }
  bytes.writeUInt32LE(value.tid, at + 144);
  bytes.writeUInt32LE(value.tgid, at + 148);
  bytes.writeUInt32LE(value.uid, at + 152);
  bytes.writeUInt32LE(value.device, at + 156);
  bytes.writeUInt32LE(value.flags, at + 160);
  bytes.writeUInt16LE(value.callback, at + 164);
  bytes.writeUInt16LE(value.textSize, at + 166);
  value.names.copy(bytes, at + 168, 0, 4);
  bytes.writeUInt8(value.oplock, at + 172);
  bytes.writeUInt8(value.depth, at + 173);
  writeText(bytes, value.comm, at + 176, 16);
}

export const AOD_VFS_TICK_SIZE = 24;

export interface AodVfsTick {
  readonly now: number;
  readonly recursionMisses: number;
  readonly entries: number;
}

export function decodeAodVfsTick(bytes: Buffer, at: number): AodVfsTick {
  return {
    now: readU64(bytes, at),
    recursionMisses: readU64(bytes, at + 8),
    entries: bytes.readUInt32LE(at + 16),
  };
}

export function encodeAodVfsTick(value: AodVfsTick, bytes: Buffer, at: number): void {
  writeU64(bytes, value.now, at);
  writeU64(bytes, value.recursionMisses, at + 8);
  bytes.writeUInt32LE(value.entries, at + 16);
}

export const AOD_VFS_TICK_ENTRY_SIZE = 24;

export interface AodVfsTickEntry {
  readonly count: number;
  readonly errors: number;
  readonly device: number;
  readonly callback: number;
  readonly buckets: number;
}

export function decodeAodVfsTickEntry(bytes: Buffer, at: number): AodVfsTickEntry {
  return {
    count: readU64(bytes, at),
    errors: readU64(bytes, at + 8),
    device: bytes.readUInt32LE(at + 16),
    callback: bytes.readUInt16LE(at + 20),
    buckets: bytes.readUInt16LE(at + 22),
  };
}

export function encodeAodVfsTickEntry(value: AodVfsTickEntry, bytes: Buffer, at: number): void {
  writeU64(bytes, value.count, at);
  writeU64(bytes, value.errors, at + 8);
  bytes.writeUInt32LE(value.device, at + 16);
  bytes.writeUInt16LE(value.callback, at + 20);
  bytes.writeUInt16LE(value.buckets, at + 22);
}

export const AOD_VFS_RUNNING_SIZE = 48;

export interface AodVfsRunning {
  readonly started: number;
  readonly inode: bigint;
  readonly tid: number;
  readonly tgid: number;
  readonly device: number;
  readonly callback: number;
  readonly depth: number;
  readonly comm: string;
}

export function decodeAodVfsRunning(bytes: Buffer, at: number): AodVfsRunning {
  return {
    started: readU64(bytes, at),
    inode: bytes.readBigUInt64LE(at + 8),
    tid: bytes.readUInt32LE(at + 16),
    tgid: bytes.readUInt32LE(at + 20),
    device: bytes.readUInt32LE(at + 24),
    callback: bytes.readUInt16LE(at + 28),
    depth: bytes.readUInt16LE(at + 30),
    comm: readText(bytes, at + 32, 16),
  };
}

export function encodeAodVfsRunning(value: AodVfsRunning, bytes: Buffer, at: number): void {
  writeU64(bytes, value.started, at);
  bytes.writeBigUInt64LE(value.inode, at + 8);
  bytes.writeUInt32LE(value.tid, at + 16);
  bytes.writeUInt32LE(value.tgid, at + 20);
  bytes.writeUInt32LE(value.device, at + 24);
  bytes.writeUInt16LE(value.callback, at + 28);
  bytes.writeUInt16LE(value.depth, at + 30);
  writeText(bytes, value.comm, at + 32, 16);
}

export const AOD_VFS_TUNABLES_SIZE = 48;

export interface AodVfsTunables {
  readonly slowNs: readonly number[];
  readonly errorTypes: number;
  readonly tgid: number;
  readonly device: number;
}

export function decodeAodVfsTunables(bytes: Buffer, at: number): AodVfsTunables {
  return {
    slowNs: Array.from({ length: 4 }, (_, index) => readU64(bytes, at + index * 8)),
    errorTypes: bytes.readUInt32LE(at + 32),
    tgid: bytes.readUInt32LE(at + 36),
    device: bytes.readUInt32LE(at + 40),
  };
}

export function encodeAodVfsTunables(value: AodVfsTunables, bytes: Buffer, at: number): void {
  for (let index = 0; index < 4; index++) {
    writeU64(bytes, value.slowNs[index] ?? 0, at + index * 8);
  }
  bytes.writeUInt32LE(value.errorTypes, at + 32);
  bytes.writeUInt32LE(value.tgid, at + 36);
  bytes.writeUInt32LE(value.device, at + 40);
}

export const AOD_VFS_SETTINGS_SIZE = 56;

export interface AodVfsSettings {
  readonly vfs: AodVfsTunables;
  readonly inflightNs: number;
}

export function decodeAodVfsSettings(bytes: Buffer, at: number): AodVfsSettings {
  return {
    vfs: decodeAodVfsTunables(bytes, at),
    inflightNs: readU64(bytes, at + 48),
  };
}

export function encodeAodVfsSettings(value: AodVfsSettings, bytes: Buffer, at: number): void {
  encodeAodVfsTunables(value.vfs, bytes, at);
  writeU64(bytes, value.inflightNs, at + 48);
}

export const AOD_RPC_OP_SIZE = 320;

export interface AodRpcOp {
  readonly seq: number;
  readonly request: bigint;
  readonly created: number;
  readonly started: number;
  readonly closed: number;
  readonly backlogNs: number;
  readonly rttNs: number;
  readonly executeNs: number;
  readonly backlogSum: number;
  readonly rttSum: number;
  readonly executeSum: number;
  readonly sent: number;
  readonly received: number;
  readonly cgroup: bigint;
  readonly inode: bigint;
  readonly offset: number;
  readonly count: number;
  readonly xid: number;
  readonly status: number;
  readonly rpcStatus: number;
  readonly attempts: number;
  readonly transmissions: number;
  readonly timeouts: number;
  readonly tasks: number;
  readonly client: number;
  readonly target: number;
  readonly device: number;
  readonly tid: number;
  readonly tgid: number;
  readonly uid: number;
  readonly flags: number;
  readonly state: number;
  readonly procedure: number;
  readonly begunAs: number;
  readonly wire: number;
  readonly slot: number;
  readonly version: number;
  readonly minor: number;
  readonly name: string;
  readonly comm: string;
  readonly file: string;
  readonly seqCheck: number;
}

export function decodeAodRpcOp(bytes: Buffer, at: number): AodRpcOp {
  return {
    seq: readU64(bytes, at),
    request: bytes.readBigUInt64LE(at + 8),
    created: readU64(bytes, at + 16),
    started: readU64(bytes, at + 24),
    closed: readU64(bytes, at + 32),
    backlogNs: readU64(bytes, at + 40),
    rttNs: readU64(bytes, at + 48),
    executeNs: readU64(bytes, at + 56),
    backlogSum: readU64(bytes, at + 64),
    rttSum: readU64(bytes, at + 72),
    executeSum: readU64(bytes, at + 80),
    sent: readU64(bytes, at + 88),
    received: readU64(bytes, at + 96),
    cgroup: bytes.readBigUInt64LE(at + 104),
    inode: bytes.readBigUInt64LE(at + 112),
    offset: readU64(bytes, at + 120),
    count: bytes.readUInt32LE(at + 128),
    xid: bytes.readUInt32LE(at + 132),
    status: bytes.readInt32LE(at + 136),
    rpcStatus: bytes.readInt32LE(at + 140),
    attempts: bytes.readUInt32LE(at + 144),
    transmissions: bytes.readUInt32LE(at + 148),
    timeouts: bytes.readUInt32LE(at + 152),
    tasks: bytes.readUInt32LE(at + 156),
    client: bytes.readUInt32LE(at + 160),
    target: bytes.readUInt32LE(at + 164),
    device: bytes.readUInt32LE(at + 168),
    tid: bytes.readUInt32LE(at + 172),
    tgid: bytes.readUInt32LE(at + 176),
    uid: bytes.readUInt32LE(at + 180),
    flags: bytes.readUInt32LE(at + 184),
    state: bytes.readUInt32LE(at + 188),
    procedure: bytes.readUInt16LE(at + 192),
    begunAs: bytes.readUInt16LE(at + 194),
    wire: bytes.readUInt16LE(at + 196),
    slot: bytes.readUInt16LE(at + 198),
    version: bytes.readUInt32LE(at + 200),
    minor: bytes.readUInt32LE(at + 204),
    name: readText(bytes, at + 208, 24),
    comm: readText(bytes, at + 232, 16),
    file: readText(bytes, at + 248, 64),
    seqCheck: readU64(bytes, at + 312),
  };
}

export function encodeAodRpcOp(value: AodRpcOp, bytes: Buffer, at: number): void {
  writeU64(bytes, value.seq, at);
  bytes.writeBigUInt64LE(value.request, at + 8);
  writeU64(bytes, value.created, at + 16);
  writeU64(bytes, value.started, at + 24);
  writeU64(bytes, value.closed, at + 32);
  writeU64(bytes, value.backlogNs, at + 40);
  writeU64(bytes, value.rttNs, at + 48);
  writeU64(bytes, value.executeNs, at + 56);
  writeU64(bytes, value.backlogSum, at + 64);
  writeU64(bytes, value.rttSum, at + 72);
  writeU64(bytes, value.executeSum, at + 80);
  writeU64(bytes, value.sent, at + 88);
  writeU64(bytes, value.received, at + 96);
  bytes.writeBigUInt64LE(value.cgroup, at + 104);
  bytes.writeBigUInt64LE(value.inode, at + 112);
  writeU64(bytes, value.offset, at + 120);
  bytes.writeUInt32LE(value.count, at + 128);
  bytes.writeUInt32LE(value.xid, at + 132);
  bytes.writeInt32LE(value.status, at + 136);
  bytes.writeInt32LE(value.rpcStatus, at + 140);
  bytes.writeUInt32LE(value.attempts, at + 144);
  bytes.writeUInt32LE(value.transmissions, at + 148);
  bytes.writeUInt32LE(value.timeouts, at + 152);
  bytes.writeUInt32LE(value.tasks, at + 156);
  bytes.writeUInt32LE(value.client, at + 160);
  bytes.writeUInt32LE(value.target, at + 164);
  bytes.writeUInt32LE(value.device, at + 168);
  bytes.writeUInt32LE(value.tid, at + 172);
  bytes.writeUInt32LE(value.tgid, at + 176);
  bytes.writeUInt32LE(value.uid, at + 180);
  bytes.writeUInt32LE(value.flags, at + 184);
  bytes.writeUInt32LE(value.state, at + 188);
  bytes.writeUInt16LE(value.procedure, at + 192);
  bytes.writeUInt16LE(value.begunAs, at + 194);
  bytes.writeUInt16LE(value.wire, at + 196);
  bytes.writeUInt16LE(value.slot, at + 198);
  bytes.writeUInt32LE(value.version, at + 200);
  bytes.writeUInt32LE(value.minor, at + 204);
  writeText(bytes, value.name, at + 208, 24);
  writeText(bytes, value.comm, at + 232, 16);
  writeText(bytes, value.file, at + 248, 64);
  writeU64(bytes, value.seqCheck, at + 312);
}

export const AOD_RPC_PATH_SIZE = 528;

export interface AodRpcPath {
  readonly seq: number;
  readonly size: number;
  readonly cut: number;
  readonly text: Buffer;
}

export function decodeAodRpcPath(bytes: Buffer, at: number): AodRpcPath {
  return {
    seq: readU64(bytes, at),
    size: bytes.readUInt32LE(at + 8),
    cut: bytes.readUInt32LE(at + 12),
    text: bytes.subarray(at + 16, at + 16 + 512),
  };
}

export function encodeAodRpcPath(value: AodRpcPath, bytes: Buffer, at: number): void {
  writeU64(bytes, value.seq, at);
  bytes.writeUInt32LE(value.size, at + 8);
  bytes.writeUInt32LE(value.cut, at + 12);
  value.text.copy(bytes, at + 16, 0, 512);
}

export const AOD_RPC_TARGET_SIZE = 144;

export interface AodRpcTarget {
  readonly key: bigint;
  readonly id: number;
  readonly client: number;
  readonly parent: number;
  readonly version: number;
  readonly minor: number;
  readonly device: number;
  readonly server: string;
  readonly address: string;
}

export function decodeAodRpcTarget(bytes: Buffer, at: number): AodRpcTarget {
  return {
    key: bytes.readBigUInt64LE(at),
    id: bytes.readUInt32LE(at + 8),
    client: bytes.readUInt32LE(at + 12),
    parent: bytes.readUInt32LE(at + 16),
    version: bytes.readUInt32LE(at + 20),
    minor: bytes.readUInt32LE(at + 24),
    device: bytes.readUInt32LE(at + 28),
    server: readText(bytes, at + 32, 64),
    address: readText(bytes, at + 96, 48),
  };
}

export function encodeAodRpcTarget(value: AodRpcTarget, bytes: Buffer, at: number): void {
  bytes.writeBigUInt64LE(value.key, at);
  bytes.writeUInt32LE(value.id, at + 8);
  bytes.writeUInt32LE(value.client, at + 12);
  bytes.writeUInt32LE(value.parent, at + 16);
  bytes.writeUInt32LE(value.version, at + 20);
  bytes.writeUInt32LE(value.minor, at + 24);
  bytes.writeUInt32LE(value.device, at + 28);
  writeText(bytes, value.server, at + 32, 64);
  writeText(bytes, value.address, at + 96, 48);
}

export const AOD_RPC_TUNABLES_SIZE = 1864;

export interface AodRpcTunables {
  readonly slowNs: readonly number[];
  readonly errors: Buffer;
  readonly told: readonly number[];
  readonly paths: number;
}

export function decodeAodRpcTunables(bytes: Buffer, at: number): AodRpcTunables {
  return {
    slowNs: Array.from({ length: 192 }, (_, index) => readU64(bytes, at + index * 8)),
    errors: bytes.subarray(at + 1536, at + 1536 + 192),
    told: Array.from({ length: 32 }, (_, index) => bytes.readUInt32LE(at + 1728 + index * 4)),
    paths: bytes.readUInt32LE(at + 1856),
  };
}

export function encodeAodRpcTunables(value: AodRpcTunables, bytes: Buffer, at: number): void {
  for (let index = 0; index < 192; index++) {
    writeU64(bytes, value.slowNs[index] ?? 0, at + index * 8);
  }
  value.errors.copy(bytes, at + 1536, 0, 192);
  for (let index = 0; index < 32; index++) {
    bytes.writeUInt32LE(value.told[index] ?? 0, at + 1728 + index * 4);
  }
  bytes.writeUInt32LE(value.paths, at + 1856);
}

export const AOD_RPC_SETTINGS_SIZE = 1872;

export interface AodRpcSettings {
  readonly rpc: AodRpcTunables;
  readonly inflightNs: number;
}

export function decodeAodRpcSettings(bytes: Buffer, at: number): AodRpcSettings {
  return {
    rpc: decodeAodRpcTunables(bytes, at),
    inflightNs: readU64(bytes, at + 1864),
  };
}

export function encodeAodRpcSettings(value: AodRpcSettings, bytes: Buffer, at: number): void {
  encodeAodRpcTunables(value.rpc, bytes, at);
  writeU64(bytes, value.inflightNs, at + 1864);
}

export const AOD_RPC_TICK_SIZE = 40;

export interface AodRpcTick {
  readonly now: number;
  readonly head: number;
  readonly oldest: number;
  readonly recursionMisses: number;
  readonly entries: number;
  readonly failures: number;
}

export function decodeAodRpcTick(bytes: Buffer, at: number): AodRpcTick {
  return {
    now: readU64(bytes, at),
    head: readU64(bytes, at + 8),
    oldest: readU64(bytes, at + 16),
    recursionMisses: readU64(bytes, at + 24),
    entries: bytes.readUInt32LE(at + 32),
    failures: bytes.readUInt32LE(at + 36),
  };
}

export function encodeAodRpcTick(value: AodRpcTick, bytes: Buffer, at: number): void {
  writeU64(bytes, value.now, at);
  writeU64(bytes, value.head, at + 8);
  writeU64(bytes, value.oldest, at + 16);
  writeU64(bytes, value.recursionMisses, at + 24);
  bytes.writeUInt32LE(value.entries, at + 32);
  bytes.writeUInt32LE(value.failures, at + 36);
}

export const AOD_RPC_TICK_ENTRY_SIZE = 64;

export interface AodRpcTickEntry {
  readonly target: number;
  readonly procedure: number;
  readonly buckets: number;
  readonly count: number;
  readonly errors: number;
  readonly attempts: number;
  readonly transmissions: number;
  readonly name: string;
}

export function decodeAodRpcTickEntry(bytes: Buffer, at: number): AodRpcTickEntry {
  return {
    target: bytes.readUInt32LE(at),
    procedure: bytes.readUInt16LE(at + 4),
    buckets: bytes.readUInt16LE(at + 6),
    count: readU64(bytes, at + 8),
    errors: readU64(bytes, at + 16),
    attempts: readU64(bytes, at + 24),
    transmissions: readU64(bytes, at + 32),
    name: readText(bytes, at + 40, 24),
  };
}

export function encodeAodRpcTickEntry(value: AodRpcTickEntry, bytes: Buffer, at: number): void {
  bytes.writeUInt32LE(value.target, at);
  bytes.writeUInt16LE(value.procedure, at + 4);
  bytes.writeUInt16LE(value.buckets, at + 6);
  writeU64(bytes, value.count, at + 8);
  writeU64(bytes, value.errors, at + 16);
  writeU64(bytes, value.attempts, at + 24);
  writeU64(bytes, value.transmissions, at + 32);
  writeText(bytes, value.name, at + 40, 24);
}

export const AOD_RPC_FAILURE_SIZE = 40;

export interface AodRpcFailure {
  readonly target: number;
  readonly status: number;
  readonly count: number;
  readonly procedure: number;
  readonly version: number;
  readonly name: string;
}

export function decodeAodRpcFailure(bytes: Buffer, at: number): AodRpcFailure {
  return {
    target: bytes.readUInt32LE(at),
    status: bytes.readUInt32LE(at + 4),
    count: bytes.readUInt32LE(at + 8),
    procedure: bytes.readUInt16LE(at + 12),
    version: bytes.readUInt16LE(at + 14),
    name: readText(bytes, at + 16, 24),
  };
}

export function encodeAodRpcFailure(value: AodRpcFailure, bytes: Buffer, at: number): void {
  bytes.writeUInt32LE(value.target, at);
  bytes.writeUInt32LE(value.status, at + 4);
  bytes.writeUInt32LE(value.count, at + 8);
  bytes.writeUInt16LE(value.procedure, at + 12);
  bytes.writeUInt16LE(value.version, at + 14);
  writeText(bytes, value.name, at + 16, 24);
}
