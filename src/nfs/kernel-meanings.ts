// What the kernel messages of the NFS client, the RPC layer and lockd mean, for people: by id of kernel-messages.ts.

export const nfsMeanings: Readonly<Record<string, string>> = {
  "nfs.not-responding":
    "The server does not answer. A hard mount waits for it as long as it takes; programs hang meanwhile.",
  "nfs.timed-out":
    "The server did not answer in time, and the mount is soft: the program gets an error, and data that was to be written may be lost.",
  "nfs.ok": "The server answers again.",
  "nfs.auth-too-weak": "The server wants another security flavour than the mount has: see sec=.",
  "nfs.rpc-error": "An RPC failed for a reason of the network.",
  "nfs.transport-limit": "nconnect or trunking asks for more connections than the client allows.",
  "nfs.trunking-failed": "A further address of the server could not be used: there are fewer connections.",
  "nfs.connect-error": "No connection to the server.",
  "nfs.state-manager-failed":
    "The client could not recover its state with the server (leases, opens, locks): operations fail or wait.",
  "nfs.state-lost": "An open file could not be recovered after the server's restart: the program gets an error.",
  "nfs.locks-lost": "Locks were lost: another client may hold them now.",
  "nfs.client-id-in-use":
    "Another client has the same name, as cloned machines have: give each its own nfs4_unique_id or host name.",
  "nfs.migration-failed": "The file system moved to another server, and the client could not follow.",
  "nfs.bad-sequence-id": "Client and server disagree about the order of requests: the state is made anew.",
  "nfs.id-mapper": "The server wants names of users and groups, not numbers: idmapping is switched on.",
  "nfs.server-bug": "The server does not follow the protocol.",
  "nfs.fileid-changed":
    "A file has another number than before: the server gave two files one handle, or was restored from a copy.",
  "nfs.volatile-handles": "The server's handles may change at any time, which this client cannot do.",
  "nfs.trunking": "A further address of the server is used.",
  "nfs.callback-overflow": "The server called back more often at once than was agreed on.",
  "nfs.callback-credentials": "A call from the server had wrong credentials: delegations may be lost.",
  "nfs.pnfs": "A data server of pNFS cannot be used: the client goes through the metadata server, or fails.",
  "nfs.no-pipefs": "rpc_pipefs is not mounted: rpc.gssd and the id mapper cannot be asked.",
  "nfs.lock-not-reclaimed":
    "After the server's restart a lock could not be had again: its program has lost it, and is told by a signal.",
  "nfs.unlock-status": "The server refused to unlock.",
  "nfs.root-attributes": "The attributes of the mount's root could not be read.",
  "nfs.cache-collision": "Two mounts want the same local cache: give one fsc= a name.",
  "nfs.upcall-denied":
    "SELinux or AppArmor kept rpc.gssd or nfsidmap from its work: log-ins by Kerberos, or names of users, fail.",
  "nfs.other": "No meaning is known here.",
};
