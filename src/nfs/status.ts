// NFS status codes: RFC 1813 (NFSv3), RFC 7530, 8881, 7862 and 8276 (NFSv4), and what the client makes of them:
// nfs_stat_to_errno(), nfs4_stat_to_errno() and nfs4_map_errors() of the kernel.
import { nearest } from "../smb/nearest.ts";
import { errnoName, errnoNumber } from "../system/errno.ts";

/** `number NAME errno`: without an errno the client keeps the status for itself, and a caller that it reaches sees EIO. */
const shared = `
1 PERM EPERM, 2 NOENT ENOENT, 5 IO EIO, 6 NXIO ENXIO, 17 EXIST EEXIST, 18 XDEV EXDEV, 20 NOTDIR ENOTDIR, 21 ISDIR EISDIR,
22 INVAL EINVAL, 27 FBIG EFBIG, 28 NOSPC ENOSPC, 30 ROFS EROFS, 31 MLINK EMLINK, 63 NAMETOOLONG ENAMETOOLONG,
66 NOTEMPTY ENOTEMPTY, 69 DQUOT EDQUOT, 70 STALE ESTALE, 10001 BADHANDLE EBADHANDLE, 10003 BAD_COOKIE EBADCOOKIE,
10004 NOTSUPP ENOTSUPP, 10005 TOOSMALL ETOOSMALL, 10006 SERVERFAULT EREMOTEIO, 10007 BADTYPE EBADTYPE`;

const v3Only = `13 ACCES EACCES, 19 NODEV ENODEV, 71 REMOTE EREMOTE, 10002 NOT_SYNC ENOTSYNC, 10008 JUKEBOX EJUKEBOX`;

const v4Only = `
13 ACCESS EACCES, 10008 DELAY, 10009 SAME, 10010 DENIED, 10011 EXPIRED, 10012 LOCKED EAGAIN, 10013 GRACE, 10014 FHEXPIRED,
10015 SHARE_DENIED, 10016 WRONGSEC, 10017 CLID_INUSE, 10018 RESOURCE, 10019 MOVED, 10020 NOFILEHANDLE, 10021 MINOR_VERS_MISMATCH,
10022 STALE_CLIENTID, 10023 STALE_STATEID, 10024 OLD_STATEID, 10025 BAD_STATEID, 10026 BAD_SEQID, 10027 NOT_SAME, 10028 LOCK_RANGE,
10029 SYMLINK ELOOP, 10030 RESTOREFH, 10031 LEASE_MOVED, 10032 ATTRNOTSUPP, 10033 NO_GRACE, 10034 RECLAIM_BAD,
10035 RECLAIM_CONFLICT, 10036 BADXDR, 10037 LOCKS_HELD, 10038 OPENMODE, 10039 BADOWNER, 10040 BADCHAR, 10041 BADNAME,
10042 BAD_RANGE, 10043 LOCK_NOTSUPP, 10044 OP_ILLEGAL EOPNOTSUPP, 10045 DEADLOCK EDEADLK, 10046 FILE_OPEN, 10047 ADMIN_REVOKED,
10048 CB_PATH_DOWN, 10049 BADIOMODE, 10050 BADLAYOUT, 10051 BAD_SESSION_DIGEST, 10052 BADSESSION, 10053 BADSLOT,
10054 COMPLETE_ALREADY, 10055 CONN_NOT_BOUND_TO_SESSION, 10056 DELEG_ALREADY_WANTED, 10057 BACK_CHAN_BUSY, 10058 LAYOUTTRYLATER,
10059 LAYOUTUNAVAILABLE, 10060 NOMATCHING_LAYOUT, 10061 RECALLCONFLICT, 10062 UNKNOWN_LAYOUTTYPE, 10063 SEQ_MISORDERED,
10064 SEQUENCE_POS, 10065 REQ_TOO_BIG, 10066 REP_TOO_BIG, 10067 REP_TOO_BIG_TO_CACHE, 10068 RETRY_UNCACHED_REP,
10069 UNSAFE_COMPOUND, 10070 TOO_MANY_OPS, 10071 OP_NOT_IN_SESSION, 10072 HASH_ALG_UNSUPP, 10074 CLIENTID_BUSY,
10075 PNFS_IO_HOLE, 10076 SEQ_FALSE_RETRY, 10077 BAD_HIGH_SLOT, 10078 DEADSESSION, 10079 ENCR_ALG_UNSUPP, 10080 PNFS_NO_LAYOUT,
10081 NOT_ONLY_OP, 10082 WRONG_CRED, 10083 WRONG_TYPE, 10084 DIRDELEG_UNAVAIL, 10085 REJECT_DELEG, 10086 RETURNCONFLICT,
10087 DELEG_REVOKED, 10088 PARTNER_NOTSUPP, 10089 PARTNER_NO_AUTH, 10090 UNION_NOTSUPP, 10091 OFFLOAD_DENIED, 10092 WRONG_LFS,
10093 BADLABEL, 10094 OFFLOAD_NO_REQS, 10095 NOXATTR ENODATA, 10096 XATTR2BIG E2BIG`;

