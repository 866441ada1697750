import type { DebugServer, Endpoint } from "../smb/debug-data.ts";
import { capabilityWords, dialectWord, securityModeWords, tcpStateWord } from "../smb/state-words.ts";
import type { TcpRow } from "../system/sockets.ts";
import { facts, hex, known, listed, type Row } from "./row.ts";
import type { ShowState } from "./state.ts";

/** The timer of a socket that waits for an acknowledgement. */
const RETRANSMITTING = 1;
const GOOD = 1;
const SMB1 = 0;

export function smbServers(state: ShowState): Row[] {
  return (state.data?.servers ?? []).map((server) => serverRow(server, state));
}

function serverRow(server: DebugServer, state: ShowState): Row {
  const [first] = server.sessions;
  const address = first?.address;
  const mount = state.mounts.find(({ options }) => typeof options.addr === "string" && options.addr === address);
  const port = typeof mount?.options.port === "string" ? Number(mount.options.port) : 445;
  const foreign =
    server.netNamespace !== undefined && state.netNamespace !== undefined && server.netNamespace !== state.netNamespace;
  const sockets = foreign || address === undefined ? [] : socketsTo(state.tcp, address, port);
  const channels = [
    ...new Map(server.sessions.flatMap((one) => one.channels).map((one) => [one.connectionId, one])).values(),
  ];
  const capabilities = server.capabilities ?? first?.capability;
  const name = server.hostname ?? address ?? "server";
  const encryption = encryptionOf(server);
  const signing = server.signed ?? server.sessions.some(({ signed }) => signed);
  const json = known({
    protocol: "smb",
    server: name,
    address,
    port,
    connection_id: server.connectionId === undefined ? undefined : hex(server.connectionId),
    state: tcpStateWord(server.tcpStatus),
    dialect: server.dialect === undefined ? undefined : dialectWord(server.dialect),
    signing,
    encryption,
    cipher: server.cipher,
    compression: server.compression,
    security_mode: server.securityMode === undefined ? undefined : securityModeWords(server.securityMode),
    capabilities: capabilities === undefined ? undefined : capabilityWords(capabilities),
    posix: server.posix,
    rdma: server.rdma,
    smb_direct: server.smbDirect,
    client_guid: server.clientGuid,
    dfs_leaf: server.dfsLeaf,
    credits: server.credits?.[0],
    reconnects: server.instance === undefined ? undefined : server.instance - 1,
    in_flight: server.requestsOnWire,
    in_send: server.inSend,
    waiting: server.inMaxRequestWait,
    net_namespace: server.netNamespace,
    sockets: sockets.map(({ local, remote, state }) => ({ local, remote, state })),
    channels: channels.map((channel) => channelJson(channel)),
    interfaces: first?.interfaces,
  });
  return {
    json,
    title: `SMB ${name}${server.connectionId === undefined ? "" : `  connection ${json.connection_id}`}  ${json.state}`,
    lines: [
      facts(
        ["dialect", json.dialect],
        ["signing", signing ? "yes" : "no"],
        ["encryption", encryption],
        ["compression:", json.compression],
      ),
      ...(json.capabilities === undefined ? [] : [`capabilities: ${listed(json.capabilities)}`]),
      facts(
        ["credits", json.credits],
        ["in flight", json.in_flight],
        ["being sent", json.in_send],
        ["waiting for room", json.waiting],
        ["made anew", json.reconnects === undefined ? undefined : `${json.reconnects} times`],
      ),
      ...socketLines(sockets, address, port, foreign),
      ...(server.rdma === true ? [`RDMA: ${facts(...Object.entries(server.smbDirect ?? {}))}`] : []),
      ...(server.dfsLeaf === undefined ? [] : [`DFS target ${server.dfsLeaf}`]),
      ...channels.map(
        (one) =>
          `channel ${one.index}: ${one.disabled ? "disabled" : facts(["connection", one.connectionId === undefined ? undefined : hex(one.connectionId)], ["", tcpStateWord(one.tcpStatus)], ["credits", one.credits?.[0]], ["in flight", one.requestsOnWire])}`,
      ),
      ...(first?.interfaces ?? []).map(
        (one) =>
          `server's interface ${one.address ?? one.index}: ${facts(["", one.speed], ["channels", one.channels], ["", one.connected === true ? "connected" : undefined])}`,
      ),
    ],
    problems: problemsOf(server, channels, sockets, foreign, address, port),
  };
}

