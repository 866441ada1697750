import type { Krb5Conf } from "../../kerberos/krb5-conf.ts";
import type { FoundCache } from "../../sources/ticket-caches.ts";
import type { MountInfo } from "../../system/mountinfo.ts";
import type { RequestKeyRule } from "../../system/request-key.ts";
import type { Machine } from "../machine.ts";
import type { UserCache } from "./caches.ts";
import type { KdcWire } from "./kdc-wire.ts";
import type { User } from "./user.ts";

/** What the doctor of Kerberos was asked about. */
export interface KerberosSubject {
  readonly text: string;
  readonly protocol: "smb" | "nfs";
  /** As the UNC or the device says it; absent where the question is about the machine alone. */
  readonly host?: string;
  /** The mount that exists of it. */
  readonly mount?: MountInfo;
  /** `username=` of a mount that is to be made. */
  readonly username?: string;
  /** Where the host's name leads to, as far as that is known. */
  readonly address?: string;
}

/** What was looked for. */
export interface CacheSearch {
  readonly defaultName: string;
  /** Whether the cache of that name could not be looked at. */
  readonly unknown: boolean;
  /** Of the cache of that name, where it is not the user. */
  readonly owner?: number;
  /** The principals that cifs.upcall may take a key of. */
  readonly keytab: readonly string[];
  /** Caches in files, of all users. */
  readonly others: readonly FoundCache[];
}

/** What the checks look at, and what they learn for those after them. */
export interface KerberosCase {
  readonly machine: Machine;
  readonly mounts: readonly MountInfo[];
  readonly subject: KerberosSubject;
  /** Whose tickets are used. */
  readonly user: User;
  /** Why it is this user. */
  readonly userWhy: string;
  readonly isRoot: boolean;
  readonly wire: KdcWire;
  /** The line of request-key.conf that leads to cifs.upcall. */
  rule?: RequestKeyRule;
  conf: Krb5Conf;
  /** Of the user, that of the default name first. */
  caches: readonly UserCache[];
  search?: CacheSearch;
  /** Of the user. */
  realm?: string;
  /** Those that answer. */
  kdcs: readonly { readonly address: string; readonly port: number; readonly by: "udp" | "tcp" }[];
  /** How far a KDC's clock is ahead of this one, as each answer told. */
  readonly skews: { readonly of: string; readonly ms: number }[];
}
