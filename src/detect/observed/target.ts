export type Protocol = "smb" | "nfs";

/** What something observed is about, as far as its source can tell. */
export interface ObservedTarget {
  readonly protocol: Protocol;
  /** As it was mounted by, or its address where that is all that is known. */
  readonly server?: string;
  readonly address?: string;
  /** SMB: `\\server\share`, as DebugData and Stats write it. */
  readonly share?: string;
  /** NFS: the path that the server exports. */
  readonly export?: string;
  /** SMB, where the kernel numbers its connections. */
  readonly connectionId?: bigint;
}
