// One number of mount(8) has several causes; which of them it is, the steps of the doctor tell. docs/doctor.md shows this table, and a test compares both.
import type { CauseId } from "../causes.ts";

export interface ErrnoCause {
  readonly cause: CauseId;
  /** Which step tells, and by what. */
  readonly told: string;
  /** Kernels on which the lab has seen mount(8) say this number for this cause. */
  readonly seen?: readonly string[];
}

/** What mount(8) of an SMB share says, by errno. */
export const mountErrors: Readonly<Record<number, readonly ErrnoCause[]>> = {
  2: [
    {
      cause: "mount.share-not-found",
      told: "log-in: STATUS_BAD_NETWORK_NAME, or no such directory behind the share",
      seen: ["6.12"],
    },
    { cause: "network.name-resolution", told: "name: it leads nowhere, as that of a DFS target may" },
    { cause: "auth.bad-credentials", told: "credentials: the file of credentials= is not there" },
  ],
  5: [
    {
      cause: "server.permission",
      told: "log-in: the server has no better word (a status that is not translated)",
      seen: ["6.12"],
    },
    {
      cause: "auth.bad-credentials",
      told: "log-in: STATUS_PASSWORD_MUST_CHANGE, which is not translated either",
      seen: ["6.12"],
    },
    { cause: "auth.ticket-expired", told: "log-in of a later mount: the session could not be set up again" },
  ],
  11: [
    { cause: "server.stalled", told: "negotiate: no answer; the connection is being made anew all the time" },
    { cause: "server.session-expired", told: "kernel log: the connection was lost and is being made anew" },
    {
      cause: "server.restarted",
      told: "log-in: the connection ends in the midst of it, or while the share is asked for",
      seen: ["6.12"],
    },
    {
      cause: "unknown",
      told: "log-in: STATUS_INSUFFICIENT_RESOURCES, the server is at a limit of its own (Samba: max connections)",
      seen: ["6.12"],
    },
  ],
  13: [
    { cause: "auth.bad-credentials", told: "log-in: STATUS_LOGON_FAILURE and its like", seen: ["6.12"] },
    {
      cause: "mount.signing-mismatch",
      told: "log-in: let in as a guest, who has no key, while signing is required (older kernels may say 5)",
      seen: ["6.12"],
    },
    { cause: "network.port-blocked", told: "route: this machine's own table prohibits it", seen: ["6.12"] },
    { cause: "auth.account-disabled", told: "log-in: STATUS_ACCOUNT_LOCKED_OUT, STATUS_ACCOUNT_RESTRICTION" },
    { cause: "auth.clock-skew", told: "clock: more than 5 min apart, with Kerberos" },
    {
      cause: "mount.encryption-mismatch",
      told: "log-in: refused with the old dialect, let in and asked to encrypt with a new one",
      seen: ["6.12"],
    },
    { cause: "server.permission", told: "log-in: let in, and the share or its directory is refused" },
  ],
  16: [
    {
      cause: "mount.busy",
      told: "kernel log; the mount point is in use, or the same share is mounted there already",
      seen: ["6.12"],
    },
  ],
  22: [
    {
      cause: "mount.option-unknown",
      told: "options: one that this kernel does not have, or a value that it does not take",
      seen: ["6.12"],
    },
    { cause: "mount.dialect-mismatch", told: "kernel: vers= is forbidden or not built in" },
    {
      cause: "network.port-blocked",
      told: "route: this machine's own table throws it away (blackhole)",
      seen: ["6.12"],
    },
  ],
  95: [
    { cause: "mount.dialect-mismatch", told: "negotiate: STATUS_NOT_SUPPORTED for what vers= offers", seen: ["6.12"] },
    {
      cause: "mount.signing-mismatch",
      told: "security: the server requires signing, SecurityFlags forbid it",
      seen: ["6.12"],
    },
    {
      cause: "mount.encryption-mismatch",
      told: "security: seal, and the server or the dialect has no encryption",
      seen: ["6.12"],
    },
  ],
  101: [{ cause: "network.port-blocked", told: "route: there is none", seen: ["6.12"] }],
  104: [
    { cause: "server.restarted", told: "port: open again; kernel log: the connection was reset" },
    { cause: "network.port-blocked", told: "port: reset while it is being made" },
    { cause: "mount.dialect-mismatch", told: "negotiate: the server ends the connection, and speaks SMB 1" },
  ],
  110: [
    { cause: "network.port-blocked", told: "port: nothing comes back" },
    { cause: "server.stalled", told: "port: open; negotiate: no answer" },
    { cause: "network.latency", told: "port: open, late" },
  ],
  111: [
    { cause: "server.down", told: "port: refused by the host itself", seen: ["6.12"] },
    { cause: "network.port-blocked", told: "port: refused by an ICMP message of a firewall" },
    {
      cause: "network.port-blocked",
      told: "port: 445 is silent, and port 139, which the client tries after it where there is no port=, refuses",
      seen: ["6.12"],
    },
  ],
  112: [
    { cause: "server.stalled", told: "negotiate: no answer", seen: ["6.12"] },
    { cause: "mount.dialect-mismatch", told: "negotiate: no dialect in common, SMB 1 alone", seen: ["6.12"] },
    { cause: "server.restarted", told: "negotiate: the connection is reset at the first message", seen: ["6.12"] },
    { cause: "server.down", told: "port: refused now; the server went away" },
  ],
  113: [
    { cause: "network.port-blocked", told: "port: rejected on the way, or nobody has the address", seen: ["6.12"] },
    {
      cause: "network.name-resolution",
      told: "name: without mount.cifs nobody resolves it for the kernel",
      seen: ["6.12"],
    },
  ],
  115: [
    { cause: "network.port-blocked", told: "port: nothing comes back; the client gives up after 5 s", seen: ["6.12"] },
    { cause: "network.name-resolution", told: "port: the first of several addresses is dead" },
  ],
  116: [
    { cause: "server.share-gone", told: "log-in: the share is there now; kernel log: it was deleted or restarted" },
    { cause: "nfs.stale-handle", told: "NFS: the export was made anew" },
  ],
  121: [{ cause: "unknown", told: "log-in: STATUS_NO_MEMORY, the server has run out of memory", seen: ["6.12"] }],
  126: [
    {
      cause: "auth.ticket-expired",
      told: "ticket: it has ended, and cifs.upcall finds none that is good",
      seen: ["6.1", "7.2"],
    },
    { cause: "auth.clock-skew", told: "KDC's clock: more than 5 min apart", seen: ["6.1", "7.2"] },
    { cause: "auth.account-disabled", told: "kdc: the account is disabled, locked or expired", seen: ["6.1", "7.2"] },
    { cause: "server.down", told: "kdc: nothing listens on port 88", seen: ["6.1", "7.2"] },
    { cause: "network.port-blocked", told: "kdc: nothing comes back from port 88", seen: ["6.1", "7.2"] },
    { cause: "auth.no-ticket", told: "tickets, ticket: this user has none", seen: ["6.1", "7.2"] },
    {
      cause: "auth.upcall-missing",
      told: "programs: no request-key; request-key, upcall: no rule, no cifs.upcall",
      seen: ["6.1", "7.2"],
    },
    {
      cause: "unknown",
      told: "log-in offered: the server offers no Kerberos; a ticket is asked for all the same",
      seen: ["6.12"],
    },
    { cause: "auth.upcall-denied", told: "upcalls: SELinux or AppArmor refused it" },
    { cause: "auth.wrong-spn", told: "service: the KDC has no cifs/HOST", seen: ["6.1", "7.2"] },
  ],
  127: [
    { cause: "auth.ticket-expired", told: "ticket: it has expired" },
    { cause: "auth.bad-credentials", told: "log-in: STATUS_PASSWORD_EXPIRED", seen: ["6.12"] },
    { cause: "auth.account-disabled", told: "log-in: STATUS_ACCOUNT_EXPIRED" },
  ],
  128: [
    { cause: "auth.account-disabled", told: "log-in: STATUS_ACCOUNT_DISABLED", seen: ["6.12"] },
    { cause: "auth.ticket-expired", told: "keys: the key was revoked" },
  ],
};