function channelJson(channel: Endpoint & { readonly index: number; readonly disabled: boolean }): object {
  return known({
    index: channel.index,
    connection_id: channel.connectionId === undefined ? undefined : hex(channel.connectionId),
    state: channel.disabled ? "disabled" : tcpStateWord(channel.tcpStatus),
    credits: channel.credits?.[0],
    in_flight: channel.requestsOnWire,
    reconnects: channel.instance === undefined ? undefined : channel.instance - 1,
  });
}

function encryptionOf({ sessions }: DebugServer): string {
  const shares = sessions.flatMap(({ shares }) => shares.filter(({ ipc }) => !ipc));
  if (sessions.length > 0 && sessions.every(({ encrypted }) => encrypted)) return "of all sessions";
  const encrypted = shares.filter((share) => share.encrypted).length;
  if (encrypted === 0) return "no";
  return encrypted === shares.length ? "of all shares" : `of ${encrypted} of ${shares.length} shares`;
}

/** A kernel may give its own sockets an inode: those of a process to the same place look the same, and are rare. */
function socketsTo(tcp: readonly TcpRow[], address: string, port: number): readonly TcpRow[] {
  const bare = address.replace(/%.*$/, "");
  return tcp.filter(({ remote, state }) => remote.address === bare && remote.port === port && state !== "TIME_WAIT");
}

function socketLines(
  sockets: readonly TcpRow[],
  address: string | undefined,
  port: number,
  foreign: boolean,
): string[] {
  if (foreign) return [`${address}:${port}, from another network namespace: its sockets are not seen from here`];
  return sockets.map(
    ({ local, remote, state }) => `${local.address}:${local.port} -> ${remote.address}:${remote.port} ${state}`,
  );
}

function problemsOf(
  server: DebugServer,
  channels: readonly (Endpoint & { readonly index: number; readonly disabled: boolean })[],
  sockets: readonly TcpRow[],
  foreign: boolean,
  address: string | undefined,
  port: number,
): string[] {
  const { tcpStatus, credits, inMaxRequestWait = 0, dialect, instance = 1, requestsOnWire = 0 } = server;
  const stuck = sockets.filter(({ timer, retransmits }) => timer === RETRANSMITTING && retransmits > 1);
  return [
    ...(tcpStatus === undefined || tcpStatus === GOOD
      ? []
      : [`the connection ${tcpStateWord(tcpStatus)}: requests wait until it stands again`]),
    ...(credits?.[0] === 0 && tcpStatus === GOOD
      ? ["no credits are left: requests wait for the server to give some"]
      : []),
    ...(inMaxRequestWait > 0 ? [`${inMaxRequestWait} tasks wait for credits`] : []),
    ...(instance > 1 ? [`the connection was made anew ${instance - 1} times since the mount`] : []),
    ...(dialect === SMB1 && server.sessions.length > 0 ? ["SMB 1.0: neither encrypted nor safe"] : []),
    ...(!foreign && address !== undefined && tcpStatus === GOOD && server.rdma !== true && sockets.length === 0
      ? [
          `there is no TCP connection to ${address}:${port}, though the client takes it for good (${requestsOnWire} requests in flight)`,
        ]
      : []),
    ...stuck.map(
      ({ retransmits, local }) =>
        `${local.address}:${local.port} has sent the same ${retransmits} times without an answer`,
    ),
    ...channels.flatMap((one) =>
      one.disabled || one.tcpStatus === undefined || one.tcpStatus === GOOD
        ? []
        : [`channel ${one.index} ${tcpStateWord(one.tcpStatus)}`],
    ),
  ];
}
