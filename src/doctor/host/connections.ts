import { join } from "node:path";
import { serversOf } from "../../system/mounts.ts";
import { type Endpoint, type TcpRow, tcpRowsTo } from "../../system/sockets.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import { textOf } from "../files.ts";
import type { HostCase } from "./host-case.ts";

const MAX_TOLD = 50;
/** Attempts after which a connection is in trouble: the first few come of any lost packet. */
const MANY_RETRANSMITS = 3;
const RETRANSMITTING = 1;
const ZERO_WINDOW = 4;

/** The connections of both clients, with their state, and which mount has none. */
export const connections: Check<HostCase> = {
  name: "connections",
  limitMs: 5000,
  async run(host, signal) {
    const texts = await Promise.all(
      ["tcp", "tcp6"].map((name) => textOf(join(host.machine.procRoot, "net", name), signal)),
    );
    host.tcp = texts.flatMap((text) => tcpRowsTo(text ?? "", undefined));
    const servers = serversOf(host.mounts);
    const own = host.tcp.filter(
      ({ remote, state }) =>
        state !== "LISTEN" &&
        (remote.port === 445 || remote.port === 2049 || servers.some((server) => isSame(server, remote))),
    );
    const told = own.slice(0, MAX_TOLD).map(findingOf);
    if (own.length > told.length) told.push({ result: "ok", evidence: `and ${own.length - told.length} more` });
    for (const server of servers) {
      if (own.some(({ remote }) => isSame(server, remote))) continue;
      told.push({
        result: "warn",
        evidence: `no connection to ${server.address} port ${server.port}, which is mounted`,
        meaning:
          "an idle NFS client lets its connection go after five minutes; else the client could not connect, or the mount was made in another network namespace",
      });
    }
    return told.length === 0 ? { result: "ok", evidence: "none to port 445 or 2049" } : told;
  },
};

export const isSame = (a: Endpoint, b: Endpoint): boolean => a.address === b.address && a.port === b.port;

function findingOf(row: TcpRow): Finding {
  const queues = [
    ...(row.tx_queue > 0 ? [`${row.tx_queue} bytes not acknowledged`] : []),
    ...(row.rx_queue > 0 ? [`${row.rx_queue} bytes not read`] : []),
    ...(row.retransmits > 0 ? [`sent again ${row.retransmits} times`] : []),
  ];
  const evidence = [
    `${row.local.address}:${row.local.port} to ${row.remote.address}:${row.remote.port} ${row.state}`,
    ...queues,
  ].join(", ");
  const trouble = troubleOf(row);
  return trouble === undefined ? { result: "ok", evidence } : { result: "warn", evidence, meaning: trouble };
}

function troubleOf({ state, timer, retransmits, tx_queue }: TcpRow): string | undefined {
  if (state === "SYN_SENT") return "nothing answers the attempt to connect: the port is filtered, or the host is down";
  if (state === "CLOSE_WAIT") return "the server has closed the connection, and the client has not yet";
  if (timer === ZERO_WINDOW) return "the server takes no more data: its window is zero";
  if (timer === RETRANSMITTING && retransmits >= MANY_RETRANSMITS && tx_queue > 0)
    return "what was sent is not acknowledged: the way to the server is interrupted, or the host is down";
  return undefined;
}
