// What sources tell detectors. Times are CLOCK_MONOTONIC in ns, durations say their unit; an absent fact is absent.
import type { InFlight, SmbOp } from "../probe/op.ts";
import type { RpcOp } from "../probe/rpc-op.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import type { DebugData } from "../smb/debug-data.ts";
import type { KernelMessage } from "../system/kernel-message.ts";

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

/** Requests of one (target, command) that ended within a tick of the smb_wire probe. */
export interface SmbWindow {
  readonly connectionId: bigint;
  readonly sessionId: bigint;
  readonly treeId: number;
  readonly commandCode: number;
  readonly count: number;
  readonly errors: number;
  /** Bucket index -> count, of the whole latency; bucketBounds() in probe/histogram.ts. */
  readonly latency: ReadonlyMap<number, number>;
}

/** The same of RPCs of the nfs_rpc probe. */
export interface RpcWindow {
  readonly target: ObservedTarget;
  readonly clientId?: number;
  readonly version?: number;
  readonly procedure: string;
  readonly count: number;
  readonly errors: number;
  readonly attempts: number;
  readonly transmissions: number;
  readonly latency: ReadonlyMap<number, number>;
}

/** /proc/fs/cifs/Stats against the time before. Counters that went back (a reset, a module loaded anew) make a new beginning: no delta. */
export interface SmbStatsDelta {
  readonly intervalNs: number;
  readonly sessionReconnects: number;
  readonly shareReconnects: number;
  readonly shares: readonly SmbShareDelta[];
  /** Empty where the kernel has no CIFS_STATS2. Of all connections together: the file does not name them. */
  readonly commands: readonly SmbCommandDelta[];
}

export interface SmbShareDelta {
  readonly target: ObservedTarget;
  readonly disconnected: boolean;
  readonly requests: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** By the file's own names: `Creates`, `Reads`, `QueryInfos`, ... Those that did not change are left out. */
  readonly counts: ReadonlyMap<string, { readonly total: number; readonly failed: number }>;
}

export interface SmbCommandDelta {
  /** Index of the connection in the file: the newest is 0. The same connection from one delta to the next only while none came or went. */
  readonly connection: number;
  readonly commandCode: number;
  readonly count: number;
  /** From creation to release, of all of them; the kernel counts in jiffies. */
  readonly totalMs: number;
  /** Slow responses, as the kernel counts them (slow_rsp_threshold). */
  readonly slow: number;
}

/** Open handles: of a share as Stats counts them, or of a tree as open_files lists them. */
export interface OpenFilesSample {
  /** Of a share. */
  readonly target?: ObservedTarget;
  /** Of a tree; the session is absent on 5.10. */
  readonly sessionId?: bigint;
  readonly treeId?: number;
  readonly count: number;
  /** Of a tree: the processes with most of them, most first. */
  readonly processes: readonly { readonly pid: number; readonly count: number }[];
}

/** One NFS mount of mountstats against the time before. */
export interface NfsMountDelta {
  readonly target: ObservedTarget;
  readonly mountPoint: string;
  readonly intervalNs: number;
  /** Those with a change. */
  readonly operations: readonly NfsOperationDelta[];
  readonly transports: readonly NfsTransportDelta[];
  /** NFSv4, as the kernel says it. */
  readonly leaseExpired?: boolean;
}

export interface NfsOperationDelta {
  readonly operation: string;
  readonly count: number;
  readonly transmissions: number;
  readonly majorTimeouts: number;
  /** Absent before 5.3. */
  readonly errors?: number;
  /** Sums over `count` operations. */
  readonly queueMs: number;
  readonly roundTripMs: number;
  readonly executeMs: number;
  /** Sent and received. */
  readonly bytes?: number;
}

export interface NfsTransportDelta {
  readonly kind: string;
  readonly connects: number;
  readonly sends: number;
  readonly receives: number;
  readonly badXids: number;
  /** Sent and not answered now. What was lost with a connection stays in it: a number that does not go down tells of a stall, not its size. */
  readonly pending: number;
}

/** One TCP connection to a server, with what changed since the sample before of the same connection. */
export interface SocketSample {
  readonly target: ObservedTarget;
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  /** `ESTABLISHED`, `SYN_SENT`, ... */
  readonly state: string;
  /** Bytes written and not acknowledged; bytes received and not read. */
  readonly sendQueue: number;
  readonly receiveQueue: number;
  readonly rttMs?: number;
  readonly rttVarianceMs?: number;
  readonly minRttMs?: number;
  readonly rtoMs?: number;
  /** Doublings of the retransmission timeout, now. */
  readonly backoff?: number;
  /** Segments on the way; segments written and not yet sent in bytes. */
  readonly unacked?: number;
  readonly notSentBytes?: number;
  readonly lastSendMs?: number;
  readonly lastReceiveMs?: number;
  readonly lastAckMs?: number;
  /** The peer's window is closed: the kernel probes it. */
  readonly zeroWindow: boolean;
  /** Absent in the first sample of a connection, and where nothing tells it. */
  readonly delta?: {
    readonly intervalNs: number;
    readonly segmentsOut?: number;
    readonly segmentsIn?: number;
    readonly retransmits: number;
    readonly bytesAcked?: number;
    readonly bytesReceived?: number;
    /** Of the interval: the sender could not send for the peer's window, for its own send buffer. */
    readonly windowLimitedMs?: number;
    readonly bufferLimitedMs?: number;
  };
}

/** A connection of the sample before that is gone. */
export interface SocketGone {
  readonly target: ObservedTarget;
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  /** Its state when it was seen last. */
  readonly state: string;
  /** Another one to the same server stands now. */
  readonly replaced: boolean;
}

