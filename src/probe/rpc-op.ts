// One record of the kernel's table of RPCs -> RpcOp. The fields are explained in docs/nfsslower.md.
import { procedureName } from "../nfs/procedures.ts";
import { type RpcStatus, rpcStatus } from "../nfs/status.ts";
import { AodRpcFlag, type AodRpcOp, AodRpcState, type AodRpcTarget } from "./decoders.gen.ts";
import type { OpBase } from "./op.ts";

/**
 * `open`: no answer yet; `answered`: the RPC layer has counted an attempt, which may be made again; `unsent`: it ended before it was sent, and the client may
 * make it again; `held`: the server asked to come again later and the caller sleeps; `closed`: final; `ghost`: its end was missed.
 */
export type RpcState = "open" | "answered" | "unsent" | "held" | "closed" | "ghost";

/** Where an RPC's time went, in µs: until it was sent (for the last time), from there to the answer, and from there to its end. */
export interface RpcPhases {
  readonly queue?: number;
  readonly wire?: number;
  readonly wake?: number;
}

/** What an RPC went to: the RPC client of a mount, or the one that the mounts of a server share. */
export interface RpcTarget {
  /** As it was mounted by. */
  readonly server?: string;
  readonly address?: string;
  /** st_dev of the mount, as mountinfo writes it: `0:45`. */
  readonly device?: string;
  readonly clientId: number;
  /** The RPC client that it was cloned from. */
  readonly parentId?: number;
}

/** One operation of the NFS client: an RPC with its restarts, and with those that the client makes anew when the server says to come again later. */
export interface RpcOp extends OpBase {
  readonly state: RpcState;
  readonly version: number;
  /** Minor version of NFSv4. */
  readonly minor?: number;
  /** `READ`; in NFSv4 what the compound is for. */
  readonly procedure: string;
  /** p_statidx. */
  readonly procedureCode: number;
  /** Of the last attempt; absent before it was sent. */
  readonly xid?: number;
  /** Of the last attempt; absent while there is none. */
  readonly status?: RpcStatus;
  /** How often the RPC layer has counted it: `ops` of mountstats. */
  readonly attempts: number;
  /** Sent again because no answer came: `transmissions` less `ops` of mountstats. */
  readonly retransmissions: number;
  /** Major timeouts. */
  readonly timeouts: number;
  /** Over all attempts. */
  readonly phasesUs: RpcPhases;
  /** µs between the attempts, when there were several. */
  readonly delayUs?: number;
  /** execute of the last attempt in µs, as the RPC layer tells it. */
  readonly executeUs?: number;
  /** Absent where no trace point tells (rpc_trace). */
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
  readonly target: RpcTarget;
  /** Begun by a kernel thread. */
  readonly worker: boolean;
  readonly async: boolean;
  readonly uid: number;
  readonly inode?: bigint;
  /** Last component of what it is about. */
  readonly file?: string;
  /** From the mount's root on, where it was asked for and is known. Begins with `…/` when there are more directories above. */
  readonly path?: string;
  readonly offset?: number;
  readonly count?: number;
}

// AOD_RPC_UNKNOWN: nobody tells which client this one was cloned from.
const UNKNOWN = 0xffff_ffff;

const states: ReadonlyMap<number, RpcState> = new Map([
  [AodRpcState.OPEN, "open"],
  [AodRpcState.ANSWERED, "answered"],
  [AodRpcState.CLOSED, "closed"],
  [AodRpcState.GHOST, "ghost"],
  [AodRpcState.HELD, "held"],
]);

/** `nowNs`: the moment of observation. Undefined for a record that holds no op of its own. */
export function rpcOpOf(raw: AodRpcOp, nowNs: number, known?: AodRpcTarget, path?: string): RpcOp | undefined {
  const stored = states.get(raw.state);
  if (stored === undefined) return undefined;
  const { flags, version } = raw;
  const counted = raw.attempts > 0;
  // Nobody has answered what was never sent.
  const state = stored === "answered" && !counted ? "unsent" : stored;
  const endedNs = state === "closed" ? raw.closed : undefined;
  const minor = version === 4 ? raw.minor || (known?.minor ?? 0) : 0;
  return {
    seq: raw.seq,
    state,
    startedNs: raw.created,
    ...(endedNs === undefined ? undefined : { endedNs }),
    latencyUs: micros((endedNs ?? nowNs) - raw.created),
    version,
    ...(minor === 0 ? undefined : { minor: minor - 1 }),
    procedure: raw.name || (procedureName(version, raw.procedure) ?? `PROC_${raw.procedure}`),
    procedureCode: raw.procedure,
    ...(counted ? { xid: raw.xid } : undefined),
    ...(flags & AodRpcFlag.STATUS ? { status: statusOf(raw) } : undefined),
    attempts: raw.attempts,
    retransmissions: raw.transmissions - raw.attempts,
    timeouts: raw.timeouts,
    phasesUs: counted ? phasesOf(raw) : {},
    ...(raw.attempts > 1 && endedNs !== undefined
      ? { delayUs: micros(endedNs - raw.created - raw.executeSum) }
      : undefined),
    ...(counted ? { executeUs: micros(raw.executeNs) } : undefined),
    ...(flags & AodRpcFlag.NO_BYTES ? undefined : { bytesSent: raw.sent, bytesReceived: raw.received }),
    target: targetOf(raw, known),
    pid: raw.tgid,
    tid: raw.tid,
    comm: raw.comm,
    uid: raw.uid,
    cgroupId: raw.cgroup,
    worker: (flags & AodRpcFlag.WORKER) !== 0,
    async: (flags & AodRpcFlag.ASYNC) !== 0,
    ...(raw.inode === 0n ? undefined : { inode: raw.inode }),
    ...(raw.file === "" ? undefined : { file: flags & AodRpcFlag.CUT ? `${raw.file}…` : raw.file }),
    ...(path === undefined ? undefined : { path }),
    ...(flags & AodRpcFlag.RANGE ? { offset: raw.offset, count: raw.count } : undefined),
  };
}

function statusOf(raw: AodRpcOp): RpcStatus {
  const replied = (raw.flags & AodRpcFlag.REPLIED) !== 0 && raw.rpcStatus === 0;
  return rpcStatus(raw.version, raw.rpcStatus === 0 ? raw.status : raw.rpcStatus, replied);
}

function phasesOf({ backlogSum, rttSum, executeSum }: AodRpcOp): RpcPhases {
  // What ended without an answer has no round trip: all of it was waiting.
  const wake = executeSum - backlogSum - rttSum;
  return {
    queue: micros(backlogSum),
    ...(rttSum === 0 ? undefined : { wire: micros(rttSum) }),
    wake: micros(wake),
  };
}

function targetOf(raw: AodRpcOp, known: AodRpcTarget | undefined): RpcTarget {
  const device = deviceText(raw.device || (known?.device ?? 0));
  return {
    clientId: raw.client,
    ...(known === undefined || known.server === "" ? undefined : { server: known.server }),
    ...(known === undefined || known.address === "" ? undefined : { address: known.address }),
    ...(known === undefined || known.parent === UNKNOWN ? undefined : { parentId: known.parent }),
    ...(device === undefined ? undefined : { device }),
  };
}

/** s_dev as mountinfo writes it: `0:45`; undefined where it is not known. */
export function deviceText(device: number): string | undefined {
  return device === 0 ? undefined : `${device >>> 20}:${device & 0xfffff}`;
}

function micros(ns: number): number {
  return Math.max(0, Math.floor(ns / 1000));
}
