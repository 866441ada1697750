import { isIP } from "node:net";
import type { Argv } from "./process.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** One row of /proc/net/tcp or tcp6 (net/ipv4/tcp_ipv4.c, get_tcp4_sock). */
export interface TcpRow {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly state: string;
  /** Bytes written and not acknowledged; bytes received and not read. */
  readonly tx_queue: number;
  readonly rx_queue: number;
  /** 0 none, 1 retransmission, 2 keep-alive or delayed ack, 3 time-wait, 4 zero window probe */
  readonly timer: number;
  readonly retransmits: number;
  readonly uid: number;
  /** 0 for the kernel's own sockets, as those of an SMB or NFS client are. */
  readonly inode: number;
}

// include/net/tcp_states.h
const states =
  "ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING NEW_SYN_RECV".split(
    " ",
  );

/**
 * ss(8) with TCP's internals, memory and timers of the sockets to some servers. Without servers: of everything to the ports of SMB and
 * NFS. What is no address (it may come from a mount option) never gets into the arguments.
 */
export function ssArgv(servers: readonly Endpoint[]): Argv {
  const terms = servers.flatMap(({ address, port }) => {
    const bare = plainAddress(address);
    const family = isIP(bare);
    if (family === 0 || !Number.isInteger(port)) return [];
    return [["dst", family === 6 ? `[${bare}]:${port}` : `${bare}:${port}`]];
  });
  if (terms.length === 0) terms.push(["dport", "=", ":445"], ["dport", "=", ":2049"]);
  return ["ss", "-tinmoH", ...terms.flatMap((term, index) => (index === 0 ? term : ["or", ...term]))];
}

/** Rows of /proc/net/tcp{,6} to these servers, or to ports 445 and 2049 when there are none; all of them where no servers are given. */
export function tcpRowsTo(text: string, servers: readonly Endpoint[] | undefined): TcpRow[] {
  const wanted = new Set((servers ?? []).map(({ address, port }) => `${comparable(address)} ${port}`));
  const isWanted = ({ address, port }: Endpoint): boolean =>
    servers === undefined ||
    (wanted.size === 0 ? port === 445 || port === 2049 : wanted.has(`${comparable(address)} ${port}`));
  return text.split("\n").flatMap((line) => {
    const row = parseRow(line);
    return row !== undefined && isWanted(row.remote) ? [row] : [];
  });
}

function parseRow(line: string): TcpRow | undefined {
  const [, local, remote, state, queues, timer, retransmits, uid, , inode] = line.trim().split(/\s+/);
  const from = parseEndpoint(local);
  const to = parseEndpoint(remote);
  if (!from || !to || state === undefined) return undefined;
  const [tx, rx] = (queues ?? "").split(":").map((hex) => Number.parseInt(hex, 16));
  return {
    local: from,
    remote: to,
    state: states[Number.parseInt(state, 16) - 1] ?? state,
    tx_queue: tx || 0,
    rx_queue: rx || 0,
    timer: Number.parseInt(timer ?? "", 16) || 0,
    retransmits: Number.parseInt(retransmits ?? "", 16) || 0,
    uid: Number(uid) || 0,
    inode: Number(inode) || 0,
  };
}

/** `0100007F:01BD`: each 32-bit word in the machine's order, which is little-endian on all that is supported. */
function parseEndpoint(text: string | undefined): Endpoint | undefined {
  const match = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/i.exec(text ?? "");
  const [, hex, port] = match ?? [];
  if (hex === undefined || port === undefined) return undefined;
  const bytes = Buffer.from(hex, "hex");
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  bytes.swap32();
  const address =
    bytes.length === 4
      ? bytes.join(".")
      : Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(":");
  return { address: comparable(address), port: Number.parseInt(port, 16) };
}

function plainAddress(address: string): string {
  return address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
}

/** One spelling per address: IPv6 compressed, IPv4 mapped into IPv6 as IPv4. */
export function comparable(address: string): string {
  const bare = plainAddress(address);
  if (isIP(bare) !== 6) return bare;
  const short = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  const [high, low] = [mapped?.[1], mapped?.[2]].map((word) => Number.parseInt(word ?? "", 16));
  if (high === undefined || low === undefined || Number.isNaN(high)) return short;
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