/** What nfs4_map_errors() makes of what has no errno of its own; of everything else EIO. */
const mapped: ReadonlyMap<number, string> = new Map([
  [10018, "EREMOTEIO"],
  [10058, "EREMOTEIO"],
  [10061, "EREMOTEIO"],
  [10086, "EREMOTEIO"],
  [10016, "EPERM"],
  [10082, "EPERM"],
  [10039, "EINVAL"],
  [10041, "EINVAL"],
  [10015, "EACCES"],
  [10021, "EPROTONOSUPPORT"],
  [10046, "EBUSY"],
  [10027, "ENOTSYNC"],
]);

interface Table {
  readonly names: ReadonlyMap<number, string>;
  readonly byErrno: ReadonlyMap<number, number>;
  readonly errnos: ReadonlyMap<number, number>;
}

function tableOf(prefix: string, text: string): Table {
  const names = new Map([[0, `${prefix.replace(/ERR_$/, "")}_OK`]]);
  const byErrno = new Map<number, number>();
  const errnos = new Map([[0, 0]]);
  for (const entry of text.trim().split(/,\s+/)) {
    const [number = "", name = "", errno = ""] = entry.split(" ");
    const code = Number(number);
    const own = errnoNumber(errno);
    names.set(code, prefix + name);
    errnos.set(code, own ?? errnoNumber(mapped.get(code) ?? "EIO") ?? 5);
    if (own !== undefined) byErrno.set(own, code);
  }
  return { names, byErrno, errnos };
}

const v3 = tableOf("NFS3ERR_", `${shared}, ${v3Only}`);
const v4 = tableOf("NFS4ERR_", `${shared}, ${v4Only}`);

function tableFor(version: number): Table {
  return version === 4 ? v4 : v3;
}

/**
 * How an RPC ended: with a status of the NFS server, or with an error of the client and its RPC layer; never both. `errno` is positive, and
 * of a status what the client makes of it.
 */
export type RpcStatus =
  | { readonly nfs: string; readonly code: number; readonly errno: number }
  | { readonly nfs?: never; readonly code?: never; readonly errno: number };

/**
 * The kernel keeps both in one number: tk_status is -errno where the client has one for the server's status, else the negative status. `replied`:
 * the server has answered, and the RPC layer found nothing wrong with it.
 */
export function rpcStatus(version: number, tkStatus: number, replied: boolean): RpcStatus {
  const table = tableFor(version);
  // READ and WRITE end with the number of bytes.
  const value = tkStatus >= 0 ? 0 : -tkStatus;
  if (!replied) return { errno: value };
  const code = value > 10_000 ? value : value === 0 ? 0 : table.byErrno.get(value);
  if (code === undefined) return { errno: value };
  const nfs = table.names.get(code) ?? String(code);
  return { nfs, code, errno: table.errnos.get(code) ?? 5 };
}

/** The numbers that the kernel may have for a status of the server, of either version: the inverse of rpcStatus(). */
export function kernelNumbers(code: number): number[] {
  const errnos = [v3, v4].flatMap(({ byErrno }) => [...byErrno].flatMap(([errno, own]) => (own === code ? errno : [])));
  return [...new Set([...errnos, ...(code > 10_000 ? [code] : [])])];
}

/** `NFS4ERR_DELAY`, or `ETIMEDOUT`. */
export function rpcStatusName(status: RpcStatus): string {
  if (status.nfs !== undefined) return status.nfs;
  return status.errno === 0 ? "0" : errnoName(status.errno);
}

export type NfsStatusLookup =
  | { readonly ok: true; readonly code: number }
  /** `suggestion`: the nearest name, where one is near. */
  | { readonly ok: false; readonly suggestion?: string };

const codes = new Map<string, number>();
for (const { names } of [v3, v4]) {
  for (const [code, name] of names) codes.set(name, code).set(name.replace(/^NFS\d(ERR)?_/, ""), code);
}

/** A status as people write it: `NFS4ERR_DELAY`, `nfs3err_jukebox`, `NFSERR_STALE`, `delay`, `10008`. */
export function findNfsStatus(text: string): NfsStatusLookup {
  const typed = text.trim().toUpperCase().replaceAll("-", "_");
  if (/^\d{1,5}$/.test(typed)) return { ok: true, code: Number(typed) };
  const code = codes.get(typed) ?? codes.get(typed.replace(/^NFSERR_/, ""));
  if (code !== undefined) return { ok: true, code };
  const near = nearest(typed, codes.keys());
  return near === undefined ? { ok: false } : { ok: false, suggestion: near };
}

/** `NFS4ERR_STALE` for 70 of version 4; `status 99` for a number without a name here. */
export function nfsStatusName(version: number, code: number): string {
  return tableFor(version).names.get(code) ?? `status ${code}`;
}
