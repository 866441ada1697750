import { procedureNames } from "../nfs/procedures.ts";
import { findNfsStatus } from "../nfs/status.ts";
import { commandNames } from "../smb/commands.ts";
import { findStatus } from "../smb/status.ts";
import { findErrno } from "../system/errno.ts";
import type { Severity } from "./detector.ts";
import type { Protocol } from "./observation.ts";

/** What answers: a server, or a VFS callback of the SMB client, which the probe smb_vfs sees. */
export type ErrorLayer = Protocol | "smb-vfs";

/** A rule as the configuration writes it. */
export interface WrittenRule {
  readonly protocol: ErrorLayer;
  /** Empty: any. */
  readonly commands: readonly string[];
  readonly statuses: readonly string[];
  readonly count: number;
  readonly severity: Severity;
}

const smb = (text: string): readonly string[] =>
  text
    .trim()
    .split(/\s+/)
    .map((name) => `STATUS_${name}`);
const nfs = (text: string): readonly string[] =>
  text
    .trim()
    .split(/\s+/)
    .map((name) => `NFS4ERR_${name}`);

const smbSevere =
  smb(`ACCESS_DENIED DATA_ERROR QUOTA_EXCEEDED DISK_FULL INSUFFICIENT_RESOURCES DEVICE_DATA_ERROR IO_TIMEOUT
  UNEXPECTED_NETWORK_ERROR NETWORK_NAME_DELETED BAD_NETWORK_NAME FILE_CORRUPT_ERROR TOO_MANY_OPENED_FILES USER_SESSION_DELETED
  CONNECTION_DISCONNECTED CONNECTION_RESET NETWORK_UNREACHABLE HOST_UNREACHABLE NETWORK_SESSION_EXPIRED`);
const nfsSevere =
  nfs(`PERM IO NXIO ACCESS NOSPC ROFS DQUOT STALE BADHANDLE SERVERFAULT EXPIRED FHEXPIRED RESOURCE STALE_CLIENTID
  STALE_STATEID BAD_STATEID ADMIN_REVOKED CB_PATH_DOWN BADSESSION BADSLOT DEADSESSION DELEG_REVOKED`);

const burst = (commands: string, statuses: string, count: number): WrittenRule => ({
  protocol: "smb",
  commands: commands.split(" ").map((name) => `SMB2_${name}`),
  statuses: smb(statuses),
  count,
  severity: "info",
});
const nfsBurst = (commands: readonly string[], statuses: string, count: number): WrittenRule => ({
  protocol: "nfs",
  commands,
  statuses: nfs(statuses),
  count,
  severity: "info",
});

/**
 * What is severe is so at once. The bursts are answers that healthy programs get all day (a compiler looks for its headers, a file ends): they are
 * told as information, and only from a rate on that a build or a search does not reach for a minute.
 */
export const defaultErrorRules: Readonly<Record<string, WrittenRule>> = {
  severe: { protocol: "smb", commands: [], statuses: smbSevere, count: 3, severity: "warning" },
  "nfs-severe": { protocol: "nfs", commands: [], statuses: nfsSevere, count: 3, severity: "warning" },
  "missing-path-burst": burst("CREATE", "NO_SUCH_FILE OBJECT_NAME_NOT_FOUND OBJECT_PATH_NOT_FOUND", 60_000),
  "create-collision-burst": burst("CREATE", "OBJECT_NAME_COLLISION", 60_000),
  "directory-enumeration-burst": burst("QUERY_DIRECTORY", "NO_MORE_FILES", 60_000),
  "response-buffer-pressure": burst("IOCTL QUERY_DIRECTORY QUERY_INFO", "BUFFER_OVERFLOW", 60_000),
  "eof-read-burst": burst("READ", "END_OF_FILE", 60_000),
  "lock-contention-burst": burst("LOCK", "LOCK_NOT_GRANTED", 6000),
  "nfs-missing-path-burst": nfsBurst(
    ["OPEN", "OPEN_NOATTR", "LOOKUP", "LOOKUP_ROOT", "REMOVE", "RENAME"],
    "NOENT",
    60_000,
  ),
  "nfs-create-collision-burst": nfsBurst(["OPEN", "CREATE", "MKDIR"], "EXIST", 60_000),
  "nfs-old-stateid-burst": nfsBurst([], "OLD_STATEID", 6000),
};

/** Names as they are written -> what the detector compares with. Undefined for a name that there is none of. */
export function statusCode(protocol: ErrorLayer, text: string): number | undefined {
  if (protocol === "smb-vfs") {
    const errno = findErrno(text);
    return errno.ok ? errno.code : undefined;
  }
  const found = protocol === "smb" ? findStatus(text) : findNfsStatus(text);
  return found.ok ? found.code : undefined;
}

/** The name that ops carry. */
export function commandOf(protocol: ErrorLayer, text: string): string | undefined {
  // Which callbacks there are, the running kernel says: `cifs_fsync`, or what it implements: `fsync`.
  if (protocol === "smb-vfs") return /^[a-z][a-z0-9_]*$/.test(text) ? text : undefined;
  const typed = text.trim().toUpperCase().replaceAll("-", "_");
  const names: readonly string[] = protocol === "smb" ? commandNames : procedureNames;
  return names.find((name) => name === typed || name === `SMB2_${typed}`);
}
