// DebugData as kernels print it. For tests.
import type { DebugChannel, DebugData, DebugMid, DebugServer, DebugSession, DebugShare } from "./debug-data.ts";
import { type Form, from612 } from "./debug-data-fixture.ts";

const x = (value: number | bigint | undefined): string => `0x${(value ?? 0).toString(16)}`;
const when = (condition: boolean | undefined, text: string): string => (condition === true ? text : "");

/** The text of /proc/fs/cifs/DebugData. */
export function printDebugData(form: Form, data: DebugData): string {
  const head =
    `Display Internal CIFS Data Structures for Debugging\n${"-".repeat(51)}\nCIFS Version ${data.version}\nFeatures: ${data.features?.join(",")}\n` +
    `CIFSMaxBufSize: ${data.maxBufferSize}\nActive VFS Requests: ${data.activeRequests}\n`;
  const servers = data.servers.map((server) => printServer(form, server, data.mids)).join("");
  return `${head}${form === "5.10" ? "Servers:" : "\nServers: "}${servers || "\n\t[NONE]"}\n`;
}

function printServer(form: Form, server: DebugServer, mids: readonly DebugMid[]): string {
  const { credits, dialect, tcpStatus, instance, users, securityMode, requestsOnWire, inSend, inMaxRequestWait } =
    server;
  const own = mids.filter(({ connectionId }) => connectionId === server.connectionId);
  const compress = from612(form) ? "" : when(server.compression !== undefined, ` COMPRESS_${server.compression}`);
  const marks = `${compress}${when(server.signed, " signed")}${when(server.posix, " posix")}${when(server.noShareSock, " nosharesock")}`;
  const creditLine = `\nNumber of credits: ${credits?.join(",")} Dialect ${x(dialect)}${marks}`;
  const net = when(server.netNamespace !== undefined, ` Net namespace: ${server.netNamespace} `);
  const status = `TCP status: ${tcpStatus} Instance: ${instance}`;
  const load = `Local Users To Server: ${users} SecMode: ${x(securityMode)} Req On Wire: ${requestsOnWire}`;
  const sends = `In Send: ${inSend} In MaxReq Wait: ${inMaxRequestWait}`;
  if (form === "5.10") {
    const rdma = when(server.rdma, "RDMA\n\t");
    // The requests of a connection without a number: told of the first one in these tests.
    const told = server.index === 1 ? own : [];
    return (
      creditLine +
      server.sessions.map((one) => printOldSession(one, `${rdma}${status}\n\t${load} ${sends}`, told)).join("")
    );
  }
  const more = from612(form)
    ? `${when(server.dfsLeaf !== undefined, `\nDFS leaf full path: ${server.dfsLeaf}`)}\nCompression: ${server.compression}`
    : "";
  const cipher = when(
    form === "7.2",
    `\nEncryption: ${when(server.cipher !== "", `Negotiated cipher (${server.cipher})`)}`,
  );
  const list = form === "5.15-vendor" ? `\n\n\tMIDs: ${own.map((mid) => `\n\t${printMid(mid)}`).join("")}\n` : "";
  return (
    `\n${server.index}) ConnectionId: ${x(server.connectionId)} ${when(server.hostname !== undefined, `Hostname: ${server.hostname} `)}` +
    when(from612(form), `\nClientGUID: ${server.clientGuid}`) +
    creditLine +
    when(from612(form), `\nServer capabilities: ${x(server.capabilities)}`) +
    when(server.rdma, "\nRDMA ") +
    `\n${status}\n${load}${net}\n${sends}${more}${cipher}\n\n\tSessions: ` +
    (server.sessions
      .map((one, n) => printSession(form, one, form === "5.15-vendor" ? undefined : n === 0 ? own : []))
      .join("") || "\n\t\t[NONE]") +
    list
  );
}

const printMid = ({ state, command, pid, mid }: DebugMid): string =>
  `State: ${state} com: ${command} pid: ${pid} cbdata: 00000000a1b2c3d4 mid ${mid}`;

function printOldSession(session: DebugSession, connection: string, mids: readonly DebugMid[]): string {
  const { index, address, uses, capability, status, domain, os, nos } = session;
  const head =
    nos === undefined
      ? `\n${index}) Name: ${address} Uses: ${uses} Capability: ${x(capability)}\tSession Status: ${status} ${when(session.guest, "Guest\t")}`
      : `\n${index}) Name: ${address}  Domain: ${domain} Uses: ${uses} OS: ${os}\n\tNOS: ${nos}\tCapability: ${x(capability)}\n\tSMB session status: ${status} `;
  const channels = session.channels.map((one) => {
    const { credits, dialect, tcpStatus, instance, users, securityMode, requestsOnWire, inSend, inMaxRequestWait } =
      one;
    return (
      `\t\tChannel ${one.index} Number of credits: ${credits} Dialect ${x(dialect)} TCP status: ${tcpStatus} Instance: ${instance} ` +
      `Local Users To Server: ${users} SecMode: ${x(securityMode)} Req On Wire: ${requestsOnWire} In Send: ${inSend} In MaxReq Wait: ${inMaxRequestWait}\n`
    );
  });
  return (
    `${head}Security type: ${session.securityType}\n${connection} SessionId: ${x(session.sessionId)}` +
    `${when(session.encrypted, " encrypted")}${when(session.signed, " signed")}\n\tUser: ${session.user} Cred User: ${session.credUser}` +
    when(channels.length > 0, `\n\n\tExtra Channels: ${channels.length}\n${channels.join("")}`) +
    `\n\n\tShares:${printShares("5.10", session.shares)}\n\tMIDs:\n${mids.map((mid) => `\t${printMid(mid)}\n`).join("")}` +
    printInterfaces("5.10", session)
  );
}

