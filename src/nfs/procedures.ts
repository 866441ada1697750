// The client's procedures, by p_statidx. NFSv3: RFC 1813. NFSv4 has one procedure on the wire, COMPOUND; the client's own list (NFSPROC4_CLNT_*,
// include/linux/nfs4.h) is named by what the compound is for. Kernels append to it, but 7.2 has put ZERO_RANGE behind DEALLOCATE.
import { nearest } from "../smb/nearest.ts";

const v3 =
  `NULL GETATTR SETATTR LOOKUP ACCESS READLINK READ WRITE CREATE MKDIR SYMLINK MKNOD REMOVE RMDIR RENAME LINK READDIR READDIRPLUS FSSTAT
  FSINFO PATHCONF COMMIT`.split(/\s+/);

const v4 =
  `NULL READ WRITE COMMIT OPEN OPEN_CONFIRM OPEN_NOATTR OPEN_DOWNGRADE CLOSE SETATTR FSINFO RENEW SETCLIENTID SETCLIENTID_CONFIRM LOCK LOCKT
  LOCKU ACCESS GETATTR LOOKUP LOOKUP_ROOT REMOVE RENAME LINK SYMLINK CREATE PATHCONF STATFS READLINK READDIR SERVER_CAPS DELEGRETURN GETACL SETACL
  FS_LOCATIONS RELEASE_LOCKOWNER SECINFO FSID_PRESENT EXCHANGE_ID CREATE_SESSION DESTROY_SESSION SEQUENCE GET_LEASE_TIME RECLAIM_COMPLETE LAYOUTGET
  GETDEVICEINFO LAYOUTCOMMIT LAYOUTRETURN SECINFO_NO_NAME TEST_STATEID FREE_STATEID GETDEVICELIST BIND_CONN_TO_SESSION DESTROY_CLIENTID SEEK
  ALLOCATE DEALLOCATE LAYOUTSTATS CLONE COPY OFFLOAD_CANCEL LOOKUPP LAYOUTERROR COPY_NOTIFY GETXATTR SETXATTR LISTXATTRS REMOVEXATTR READ_PLUS`.split(
    /\s+/,
  );

/** The last whose number all kernels agree on. */
const lastAgreed = v4.indexOf("DEALLOCATE");

/** Every name that is known here, those of both versions. */
export const procedureNames: readonly string[] = [...new Set([...v3, ...v4])].sort();

/** Of a version's list; undefined for what is newer than this program. The kernel's own name goes first. */
export function procedureName(version: number, procedure: number): string | undefined {
  return (version === 4 ? v4 : v3)[procedure];
}

/** p_statidx of a name: all that it may be, none for a name that the version does not have. What is wanted is told by the name in the end. */
export function procedureCodes(version: number, name: string): readonly number[] {
  const code = (version === 4 ? v4 : v3).indexOf(name);
  if (code < 0) return [];
  return version === 4 && code > lastAgreed ? [code, code + 1] : [code];
}

export type ProcedureLookup =
  | { readonly ok: true; readonly name: string }
  /** `suggestion`: the nearest name, where one is near. */
  | { readonly ok: false; readonly suggestion?: string };

/** A procedure as people write it: `READ`, `read`, `open-noattr`, `NFSPROC4_CLNT_READ`. */
export function findProcedure(text: string): ProcedureLookup {
  const typed = text
    .trim()
    .toUpperCase()
    .replaceAll("-", "_")
    .replace(/^NFSPROC(3|4_CLNT)_/, "");
  if (procedureNames.includes(typed)) return { ok: true, name: typed };
  const near = nearest(typed, procedureNames);
  return near === undefined ? { ok: false } : { ok: false, suggestion: near };
}
