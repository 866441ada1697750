import { join } from "node:path";
import type { ObservedTarget, SocketGone, SocketSample, TcpCounters } from "../detect/observation.ts";
import { isNfs, isSmb } from "../system/mounts.ts";
import type { Argv } from "../system/process.ts";
import { parseTcpCounters } from "../system/snmp.ts";
import { type Endpoint, type TcpRow, tcpRowsTo } from "../system/sockets.ts";
import { parseSs, type SsSocket } from "../system/ss.ts";
import { difference } from "./counters.ts";
import type { Mounts } from "./mounts.ts";
import { readText } from "./read.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";
import { targetOfMount } from "./targets.ts";

const LIMIT_BYTES = 1024 ** 2;
const MAX_SOCKETS = 1024;

interface Seen {
  readonly sample: SocketSample;
  readonly socket: SsSocket;
  readonly nowNs: number;
}

/**
 * TCP connections to the servers' ports: round trips, queues, retransmissions, closed windows. Found by port and not by address, since further channels of
 * SMB go to addresses that no mount names. Of the daemon's network namespace.
 */
export function socketsSource(roots: SourceRoots, mounts: Mounts): Source {
  const { procRoot, clock, run } = roots;
  let before = new Map<string, Seen>();
  let counters: { readonly values: ReadonlyMap<string, number>; readonly nowNs: number } | undefined;
  let overLimit = 0;
  let unknown = 0;
  return {
    name: "sockets",
    summary: "ss -tinmo to the servers' ports, /proc/net/snmp",
    waits: true,
    timeoutMs: 5000,
    everyNs: ({ trouble, idle }) => (trouble ? 2e9 : idle ? 60e9 : 15e9),
    async read({ smb, nfs }, signal): Promise<Outcome> {
      if (!smb && !nfs) {
        before = new Map();
        counters = undefined;
        return { off: "there is no SMB or NFS mount" };
      }
      const servers = serversIn(mounts);
      if (servers.ports.length === 0) return { off: "there is no SMB or NFS mount" };
      const result = await run(argvOf(servers.ports), { timeoutMs: 4000, maxBytes: LIMIT_BYTES, signal });
      const lacks: string[] = [];
      let sockets: readonly SsSocket[];
      if (result.status === "ok") {
        const output = parseSs(result.stdout.toString("utf8"));
        unknown += output.unknown;
        sockets = output.sockets;
        if (result.truncated) lacks.push("more sockets than are looked at");
      } else {
        lacks.push(`${result.reason ?? "ss failed"}: no round trip times, no retransmissions of a connection`);
        sockets = rowsOf(procRoot, servers.ports);
      }
      overLimit += Math.max(0, sockets.length - MAX_SOCKETS);
      const nowNs = clock.nowNs();
      const now = new Map<string, Seen>();
      for (const socket of sockets.slice(0, MAX_SOCKETS)) {
        const key = keyOf(socket);
        const sample = sampleOf(socket, servers.targetOf(socket.remote), before.get(key), nowNs);
        now.set(key, { sample, socket, nowNs });
      }
      const gone = goneOf(before, now);
      const samples = [...now.values()].map(({ sample }) => sample);
      before = now;
      const values = parseTcpCounters(readText(join(procRoot, "self/net/snmp"), LIMIT_BYTES)?.text ?? "");
      const tcp = counters === undefined ? undefined : tcpDelta(values, counters.values, nowNs - counters.nowNs);
      counters = { values, nowNs };
      return {
        observations: [{ type: "sockets", nowNs, sockets: samples, gone, ...(tcp === undefined ? {} : { tcp }) }],
        trouble: samples.some(isTroubled) || gone.length > 0,
        ...(lacks.length === 0 ? {} : { degraded: lacks.join("; ") }),
      };
    },
    losses: () => ({
      ...(overLimit === 0 ? {} : { "over-limit": overLimit }),
      ...(unknown === 0 ? {} : { "not-understood": unknown }),
    }),
  };
}

function argvOf(ports: readonly number[]): Argv {
  const terms = ports.flatMap((port, index) => [...(index === 0 ? [] : ["or"]), "dport", "=", `:${port}`]);
  return ["ss", "-tinmoH", ...terms];
}

/** Ports of the mounts, and who stands behind an address. */
function serversIn({ mounts }: Mounts) {
  const targets = new Map<string, ObservedTarget>();
  const ports = new Map<number, ObservedTarget["protocol"]>();
  for (const mount of mounts) {
    const standard = isSmb(mount) ? 445 : isNfs(mount) ? 2049 : undefined;
    const target = targetOfMount(mount);
    if (standard === undefined || target === undefined) continue;
    const port = Number(mount.options.port) || standard;
    ports.set(port, target.protocol);
    if (target.address !== undefined) targets.set(`${target.address} ${port}`, target);
  }
  const targetOf = ({ address, port }: Endpoint): ObservedTarget => {
    const known = targets.get(`${address} ${port}`);
    const protocol = known?.protocol ?? ports.get(port) ?? "smb";
    // A connection serves all shares of its server.
    return { protocol, ...(known?.server === undefined ? {} : { server: known.server }), address };
  };
  return { ports: [...ports.keys()].slice(0, 16), targetOf };
}

function keyOf({ local, remote }: SsSocket): string {
  return `${local.address} ${local.port} ${remote.address} ${remote.port}`;
}

