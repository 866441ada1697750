import type { ObservedTarget } from "./target.ts";

/** What a line of the journal says about an upcall. `other`: it concerns SMB or NFS, and no rule knows it. */
export type JournalVerdict =
  | "upcall-ok"
  | "no-credentials"
  | "ticket-expired"
  | "clock-skew"
  | "wrong-principal"
  | "kdc-unreachable"
  | "name-resolution"
  | "upcall-failed"
  | "denied"
  | "other";

export interface JournalLine {
  /** ns of the moment when it was logged, as far as the journal knows it. */
  readonly timeNs: number;
  /** `cifs.upcall`, `rpc.gssd`, `request-key`, ... */
  readonly program: string;
  readonly pid?: number;
  readonly verdict: JournalVerdict;
  readonly target?: ObservedTarget;
  /** Whose credentials. */
  readonly uid?: number;
  /** The number at its end, where it tells one: an errno or a Kerberos error. */
  readonly code?: number;
  /** The line; it may hold names of users and principals. */
  readonly text: string;
}

/** A ticket of a credential cache that a mount may use. */
export interface TicketSample {
  /** `FILE:/tmp/krb5cc_1000`, `KEYRING:persistent:1000`, ... */
  readonly cache: string;
  readonly uid: number;
  readonly client: string;
  /** `krbtgt/REALM@REALM` or `cifs/host@REALM`. */
  readonly service: string;
  readonly target?: ObservedTarget;
  /** From now to its end; negative when it is over. The wall clock decides, so a step of it changes this. */
  readonly remainingNs: number;
  /** From now until which it can be renewed; absent when it cannot. */
  readonly renewableNs?: number;
}

/**
 * Keys that the kernel got by upcalls, as far as /proc/keys shows them. A key of cifs.spnego is used once and then runs out: what has expired says
 * nothing, what is negative does.
 */
export interface KeySample {
  /** `cifs.spnego`, `logon`, `dns_resolver`, `id_resolver`, ... */
  readonly type: string;
  readonly description: string;
  readonly uid: number;
  readonly target?: ObservedTarget;
  readonly state: "valid" | "expired" | "revoked" | "dead" | "negative";
  /** From now to its end; absent for one that does not end. */
  readonly remainingNs?: number;
}
