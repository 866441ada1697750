// What smbiostat says of an interval. Counts are of the interval; whoever prints divides by its seconds.

export interface CommandReport {
  /** `SMB2_READ`; of NFS the client's name, `READ`. */
  readonly command: string;
  readonly count: number;
  /** Absent where it is not counted. */
  readonly errors?: number;
  readonly mean_ms?: number;
  /** Of SMB the slowest since the connection stands, or its counters were cleared: the kernel keeps no other. */
  readonly worst_ms?: number;
  readonly p50_ms?: number;
  readonly p99_ms?: number;
  /** Of NFS: until it was sent, and from there to the answer. */
  readonly queue_ms?: number;
  readonly rtt_ms?: number;
  readonly retransmissions?: number;
  /** What the times are of: the share alone, its whole connection (several shares, requests of the session), the mount. */
  readonly times_of?: "share" | "connection" | "mount";
}

export interface TargetReport {
  readonly protocol: "smb" | "nfs";
  /** `\\server\share`; of NFS `server:/export`. */
  readonly target: string;
  readonly mount?: string;
  readonly server?: string;
  readonly address?: string;
  /** `0x1`; absent where the kernel does not number connections. */
  readonly connection_id?: string;
  /** The counters have gone back: it was mounted again, or Stats was cleared. Nothing can be told of this interval. */
  readonly restarted?: true;
  /** It was not there at the reading before. */
  readonly new?: true;
  readonly requests: number;
  readonly reads: number;
  readonly writes: number;
  readonly bytes_read: number;
  readonly bytes_written: number;
  readonly errors?: number;
  /** Of SMB: how often the connection was made anew. Of NFS: how often a transport was connected. */
  readonly reconnects?: number;
  readonly retransmissions?: number;
  readonly credits?: number;
  readonly in_flight?: number;
  readonly read_ms?: number;
  readonly write_ms?: number;
  readonly disconnected?: true;
  readonly commands: readonly CommandReport[];
}

export interface Report {
  readonly wallMs: number;
  /** Absent: these are totals since the counters began, and nobody knows when that was. */
  readonly seconds?: number;
  /** `since`: since the counters of each target began. */
  readonly kind: "since" | "interval";
  readonly targets: readonly TargetReport[];
  /** What this kernel does not count, and what went back. */
  readonly notes: readonly string[];
}
