import type { CaptureReport, CommandReport, ConnectionReport, FlowReport, TotalReport } from "../packets/report.ts";
import { left, printable, right } from "../tools/table-text.ts";
import { size } from "./bundle-text.ts";
import { rpcLines } from "./packets-rpc-text.ts";
import { smbLines } from "./packets-smb-text.ts";

// Everything of a capture may come from another machine: each text goes through printable().

/** What the file holds. */
export function captureLines(capture: CaptureReport): string[] {
  const { file, format, packets, bytes, from, to, link_types: links } = capture;
  const when = from === undefined || to === undefined ? [] : [`  ${from} to ${to} (${seconds(from, to)})`];
  const notes: readonly (readonly [count: number, text: string])[] = [
    [capture.other_packets, "packets of other ports or protocols, left out"],
    [capture.cut_packets, "packets cut by the snapshot length: what is behind it is unknown"],
    [capture.malformed_packets, "malformed packets, left out"],
    [capture.dropped_packets, "packets that the capturing program lost"],
    [capture.backwards, "packets with a time before that of the packet before: latencies may be wrong"],
    [capture.forgotten_connections, "connections beyond what is remembered, left out"],
  ];
  const kind = links.length === 0 ? "" : `, ${links.join(", ")}`;
  return [
    printable(`${file}: ${format}, ${plural(packets, "packet")}, ${size(bytes)}${kind}`),
    ...when,
    ...notes.filter(([count]) => count > 0).map(([count, text]) => `  ${count} ${text}`),
    ...(capture.connections === 0
      ? ["  no TCP connection of SMB or NFS: --smb-port, --nfs-port name further ports"]
      : []),
  ];
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

function seconds(from: string, to: string): string {
  return `${((Date.parse(to) - Date.parse(from)) / 1000).toFixed(3)} s`;
}

const MAX_ROWS = 50;

export function connectionTable(connections: readonly ConnectionReport[]): string[] {
  if (connections.length === 0) return [];
  const address = (of: { readonly address: string; readonly port: number }): string =>
    of.address.includes(":") ? `[${of.address}]:${of.port}` : `${of.address}:${of.port}`;
  const width = (side: "client" | "server"): number =>
    Math.max(6, ...connections.slice(0, MAX_ROWS).map((connection) => address(connection[side]).length));
  const [clients, servers] = [width("client"), width("server")];
  const rows = connections.slice(0, MAX_ROWS).map((connection) => {
    const { number, client, server, to_server: up, to_client: down, handshake_rtt_us: rtt } = connection;
    const cells = [
      right(number, 3),
      left(address(client), clients),
      left(address(server), servers),
      left(protocolOf(connection), 9),
      right(size(up.bytes), 10),
      right(size(down.bytes), 10),
      right(rtt === undefined ? "-" : milliseconds(rtt), 8),
      right(up.retransmissions + down.retransmissions, 7),
      endOf(connection),
    ];
    return `${cells[0]} ${cells.slice(1).join("  ")}`;
  });
  const more = connections.length - rows.length;
  return [
    "",
    `${right("#", 3)} ${left("CLIENT", clients)}  ${left("SERVER", servers)}  ${left("PROTOCOL", 9)}  ${right("TO SERVER", 10)}  ${right("TO CLIENT", 10)}  ${right("RTT ms", 8)}  RETRANS  END`,
    ...rows,
    ...(more > 0 ? [`    and ${more} more: --json has them all`] : []),
  ];
}

function protocolOf({ smb, rpc }: ConnectionReport): string {
  if (smb !== undefined)
    return smb.messages === 0 ? "SMB?" : smb.choice === undefined ? "SMB" : `SMB ${smb.choice.dialect}`;
  if (rpc?.tls === true) return "RPC, TLS";
  const [most] = Object.entries(rpc?.programs ?? {}).sort(([, one], [, two]) => two - one);
  return most?.[0] ?? "RPC?";
}

function endOf({
  closed_by: closed,
  reset_by: reset,
  established,
  syn_retransmissions: again,
}: ConnectionReport): string {
  const tries = again > 0 ? `, SYN sent ${again} times again` : "";
  if (reset !== undefined && !established) return `refused${tries}`;
  if (!established) return `not established${tries}`;
  const how = [
    ...(closed === undefined ? [] : [`closed by ${closed}`]),
    ...(reset === undefined ? [] : [`reset by ${reset}`]),
  ];
  return `${how.length === 0 ? "open" : how.join(", ")}${tries}`;
}

/** Details of one connection. */
export function connectionLines(connection: ConnectionReport): string[] {
  const { number, client, server, smb, rpc, to_server: up, to_client: down } = connection;
  const doubts = [
    ...(connection.begun ? [] : ["the capture does not have its beginning"]),
    ...flowNotes("to the server", up),
    ...flowNotes("to the client", down),
    ...(connection.malformed_messages > 0 ? [plural(connection.malformed_messages, "malformed message")] : []),
    ...(connection.lost_places > 0
      ? [`lost ${plural(connection.lost_places, "time")} where the next message begins`]
      : []),
  ];
  return [
    "",
    `${number}: ${client.address} port ${client.port} to ${server.address} port ${server.port}`,
    ...doubts.map((text) => `  ${left("TCP", 11)} ${text}`),
    ...(smb === undefined ? [] : smbLines(smb)),
    ...(rpc === undefined ? [] : rpcLines(rpc)),
    ...commandTable(smb?.commands ?? rpc?.commands ?? []),
  ];
}

function flowNotes(direction: string, flow: FlowReport): string[] {
  const notes: readonly (readonly [count: number, text: string])[] = [
    [flow.retransmissions, `retransmissions (${size(flow.retransmitted_bytes)})`],
    [flow.out_of_order, "segments out of order"],
    [flow.duplicates, "packets captured twice, left out"],
    [flow.zero_windows, "packets that say there is no room (zero window)"],
    [flow.keep_alives, "keep-alives"],
    [flow.gaps, `gaps (${size(flow.missing_bytes)}): the capture has not all packets`],
  ];
  return notes.filter(([count]) => count > 0).map(([count, text]) => `${direction}: ${count} ${text}`);
}

export function totalLines({ commands }: TotalReport): string[] {
  return commands.length === 0 ? [] : ["", "All connections", ...commandTable(commands)];
}

function commandTable(commands: readonly CommandReport[]): string[] {
  if (commands.length === 0) return [];
  const width = Math.max(22, ...commands.map(({ name }) => name.length));
  const head = ["REQUESTS", "ANSWERED", "ERRORS", "MEAN ms", "P50 ms", "P99 ms", "MAX ms"];
  return [
    `  ${left("COMMAND", width)} ${head.map((text) => right(text, 9)).join(" ")}`,
    ...commands.map(({ name, requests, answered, errors, latency_us: latency }) => {
      const times =
        latency === undefined
          ? ["-", "-", "-", "-"]
          : [latency.mean, latency.p50, latency.p99, latency.max].map(milliseconds);
      return `  ${left(name, width)} ${[requests, answered, errors, ...times].map((cell) => right(cell, 9)).join(" ")}`;
    }),
  ];
}

export const milliseconds = (us: number): string => (us / 1000).toFixed(us < 10_000 ? 3 : 1);
