// NFSv3 (RFC 1813) and COMPOUNDs of NFSv4 without a session (RFC 7530; of 4.1 and later what needs none: RFC 8881).
import { programNumbers } from "../nfs/rpc-words.ts";
import { nfsStatusName } from "../nfs/status.ts";
import { type Xdr, XdrWriter } from "../nfs/xdr.ts";
import type { CallLimits, Credentials, Reply, RpcTransport } from "./rpc.ts";

export type Failed = Exclude<Reply, { state: "done" }>;

const NFS = programNumbers.nfs;
const FSINFO = 19;

/** NULL: whether the program answers in this version. */
export const nullCall = (rpc: RpcTransport, version: 3 | 4, limits: CallLimits): Promise<Reply> =>
  rpc.call({ program: NFS, version, procedure: 0 }, limits);

/** FSINFO of an export's root, as a mount of NFSv3 asks: the status' name. */
export async function fsinfo3(
  rpc: RpcTransport,
  handle: Buffer,
  as: Credentials,
  limits: CallLimits,
): Promise<string | Failed> {
  const args = new XdrWriter().opaque(handle).bytes();
  const reply = await rpc.call({ program: NFS, version: 3, procedure: FSINFO, args, as }, limits);
  if (reply.state !== "done") return reply;
  return nfsStatusName(3, reply.results.word() ?? -1);
}

/** One operation: its number and its arguments. */
export interface Operation {
  readonly number: number;
  readonly args?: Buffer;
}

export interface CompoundReply {
  readonly state: "done";
  /** Of the whole, which is that of the last operation. */
  readonly status: string;
  /** Statuses of the operations as far as they were done, the last is that which failed. */
  readonly done: number;
  /** At the first result: operation, status, what it says. */
  readonly results: Xdr;
  readonly tookMs: number;
}

const COMPOUND = 1;

export async function compound(
  rpc: RpcTransport,
  minor: number,
  operations: readonly Operation[],
  as: Credentials,
  limits: CallLimits,
): Promise<CompoundReply | Failed> {
  const xdr = new XdrWriter().opaque("").words(minor, operations.length);
  for (const { number, args } of operations) xdr.words(number).fixed(args ?? Buffer.alloc(0));
  const reply = await rpc.call({ program: NFS, version: 4, procedure: COMPOUND, args: xdr.bytes(), as }, limits);
  if (reply.state !== "done") return reply;
  const { results, tookMs } = reply;
  const status = results.word();
  results.opaque(1024);
  const done = results.word();
  if (status === undefined || done === undefined) return { state: "closed", why: "COMPOUND's answer is cut", tookMs };
  return { state: "done", status: nfsStatusName(4, status), done, results, tookMs };
}

export const op = {
  access: (mask: number): Operation => ({ number: 3, args: new XdrWriter().words(mask).bytes() }),
  getHandle: { number: 10 },
  lookup: (name: string): Operation => ({ number: 15, args: new XdrWriter().opaque(name).bytes() }),
  putHandle: (handle: Buffer): Operation => ({ number: 22, args: new XdrWriter().opaque(handle).bytes() }),
  putRoot: { number: 24 },
  secinfo: (name: string): Operation => ({ number: 33, args: new XdrWriter().opaque(name).bytes() }),
  secinfoNoName: { number: 52, args: new XdrWriter().words(0).bytes() },
} as const;

/**
 * Whether the server has a minor version, asked without leaving anything there: PUTROOTFH is refused for want of a session where it has 4.1 or 4.2, and for
 * the version where it has not.
 */
export async function hasMinor(
  rpc: RpcTransport,
  minor: number,
  as: Credentials,
  limits: CallLimits,
): Promise<{ readonly has: boolean; readonly status: string } | Failed> {
  const reply = await compound(rpc, minor, [op.putRoot], as, limits);
  if (reply.state !== "done") return reply;
  return { has: reply.status !== "NFS4ERR_MINOR_VERS_MISMATCH", status: reply.status };
}