/** Machine-wide counters of TCP (/proc/net/snmp, netstat), since the sample before. They are of every connection, not of the servers' alone. */
export interface TcpCounters {
  readonly intervalNs: number;
  readonly segmentsOut: number;
  readonly retransmits: number;
  /** Connections that were reset while they stood (EstabResets), by the peer in the main. */
  readonly resetsReceived: number;
  readonly resetsSent: number;
  readonly connectFailures: number;
}

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

/** How busy the machine is. Shares are of the interval, 0 to 1. */
export interface PressureSample {
  readonly intervalNs: number;
  /** Of one CPU: busy, waiting for a disk. */
  readonly cpuBusy?: number;
  readonly cpuIoWait?: number;
  readonly tasksBlocked?: number;
  readonly memoryAvailableBytes?: number;
  readonly memoryTotalBytes?: number;
  readonly dirtyBytes?: number;
  readonly writebackBytes?: number;
  /** Share of the interval in which some, in which all tasks waited; absent where the kernel does not count pressure. */
  readonly cpuSome?: number;
  readonly memorySome?: number;
  readonly memoryFull?: number;
  readonly ioSome?: number;
  readonly ioFull?: number;
}

/** A task in uninterruptible sleep within the clients. */
export interface StuckTask {
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly uid?: number;
  /** The first sample that saw it sleep there without a break; it may sleep for longer. */
  readonly sinceNs: number;
  readonly wchan?: string;
  /** Whose function it is in. */
  readonly layer: "cifs" | "nfs" | "sunrpc";
  /** Kernel functions, innermost first; absent where the stack may not be read. */
  readonly stack?: readonly string[];
  /** Where one mount alone can be meant. */
  readonly target?: ObservedTarget;
}

export interface MountedFileSystem {
  readonly target: ObservedTarget;
  readonly mountPoint: string;
  /** st_dev: `0:45` */
  readonly device: string;
  /** `cifs`, `smb3`, `nfs`, `nfs4` */
  readonly type: string;
  /** `3.1.1`, `4.2` */
  readonly version?: string;
  /** NFS and SMB: a hard mount waits for ever. */
  readonly hard?: boolean;
}

/** How a source does. `off`: not here, or not wanted, with the reason; it tells nothing. `degraded`: it tells less than it could. */
export type SourceState = "ok" | "degraded" | "off" | "failed";

/** All with the CLOCK_MONOTONIC moment (ns) up to which they tell. */
export type Observation =
  /** Completed operations over a threshold, or with an error, that some detector asked for; a detector checks them against its own. */
  | { readonly type: "ops"; readonly nowNs: number; readonly ops: readonly SmbOp[] }
  /** What hangs: requests and tasks at least as old as asked. Repeated, about once a second, while it does. */
  | { readonly type: "inflight"; readonly nowNs: number; readonly inflight: Pick<InFlight, "ops" | "waiters"> }
  /** What ended within a tick. */
  | {
      readonly type: "smb-window";
      readonly nowNs: number;
      readonly windows: readonly SmbWindow[];
      readonly reconnects: number;
    }
  | { readonly type: "rpc-ops"; readonly nowNs: number; readonly ops: readonly RpcOp[] }
  | { readonly type: "rpc-inflight"; readonly nowNs: number; readonly ops: readonly RpcOp[] }
  | { readonly type: "rpc-window"; readonly nowNs: number; readonly windows: readonly RpcWindow[] }
  /** Calls of VFS callbacks that failed. */
  | { readonly type: "vfs-ops"; readonly nowNs: number; readonly ops: readonly VfsOp[] }
  | { readonly type: "kernel-messages"; readonly nowNs: number; readonly messages: readonly KernelMessage[] }
  /** DebugData, at every tick while there is a mount: also when nothing changed. */
  | { readonly type: "smb-state"; readonly nowNs: number; readonly data: DebugData }
  | { readonly type: "smb-stats"; readonly nowNs: number; readonly delta: SmbStatsDelta }
  | { readonly type: "open-files"; readonly nowNs: number; readonly trees: readonly OpenFilesSample[] }
  | { readonly type: "mountstats"; readonly nowNs: number; readonly mounts: readonly NfsMountDelta[] }
  | {
      readonly type: "sockets";
      readonly nowNs: number;
      readonly sockets: readonly SocketSample[];
      readonly gone: readonly SocketGone[];
      readonly tcp?: TcpCounters;
    }
  | { readonly type: "journal"; readonly nowNs: number; readonly lines: readonly JournalLine[] }
  | {
      readonly type: "tickets";
      readonly nowNs: number;
      readonly tickets: readonly TicketSample[];
      readonly keys: readonly KeySample[];
    }
  | { readonly type: "pressure"; readonly nowNs: number; readonly sample: PressureSample }
  /** All that are stuck now; an empty list when none is any more. */
  | { readonly type: "stuck-tasks"; readonly nowNs: number; readonly tasks: readonly StuckTask[] }
  | {
      readonly type: "mounts";
      readonly nowNs: number;
      /** All that are mounted now; what has come and what has gone since the time before. */
      readonly all: readonly MountedFileSystem[];
      readonly mounted: readonly MountedFileSystem[];
      readonly unmounted: readonly MountedFileSystem[];
    }
  /** A source or a probe has come to this state. Told once per change. */
  | {
      readonly type: "source";
      readonly nowNs: number;
      readonly source: string;
      readonly state: SourceState;
      readonly why?: string;
    };

export type ObservationType = Observation["type"];
export type ObservationOf<T extends ObservationType> = Extract<Observation, { readonly type: T }>;
