// What mount.nfs(8) prints for an errno (utils/mount/error.c of nfs-utils), and what it may be: which it is, the steps tell. docs/doctor.md shows the table.
import type { CauseId } from "../../causes.ts";

export interface NfsMountError {
  /** 0: mount.nfs ended before it asked the kernel. */
  readonly errno: number;
  readonly says: RegExp;
  readonly causes: readonly { readonly cause: CauseId; readonly told: string }[];
}

/** The first that fits. */
export const nfsMountErrors: readonly NfsMountError[] = [
  {
    errno: 0,
    says: /Failed to resolve server/,
    causes: [{ cause: "network.name-resolution", told: "name: it leads nowhere" }],
  },
  {
    errno: 0,
    says: /rpc\.statd is not running/,
    causes: [{ cause: "unknown", told: "this machine: nothing starts rpc.statd; nolock, or vers=4.2" }],
  },
  {
    errno: 1,
    says: /Operation not permitted/,
    causes: [
      { cause: "mount.export-denied", told: "exports, path: refused; the export wants a reserved port" },
      { cause: "nfs.gss-failure", told: "path: NFS4ERR_WRONGSEC, the export takes another sec=" },
    ],
  },
  {
    errno: 2,
    says: /No such file or directory/,
    causes: [
      {
        cause: "mount.share-not-found",
        told: "exports: MNT3ERR_NOENT; path: NFS4ERR_NOENT, and no export of that path",
      },
      { cause: "mount.export-denied", told: "path: NFS4ERR_NOENT, while exports lists the path for others" },
    ],
  },
  {
    errno: 5,
    says: /Input\/output error|mount system call failed/,
    causes: [
      { cause: "nfs.gss-failure", told: "rpc.gssd, upcalls: no Kerberos context" },
      { cause: "nfs.server-not-responding", told: "versions: no answer, and the mount is soft" },
    ],
  },
  {
    errno: 13,
    says: /access denied by server|Permission denied/,
    causes: [
      { cause: "mount.export-denied", told: "exports: MNT3ERR_ACCES; path: NFS4ERR_ACCESS" },
      { cause: "mount.share-not-found", told: "exports: MNT3ERR_ACCES, and the path is in no export" },
      { cause: "nfs.gss-failure", told: "rpc.gssd: not running, no keytab; path: the flavours that the export takes" },
      { cause: "auth.wrong-spn", told: "service: the KDC has no nfs/HOST" },
      { cause: "server.down", told: "kdc: no KDC answers" },
    ],
  },
  { errno: 16, says: /busy or already mounted/, causes: [{ cause: "mount.busy", told: "the mount point is in use" }] },
  {
    errno: 19,
    says: /No such device|unknown filesystem type/,
    causes: [{ cause: "unknown", told: "this machine: the kernel has no module nfs" }],
  },
  {
    errno: 20,
    says: /[Nn]ot a directory/,
    causes: [{ cause: "mount.share-not-found", told: "exports, path: it is a file; or the mount point is none" }],
  },
  {
    errno: 22,
    says: /incorrect mount option|Invalid argument/,
    causes: [
      { cause: "mount.option-unknown", told: "options: a name or a value that mount.nfs or this kernel does not know" },
      { cause: "nfs.gss-failure", told: "rpc.gssd: not running; path: sec= that the server does not offer" },
    ],
  },
  {
    errno: 93,
    says: /Protocol not supported|NFS version or transport protocol is not supported/,
    causes: [
      { cause: "mount.version-mismatch", told: "versions: the server does not speak it; rpcbind: not registered" },
    ],
  },
  {
    errno: 101,
    says: /Network is unreachable/,
    causes: [{ cause: "network.port-blocked", told: "route: there is none" }],
  },
  {
    errno: 104,
    says: /Connection reset/,
    causes: [{ cause: "server.restarted", told: "port: open again" }],
  },
  {
    errno: 110,
    says: /[Cc]onnection timed out|timed out/,
    causes: [
      { cause: "network.port-blocked", told: "port, rpcbind: nothing comes back" },
      { cause: "nfs.server-not-responding", told: "port: open; versions: no answer to NULL" },
    ],
  },
  {
    errno: 111,
    says: /Connection refused/,
    causes: [
      { cause: "server.down", told: "port: refused; with NFSv3 also rpcbind: refused" },
      { cause: "network.port-blocked", told: "port: refused by an ICMP message of a firewall" },
    ],
  },
  {
    errno: 112,
    says: /Host is down/,
    causes: [{ cause: "server.down", told: "port: the host does not answer" }],
  },
  {
    errno: 113,
    says: /No route to host/,
    causes: [{ cause: "network.port-blocked", told: "port: rejected on the way, or nobody has the address" }],
  },
  {
    errno: 116,
    says: /Stale/,
    causes: [{ cause: "nfs.stale-handle", told: "exports: given, and FSINFO NFS3ERR_STALE: the export was made anew" }],
  },
  {
    errno: 121,
    says: /Remote I\/O error/,
    causes: [{ cause: "unknown", told: "the server's own log: it failed to look into the export" }],
  },
  {
    errno: 126,
    says: /Required key not available/,
    causes: [{ cause: "nfs.gss-failure", told: "rpc.gssd, ticket: no ticket" }],
  },
];

export const nfsMountError = (text: string): NfsMountError | undefined =>
  nfsMountErrors.find(({ says }) => says.test(text));
