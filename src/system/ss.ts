// What `ss -tinmoH` prints: misc/ss.c of iproute2, inet_show_sock() and tcp_stats_print(). A line for each socket, then one with TCP's internals.
import type { Endpoint } from "./sockets.ts";

/** The kernel's own numbers: struct tcp_info. What a kernel or an older ss does not tell, or what is zero, is absent. */
export interface SsSocket {
  /** `ESTAB`, `SYN-SENT`, ... */
  readonly state: string;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** `on` retransmission, `keepalive`, `timewait`, `persist` zero window probe; and how often it has fired. */
  readonly timer?: { readonly name: string; readonly count: number };
  readonly rttMs?: number;
  readonly rttVarianceMs?: number;
  readonly minRttMs?: number;
  readonly rtoMs?: number;
  readonly backoff?: number;
  readonly unacked?: number;
  readonly notSent?: number;
  /** Segments sent again since the connection stands. */
  readonly retransmits?: number;
  readonly segmentsOut?: number;
  readonly segmentsIn?: number;
  readonly bytesAcked?: number;
  readonly bytesReceived?: number;
  readonly lastSendMs?: number;
  readonly lastReceiveMs?: number;
  readonly lastAckMs?: number;
  readonly windowLimitedMs?: number;
  readonly bufferLimitedMs?: number;
  /** The peer's window; absent before Linux 5.4. */
  readonly sendWindow?: number;
}

export interface SsOutput {
  readonly sockets: readonly SsSocket[];
  /** Lines that are no socket. */
  readonly unknown: number;
}

/** Never throws. */
export function parseSs(text: string): SsOutput {
  const sockets: SsSocket[] = [];
  let unknown = 0;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const isDetail = /^\s/.test(line);
    const last = sockets.pop();
    if (isDetail && last !== undefined) {
      sockets.push({ ...last, ...detailsOf(line) });
      continue;
    }
    if (last !== undefined) sockets.push(last);
    const socket = isDetail ? undefined : socketOf(line);
    if (socket === undefined) unknown++;
    else sockets.push(socket);
  }
  return { sockets, unknown };
}

function socketOf(line: string): SsSocket | undefined {
  const [state, receive, send, from, to, ...rest] = line.trim().split(/\s+/);
  const local = endpointOf(from);
  const remote = endpointOf(to);
  const receiveQueue = Number(receive);
  const sendQueue = Number(send);
  if (state === undefined || local === undefined || remote === undefined) return undefined;
  if (!Number.isSafeInteger(receiveQueue) || !Number.isSafeInteger(sendQueue)) return undefined;
  const [, name, count] = /^timer:\(([^,)]*),[^,)]*,(\d+)\)/.exec(rest.join(" ")) ?? [];
  const timer = name === undefined ? {} : { timer: { name, count: Number(count) } };
  return { state, receiveQueue, sendQueue, local, remote, ...timer, ...detailsOf(rest.join(" ")) };
}

/** `10.0.0.1:445`, `[fe80::1%eth0]:445`, `[::ffff:10.0.0.1]:445` */
function endpointOf(text: string | undefined): Endpoint | undefined {
  const [, literal, plain, port] = /^(?:\[([^\]]+)\]|([^\s[\]]+)):(\d+)$/.exec(text ?? "") ?? [];
  const address = (literal ?? plain)?.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "");
  return address === undefined || port === undefined ? undefined : { address, port: Number(port) };
}

type Details = { -readonly [Key in keyof SsSocket]?: SsSocket[Key] };

/** The name that ss gives to a number -> ours. Some have a unit behind the number; `ms` is the unit of all times. */
const plain: Readonly<Record<string, keyof SsSocket & string>> = {
  rto: "rtoMs",
  backoff: "backoff",
  unacked: "unacked",
  notsent: "notSent",
  segs_out: "segmentsOut",
  segs_in: "segmentsIn",
  bytes_acked: "bytesAcked",
  bytes_received: "bytesReceived",
  lastsnd: "lastSendMs",
  lastrcv: "lastReceiveMs",
  lastack: "lastAckMs",
  minrtt: "minRttMs",
  snd_wnd: "sendWindow",
  rwnd_limited: "windowLimitedMs",
  sndbuf_limited: "bufferLimitedMs",
};

function detailsOf(line: string): Details {
  const details: Record<string, number> = {};
  // What stands in brackets has names of its own.
  for (const [, name = "", value = ""] of line.replace(/\([^()]*\)/g, "").matchAll(/(?:^|\s)(\w+):(\S+)/g)) {
    const [first = Number.NaN, second = Number.NaN] = value.split("/").map(Number.parseFloat);
    const key = plain[name];
    if (key !== undefined && first >= 0) details[key] = first;
    if (name === "rtt" && first >= 0) {
      details.rttMs = first;
      if (second >= 0) details.rttVarianceMs = second;
    }
    if (name === "retrans" && second >= 0) details.retransmits = second;
  }
  return details;
}
