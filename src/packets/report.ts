import type { Analysed, Analysis } from "./analysis.ts";
import type { CaptureFile } from "./capture-file.ts";
import type { CommandCount, Counts, StatusCount } from "./exchanges.ts";
import { type RpcReport, rpcReport } from "./nfs/rpc-report.ts";
import { type SmbReport, smbReport } from "./smb/smb-report.ts";
import type { TcpFlow } from "./tcp-flow.ts";
import type { Totals } from "./totals.ts";

/** The first line of `aod packets --json`. */
export interface CaptureReport {
  readonly type: "capture";
  readonly file: string;
  readonly format: "pcap" | "pcapng";
  readonly packets: number;
  /** On the wire. */
  readonly bytes: number;
  readonly from?: string;
  readonly to?: string;
  readonly link_types: readonly string[];
  readonly connections: number;
  readonly other_packets: number;
  readonly cut_packets: number;
  readonly malformed_packets: number;
  readonly dropped_packets: number;
  readonly backwards: number;
  readonly forgotten_connections: number;
  readonly cut_off?: string;
}

export interface FlowReport {
  readonly packets: number;
  readonly bytes: number;
  readonly retransmissions: number;
  readonly retransmitted_bytes: number;
  readonly out_of_order: number;
  readonly duplicates: number;
  readonly keep_alives: number;
  readonly zero_windows: number;
  readonly gaps: number;
  readonly missing_bytes: number;
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface ConnectionReport {
  readonly type: "connection";
  readonly number: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly from: string;
  readonly to: string;
  /** Whether the capture has the beginning. */
  readonly begun: boolean;
  readonly established: boolean;
  readonly handshake_rtt_us?: number;
  readonly syn_retransmissions: number;
  readonly closed_by?: "client" | "server";
  readonly reset_by?: "client" | "server";
  readonly to_server: FlowReport;
  readonly to_client: FlowReport;
  /** Messages that were none, and times that the next one had to be searched for. */
  readonly malformed_messages: number;
  readonly lost_places: number;
  readonly smb?: SmbReport;
  readonly rpc?: RpcReport;
}

/** One command of SMB, or one procedure of RPC. Latency: from a request's last byte to its answer's last byte. */
export interface CommandReport {
  readonly name: string;
  readonly requests: number;
  readonly answered: number;
  readonly errors: number;
  readonly latency_us?: { readonly mean: number; readonly p50: number; readonly p99: number; readonly max: number };
}

/** The last line of `aod packets --json`: all connections together. */
export interface TotalReport {
  readonly type: "total";
  readonly commands: readonly CommandReport[];
  readonly statuses: readonly Readonly<StatusCount>[];
}

const linkTypes: Readonly<Record<number, string>> = {
  1: "Ethernet",
  12: "raw IP",
  101: "raw IP",
  113: "Linux cooked",
  276: "Linux cooked 2",
};

export function captureReport(file: CaptureFile, analysis: Analysis, connections: number): CaptureReport {
  const { firstUs, lastUs } = analysis;
  return {
    type: "capture",
    file: file.path,
    format: file.format,
    packets: analysis.packets,
    bytes: analysis.bytes,
    ...(firstUs === undefined ? {} : { from: timeText(firstUs) }),
    ...(lastUs === undefined ? {} : { to: timeText(lastUs) }),
    link_types: [...new Set([...analysis.linkTypes.keys()].map((type) => linkTypes[type] ?? `link type ${type}`))],
    connections,
    other_packets: analysis.other,
    cut_packets: analysis.cut,
    malformed_packets: analysis.malformed + file.malformed,
    dropped_packets: file.dropped,
    backwards: analysis.backwards,
    forgotten_connections: analysis.forgotten,
    ...(file.cut === undefined ? {} : { cut_off: file.cut }),
  };
}

export function connectionReport({ connection, conversation }: Analysed, number: number): ConnectionReport {
  const { rttUs, closedBy, resetBy, framers } = connection;
  const sum = (value: (framer: (typeof framers)[number]) => number): number =>
    framers.reduce((total, framer) => total + value(framer), 0);
  return {
    type: "connection",
    number,
    client: connection.client,
    server: connection.server,
    from: timeText(connection.firstUs),
    to: timeText(connection.lastUs),
    begun: connection.begun,
    established: connection.established,
    ...(rttUs === undefined ? {} : { handshake_rtt_us: round(rttUs) }),
    syn_retransmissions: connection.synRetransmissions,
    ...(closedBy === undefined ? {} : { closed_by: closedBy }),
    ...(resetBy === undefined ? {} : { reset_by: resetBy }),
    to_server: flowReport(connection.toServer),
    to_client: flowReport(connection.toClient),
    malformed_messages: sum(({ bad }) => bad),
    lost_places: sum(({ lost }) => lost),
    ...(conversation.protocol === "smb"
      ? { smb: smbReport(conversation.smb, connection.lastUs) }
      : { rpc: rpcReport(conversation.rpc, connection.lastUs) }),
  };
}

function flowReport(flow: TcpFlow): FlowReport {
  return {
    packets: flow.packets,
    bytes: flow.bytes,
    retransmissions: flow.retransmissions,
    retransmitted_bytes: flow.retransmittedBytes,
    out_of_order: flow.outOfOrder,
    duplicates: flow.duplicates,
    keep_alives: flow.keepAlives,
    zero_windows: flow.zeroWindows,
    gaps: flow.gaps,
    missing_bytes: flow.missingBytes,
  };
}

export function totalReport({ commands, statuses }: Totals): TotalReport {
  return { type: "total", commands: commandReports(commands), statuses: statuses.list() };
}

/** The most frequent first. */
export function commandReports(commands: Counts<CommandCount>): CommandReport[] {
  return [...commands.entries()]
    .sort(([, left], [, right]) => right.requests - left.requests || right.responses - left.responses)
    .map(([name, { requests, responses, errors, latency }]) => ({
      name,
      requests,
      answered: responses,
      errors,
      ...(latency.count === 0
        ? {}
        : {
            latency_us: {
              mean: round(latency.meanUs),
              p50: round(latency.percentileUs(0.5)),
              p99: round(latency.percentileUs(0.99)),
              max: round(latency.maxUs),
            },
          }),
    }));
}

export const round = (us: number): number => Math.round(us * 10) / 10;

/** `2026-11-22T13:05:11.123456Z`. A capture may say any time at all. */
export function timeText(us: number): string {
  const whole = Math.max(-8.64e15 * 1000, Math.min(8.64e15 * 1000, Math.round(us)));
  const seconds = Math.floor(whole / 1e6);
  const text = new Date(seconds * 1000).toISOString().slice(0, -5);
  return `${text}.${String(whole - seconds * 1e6).padStart(6, "0")}Z`;
}