function printSession(form: Form, session: DebugSession, mids: readonly DebugMid[] | undefined): string {
  const { index, address, uses, capability, status, domain, os, nos } = session;
  const head =
    nos === undefined
      ? `\n\t${index}) Address: ${address} Uses: ${uses} Capability: ${x(capability)}\tSession Status: ${status} ${when(session.guest, "Guest ")}`
      : `\n\t${index}) Name: ${address}  Domain: ${domain} Uses: ${uses} OS: ${os} \n\tNOS: ${nos}\tCapability: ${x(capability)}\n\tSMB session status: ${status} `;
  const channels = session.channels.map((one) => printChannel(one));
  const requests =
    mids === undefined
      ? ""
      : `\n\n\tMIDs: ${mids.map((mid, n) => `${when(n === 0, `\n\tServer ConnectionId: ${x(mid.connectionId)}`)}\n\t\t${printMid(mid)}`).join("")}\n--\n`;
  return (
    head +
    when(session.passwordInvalid, "password no longer valid ") +
    `\n\tSecurity type: ${session.securityType}  SessionId: ${x(session.sessionId)}${when(session.encrypted, " encrypted")}${when(session.signed, " signed")}` +
    `\n\tUser: ${session.user} Cred User: ${session.credUser}` +
    when(session.dfsRootSessionId !== undefined, `\n\tDFS root session id: ${x(session.dfsRootSessionId)}`) +
    when(session.disconnected, "\tPrimary channel: DISCONNECTED ") +
    when(session.reconnecting, "\t[RECONNECTING] ") +
    when(channels.length > 0, `\n\n\tExtra Channels: ${channels.length} ${channels.join("")}`) +
    `\n\n\tShares: ${printShares(form, session.shares)}${printInterfaces(form, session)}${requests}`
  );
}

function printChannel(channel: DebugChannel): string {
  if (channel.disabled) return `\n\n\t\tChannel: ${channel.index} DISABLED`;
  const { credits, dialect, tcpStatus, instance, users, securityMode, requestsOnWire, inSend, inMaxRequestWait } =
    channel;
  return (
    `\n\n\t\tChannel: ${channel.index} ConnectionId: ${x(channel.connectionId)}\n\t\tNumber of credits: ${credits?.join(",")} Dialect ${x(dialect)}` +
    `\n\t\tTCP status: ${tcpStatus} Instance: ${instance}\n\t\tLocal Users To Server: ${users} SecMode: ${x(securityMode)} Req On Wire: ${requestsOnWire}` +
    `\n\t\tIn Send: ${inSend} In MaxReq Wait: ${inMaxRequestWait}${when(channel.netNamespace !== undefined, ` Net namespace: ${channel.netNamespace} `)}` +
    when(channel.disconnected, "\tDISCONNECTED ")
  );
}

function printShares(form: Form, shares: readonly DebugShare[]): string {
  const [ipc] = shares;
  const printed = shares.map((share) => `\n\t${share.index}) ${when(share.ipc, "IPC: ")}${printShare(form, share)}`);
  return `${ipc === undefined ? "\n\t0) IPC: none\n" : ""}${printed.join("")}`;
}

function printShare(form: Form, share: DebugShare): string {
  const caps = share.capabilities ?? [];
  const ofShare = caps.filter((name) => name !== "SSD" && name !== "TRIM-support");
  return (
    `${share.name} Mounts: ${share.mounts} ${when(share.fileSystem !== undefined, `Type: ${share.fileSystem} `)}DevInfo: ${x(share.deviceInfo)} ` +
    `Attributes: ${x(share.attributes)}\n\tPathComponentMax: ${share.maxComponent} Status: ${share.status} type: ${share.type} Serial Number: ${x(share.serial)}` +
    when(share.encrypted, from612(form) ? " encrypted" : " Encrypted") +
    `${when(share.nocase, " nocase")}${when(share.posix, " POSIX Extensions")}\n\tShare Capabilities:${when(ofShare.length === 0, " None")}` +
    `${caps.map((name) => ` ${name},`).join("")}\tShare Flags: ${x(share.shareFlags)}\n\ttid: ${x(share.treeId)}` +
    `${when(share.sectorSize !== undefined, `\tOptimal sector size: ${x(share.sectorSize)}`)}\tMaximal Access: ${x(share.maximalAccess)}` +
    `${when(share.witness, " Witness")}${when(share.nosparse, " nosparse")}${when(share.disconnected, "\tDISCONNECTED ")}` +
    `${when(share.dfsOrigin !== undefined, `\n\tDFS origin fullpath: ${share.dfsOrigin}`)}\n`
  );
}

function printInterfaces(form: Form, { interfaces = [], interfacesAgeSeconds }: DebugSession): string {
  if (interfaces.length === 0) return "";
  const age = when(interfacesAgeSeconds !== undefined, `\tLast updated: ${interfacesAgeSeconds} seconds ago`);
  const printed = interfaces.map((one) => {
    const capabilities = `${when(one.rdma, "rdma ")}${when(one.rss, "rss ")}` || when(form !== "6.1", "None");
    return (
      `\n\t${one.index})\tSpeed: ${one.speed}\n\t\tCapabilities: ${capabilities}\n\t\tIPv${one.address?.includes(":") ? 6 : 4}: ${one.address}\n` +
      when(one.gone, "\t\t[for-cleanup]\n") +
      when(
        one.weight !== undefined,
        `\t\tWeight (cur,total): (${one.weight?.join(",")})\n\t\tAllocated channels: ${one.channels}\n`,
      ) +
      when(one.connected, "\t\t[CONNECTED]\n")
    );
  });
  return `\n\n\tServer interfaces: ${interfaces.length}${age}${printed.join("")}`;
}