/** What ss calls them -> include/net/tcp_states.h. */
const states: Readonly<Record<string, string>> = {
  ESTAB: "ESTABLISHED",
  "SYN-SENT": "SYN_SENT",
  "SYN-RECV": "SYN_RECV",
  "FIN-WAIT-1": "FIN_WAIT1",
  "FIN-WAIT-2": "FIN_WAIT2",
  "TIME-WAIT": "TIME_WAIT",
  UNCONN: "CLOSE",
  "CLOSE-WAIT": "CLOSE_WAIT",
  "LAST-ACK": "LAST_ACK",
};

function sampleOf(socket: SsSocket, target: ObservedTarget, seen: Seen | undefined, nowNs: number): SocketSample {
  const { local, remote, sendQueue, receiveQueue, timer, notSent, sendWindow } = socket;
  const { rttMs, rttVarianceMs, minRttMs, rtoMs, backoff, unacked, lastSendMs, lastReceiveMs, lastAckMs } = socket;
  const delta = seen === undefined ? undefined : deltaOf(socket, seen.socket, nowNs - seen.nowNs);
  return {
    target,
    local,
    remote,
    state: states[socket.state] ?? socket.state,
    sendQueue,
    receiveQueue,
    ...defined({ rttMs, rttVarianceMs, minRttMs, rtoMs, backoff, unacked, lastSendMs, lastReceiveMs, lastAckMs }),
    ...defined({ notSentBytes: notSent }),
    zeroWindow: timer?.name === "persist" || (sendWindow === 0 && sendQueue > 0),
    ...(delta === undefined ? {} : { delta }),
  };
}

function deltaOf(now: SsSocket, before: SsSocket, intervalNs: number): SocketSample["delta"] {
  // What is zero is not printed.
  const retransmits = difference(now.retransmits ?? 0, before.retransmits ?? 0);
  // Another connection has the same ports now.
  if (retransmits === undefined || (now.segmentsOut ?? 0) < (before.segmentsOut ?? 0)) return undefined;
  const of = (name: "segmentsOut" | "segmentsIn" | "bytesAcked" | "bytesReceived" | LimitedName): number | undefined =>
    now[name] === undefined ? undefined : difference(now[name], before[name] ?? 0);
  return {
    intervalNs,
    retransmits,
    ...defined({
      segmentsOut: of("segmentsOut"),
      segmentsIn: of("segmentsIn"),
      bytesAcked: of("bytesAcked"),
      bytesReceived: of("bytesReceived"),
      windowLimitedMs: of("windowLimitedMs"),
      bufferLimitedMs: of("bufferLimitedMs"),
    }),
  };
}

type LimitedName = "windowLimitedMs" | "bufferLimitedMs";

function defined<Name extends string>(facts: Record<Name, number | undefined>): Partial<Record<Name, number>> {
  const kept = Object.entries(facts).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Partial<Record<Name, number>>;
}

function goneOf(before: ReadonlyMap<string, Seen>, now: ReadonlyMap<string, Seen>): SocketGone[] {
  const standing = new Set([...now.values()].map(({ socket: { remote } }) => `${remote.address} ${remote.port}`));
  return [...before].flatMap(([key, { sample }]) => {
    if (now.has(key) || sample.state === "TIME_WAIT") return [];
    const { target, local, remote, state } = sample;
    return [{ target, local, remote, state, replaced: standing.has(`${remote.address} ${remote.port}`) }];
  });
}

function isTroubled({ zeroWindow, state, backoff, delta }: SocketSample): boolean {
  return zeroWindow || state === "SYN_SENT" || (backoff ?? 0) > 0 || (delta?.retransmits ?? 0) > 0;
}

function tcpDelta(
  now: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
  intervalNs: number,
): TcpCounters | undefined {
  const of = (name: string): number | undefined => difference(now.get(name) ?? 0, before.get(name) ?? 0);
  const segmentsOut = of("OutSegs");
  const retransmits = of("RetransSegs");
  const resetsReceived = of("EstabResets");
  const resetsSent = of("OutRsts");
  const connectFailures = of("AttemptFails");
  if (now.size === 0 || segmentsOut === undefined || retransmits === undefined) return undefined;
  if (resetsReceived === undefined || resetsSent === undefined || connectFailures === undefined) return undefined;
  return { intervalNs, segmentsOut, retransmits, resetsReceived, resetsSent, connectFailures };
}

/** Without ss: what /proc/net/tcp has of the same sockets. */
function rowsOf(procRoot: string, ports: readonly number[]): SsSocket[] {
  const wanted = new Set(ports);
  const rows: TcpRow[] = [];
  for (const name of ["tcp", "tcp6"]) {
    const file = readText(join(procRoot, "self/net", name), LIMIT_BYTES);
    if (file !== undefined) rows.push(...tcpRowsTo(file.text, undefined));
  }
  return rows
    .filter(({ remote }) => wanted.has(remote.port))
    .map(({ local, remote, state, tx_queue, rx_queue, timer, retransmits }) => ({
      state,
      local,
      remote,
      sendQueue: tx_queue,
      receiveQueue: rx_queue,
      ...(timer === 4 ? { timer: { name: "persist", count: retransmits } } : {}),
      ...(timer === 1 && retransmits > 0 ? { backoff: retransmits } : {}),
    }));
}
