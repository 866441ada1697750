// RFC 5531 (RPC), 2203 (RPCSEC_GSS), 9289 (RPC with TLS), 1813 (NFSv3), 7530 and 8881 (NFSv4).
import { procedureName } from "../../nfs/procedures.ts";
import { AUTH_SYS, acceptStates, authErrorName, MAX_AUTH, RPCSEC_GSS } from "../../nfs/rpc-words.ts";
import { Xdr } from "../../nfs/xdr.ts";
import { type Compound, readCompound, readImplementation } from "./nfs-compound.ts";

export const NFS = 100003;
const MOUNT = 100005;
const NFSACL = 100227;
const CALLBACK = 0x4000_0000;

const programs: Readonly<Record<number, string>> = {
  100000: "PORTMAP",
  [NFS]: "NFS",
  [MOUNT]: "MOUNT",
  100021: "NLM",
  100024: "STATUS",
  [NFSACL]: "NFSACL",
  [CALLBACK]: "NFS callback",
};
const procedures: Readonly<Record<number, readonly string[]>> = {
  100000: ["NULL", "SET", "UNSET", "GETADDR", "DUMP"],
  [MOUNT]: ["NULL", "MNT", "DUMP", "UMNT", "UMNTALL", "EXPORT"],
  [NFSACL]: ["NULL", "GETACL", "SETACL"],
};

/** How arguments and results are protected. */
export type Protection = "none" | "integrity" | "privacy";

export interface RpcCall {
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  /** `NFS 4.1`, for people. */
  readonly programText: string;
  /** `READ`; of a COMPOUND what it is for. */
  readonly procedure: string;
  readonly flavor: number;
  readonly protection: Protection;
  /** A NULL call or the set-up of a security context has no status. */
  readonly hasStatus: boolean;
  /** The client's name, by its credentials. */
  readonly machine?: string;
  readonly compound?: Compound;
}

export interface RpcReply {
  readonly xid: number;
  /** What RPC itself found wrong: `AUTH_TOOWEAK`. */
  readonly rpcError?: string;
  /** Of the results, where they are not sealed. */
  readonly status?: number;
  /** Of a COMPOUND: how many operations have a result, the last is that which failed. */
  readonly results?: number;
  /** What the server says of itself in EXCHANGE_ID. */
  readonly implementation?: string;
}

/** Undefined: no call. */
export function readCall(record: Buffer): RpcCall | undefined {
  const xdr = new Xdr(record);
  const [xid, direction, rpcVersion] = [xdr.word(), xdr.word(), xdr.word()];
  const [program, version, procedure] = [xdr.word(), xdr.word(), xdr.word()];
  if (xid === undefined || direction !== 0 || rpcVersion !== 2) return undefined;
  if (program === undefined || version === undefined || procedure === undefined) return undefined;
  const flavor = xdr.word() ?? 0;
  const credentials = readCredentials(flavor, xdr.opaque(MAX_AUTH) ?? Buffer.alloc(0));
  xdr.word();
  xdr.opaque(MAX_AUTH);
  // Sealed arguments cannot be read; signed ones stand behind their length and a number.
  if (credentials.protection === "integrity") xdr.skip(2);
  const isCompound = procedure === 1 && ((program === NFS && version === 4) || program === CALLBACK);
  const readable = isCompound && credentials.protection !== "privacy" && credentials.isData;
  const compound = readable ? readCompound(xdr, program === CALLBACK) : undefined;
  return {
    xid,
    program,
    version,
    programText: `${programs[program] ?? `program ${program}`} ${version}${compound === undefined || program !== NFS ? "" : `.${compound.minor}`}`,
    procedure: compound?.purpose ?? plainName(program, version, procedure, isCompound),
    flavor,
    protection: credentials.protection,
    hasStatus: procedure !== 0 && credentials.isData && hasStatus(program, procedure),
    ...(credentials.machine === undefined ? {} : { machine: credentials.machine }),
    ...(compound === undefined ? {} : { compound }),
  };
}

function plainName(program: number, version: number, procedure: number, isCompound: boolean): string {
  if (isCompound) return program === CALLBACK ? "CB_COMPOUND" : "COMPOUND";
  // NFSv2 has other procedures, and no client of today speaks it.
  const known = program === NFS && version === 3 ? procedureName(3, procedure) : procedures[program]?.[procedure];
  return known ?? (procedure === 0 ? "NULL" : `procedure ${procedure}`);
}

const hasStatus = (program: number, procedure: number): boolean =>
  program === NFS || program === NFSACL || program === CALLBACK || (program === MOUNT && procedure === 1);

function readCredentials(
  flavor: number,
  body: Buffer,
): { readonly protection: Protection; readonly isData: boolean; readonly machine?: string } {
  const xdr = new Xdr(body);
  if (flavor === AUTH_SYS) {
    xdr.word();
    const machine = xdr.text(255);
    return { protection: "none", isData: true, ...(machine === undefined || machine === "" ? {} : { machine }) };
  }
  if (flavor !== RPCSEC_GSS) return { protection: "none", isData: true };
  const [, procedure, , service] = [xdr.word(), xdr.word(), xdr.word(), xdr.word()];
  const isData = procedure === 0;
  return { protection: service === 3 ? "privacy" : service === 2 ? "integrity" : "none", isData };
}

/** Undefined: no reply. `call`: what it answers, where that is known; without it only RPC itself can be read. */
export function readReply(record: Buffer, callOf: (xid: number) => RpcCall | undefined): RpcReply | undefined {
  const xdr = new Xdr(record);
  const [xid, direction, kind] = [xdr.word(), xdr.word(), xdr.word()];
  if (xid === undefined || direction !== 1 || kind === undefined || kind > 1) return undefined;
  if (kind === 1) {
    const why = xdr.word();
    const error = xdr.word();
    return { xid, rpcError: why === 1 ? authErrorName(error) : "RPC_MISMATCH" };
  }
  xdr.word();
  xdr.opaque(MAX_AUTH);
  const state = xdr.word();
  if (state === undefined) return { xid };
  if (state !== 0) return { xid, rpcError: acceptStates[state] ?? `accept_stat ${state}` };
  const call = callOf(xid);
  if (call === undefined || !call.hasStatus || call.protection === "privacy") return { xid };
  if (call.protection === "integrity") xdr.skip(2);
  const status = xdr.word();
  if (status === undefined) return { xid };
  if (call.compound === undefined) return { xid, status };
  xdr.opaque(1024);
  const results = xdr.word();
  const implementation = call.procedure === "EXCHANGE_ID" && status === 0 ? readImplementation(xdr) : undefined;
  return {
    xid,
    status,
    ...(results === undefined ? {} : { results }),
    ...(implementation === undefined ? {} : { implementation }),
  };
}
