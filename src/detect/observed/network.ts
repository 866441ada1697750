import type { ObservedTarget } from "./target.ts";

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
