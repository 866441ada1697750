// DebugData as kernels print it, of what they would have in memory: the forms of 5.10, of a vendor's 5.15, of 6.1, 6.12 and 7.2. For tests: what is printed
// is read back as it was.
import fc from "fast-check";
import type {
  DebugChannel,
  DebugData,
  DebugInterface,
  DebugMid,
  DebugServer,
  DebugSession,
  DebugShare,
} from "./debug-data.ts";

export type Form = "5.10" | "5.15-vendor" | "6.1" | "6.12" | "7.2";
export const forms: readonly Form[] = ["5.10", "5.15-vendor", "6.1", "6.12", "7.2"];

const from612 = (form: Form): boolean => form === "6.12" || form === "7.2";

/** A record without what is undefined. */
type Facts<T> = { [Key in keyof T]?: T[Key] | undefined };
function only<T extends object>(facts: Facts<T>): T {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as T;
}

const count = fc.nat(1_000_000);
const id = fc.bigInt(1n, 0xffff_ffff_ffff_ffffn);
const word = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}$/);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
/** The kernel prints a word or nothing. */
const flag = fc.constantFrom<true | undefined>(true, undefined);
const absent = fc.constant(undefined);
const hex = fc.nat(0x7fff_ffff);

const endpoint = (form: Form) => ({
  credits: from612(form) ? fc.tuple(count, count, count) : fc.tuple(count),
  dialect: fc.constantFrom(0x202, 0x210, 0x300, 0x302, 0x311),
  tcpStatus: fc.nat(5),
  instance: count,
  users: count,
  securityMode: hex,
  requestsOnWire: count,
  inSend: count,
  inMaxRequestWait: count,
  ...(from612(form) ? { netNamespace: maybe(count) } : {}),
});

function channelOf(form: Form, index: number): fc.Arbitrary<DebugChannel> {
  const old = form === "5.10";
  const open = fc.record({
    index: fc.constant(index),
    ...(old ? {} : { connectionId: id }),
    ...endpoint(form),
    disconnected: old ? fc.constant(false) : fc.boolean(),
    disabled: fc.constant(false),
  });
  const closed = fc.constant({ index, disconnected: false, disabled: true });
  return (from612(form) ? fc.oneof(open, closed) : open).map((channel) => only<DebugChannel>(channel));
}

function shareOf(form: Form, index: number): fc.Arbitrary<DebugShare> {
  return fc
    .record({
      index: fc.constant(index),
      name: fc
        .tuple(word, fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9 _]{0,8}[a-z$]$/))
        .map(([host, name]) => `\\\\${host}\\${name}`),
      ipc: fc.constant(index === 0),
      mounts: count,
      fileSystem: maybe(word),
      deviceInfo: hex,
      attributes: hex,
      maxComponent: count,
      status: fc.nat(7),
      type: fc.constantFrom("DISK", "CDROM", "0"),
      serial: hex,
      encrypted: fc.boolean(),
      nocase: flag,
      posix: flag,
      capabilities: fc.subarray(["DFS", "CONTINUOUS AVAILABILITY", "SCALEOUT", "CLUSTER", "SSD", "TRIM-support"]),
      shareFlags: hex,
      treeId: hex,
      sectorSize: maybe(hex),
      maximalAccess: hex,
      disconnected: fc.boolean(),
      ...(form === "5.10" ? {} : { witness: flag, nosparse: flag }),
      ...(from612(form) ? { dfsOrigin: maybe(word) } : {}),
    })
    .map((share) => only<DebugShare>(share));
}

function interfaceOf(form: Form, index: number): fc.Arbitrary<DebugInterface> {
  return fc
    .record({
      index: fc.constant(index),
      speed: fc.constantFrom("10Gbps", "1000000000 bps", "Unknown"),
      rdma: fc.boolean(),
      rss: fc.boolean(),
      address: fc.constantFrom("10.0.0.7", "fe80:0000:0000:0000:0000:0000:0000:0001"),
      connected: flag,
      ...(form === "5.10" || form === "5.15-vendor"
        ? {}
        : { gone: flag, weight: fc.tuple(count, count), channels: count }),
    })
    .map((one) => only<DebugInterface>(one));
}

const list = <T>(most: number, of: (index: number) => fc.Arbitrary<T>, first = 1): fc.Arbitrary<T[]> =>
  fc.nat(most).chain((length) => fc.tuple(...Array.from({ length }, (_, n) => of(first + n))).map((all) => [...all]));

function sessionOf(form: Form, index: number, server: number): fc.Arbitrary<DebugSession> {
  const smb1 = fc.record({ domain: word, os: word, nos: word });
  return fc
    .record({
      // 5.10 counts servers there.
      index: fc.constant(form === "5.10" ? server : index),
      address: word,
      names: maybe(smb1),
      status: fc.nat(4),
      uses: count,
      capability: hex,
      securityType: fc.constantFrom("RawNTLMSSP", "Kerberos", "NTLMv2", "Unknown"),
      sessionId: id,
      encrypted: fc.boolean(),
      signed: fc.boolean(),
      user: count,
      credUser: count,
      guest: flag,
      disconnected: form === "5.10" ? fc.constant(false) : fc.boolean(),
      reconnecting: form === "5.10" ? fc.constant(false) : fc.boolean(),
      passwordInvalid: from612(form) ? fc.boolean() : fc.constant(false),
      dfsRootSessionId: from612(form) ? maybe(id) : fc.constant(undefined),
      channels: list(2, (n) => channelOf(form, n), 2),
      shares: list(3, (n) => shareOf(form, n), 0),
      interfaces: list(2, (n) => interfaceOf(form, n), form === "5.10" ? 0 : 1),
      interfacesAgeSeconds: form === "5.10" || form === "5.15-vendor" ? fc.constant(undefined) : count,
    })
    .map(({ names, interfaces, interfacesAgeSeconds, guest, ...rest }) =>
      only<DebugSession>({
        ...rest,
        ...names,
        // Of a server that tells its names the kernel tells no more.
        ...(names === undefined ? { guest } : {}),
        ...(interfaces.length === 0 ? {} : { interfaces, interfacesAgeSeconds }),
      }),
    );
}

function serverOf(form: Form, index: number): fc.Arbitrary<DebugServer> {
  const old = form === "5.10";
  return (
    fc
      .record({
        index: fc.constant(index),
        ...(old ? {} : { connectionId: id, hostname: maybe(word) }),
        ...endpoint(form),
        signed: fc.boolean(),
        posix: fc.boolean(),
        noShareSock: old ? fc.constant(false) : fc.boolean(),
        rdma: flag,
        sessions: list(2, (n) => sessionOf(form, n, index)),
        clientGuid: from612(form) ? word : absent,
        capabilities: from612(form) ? hex : absent,
        dfsLeaf: from612(form) ? maybe(word) : absent,
        compression: from612(form)
          ? fc.constantFrom<string | undefined>("no built-in support", "enabled (LZ77)")
          : fc.constantFrom(undefined, "LZNT1", "LZ77_HUFF"),
        cipher: form === "7.2" ? fc.constantFrom("", "AES128-GCM", "AES256-CCM") : absent,
      })
      .map((server) => only<DebugServer>(server))
      // 5.10 tells the state of a connection below its sessions alone.
      .filter(({ sessions }) => !old || sessions.length > 0)
  );
}

/** What a kernel has in memory. */
export function debugDataOf(form: Form): fc.Arbitrary<DebugData> {
  const mids = fc.uniqueArray(
    fc.record({ state: fc.nat(32), command: fc.nat(18), pid: count, mid: fc.bigInt(0n, 0xffff_ffffn) }),
    { selector: ({ mid }) => mid, maxLength: 4 },
  );
  // The kernel counts connections up: none has the number of another.
  const servers = list(2, (n) => serverOf(form, n)).filter((all) => {
    const numbers = all.flatMap(({ connectionId }) => connectionId ?? []);
    return new Set(numbers).size === numbers.length;
  });
  return fc.record({ servers, mids, active: count, size: count }).map(({ servers, mids, active, size }) => {
    const with0 = servers.find(({ sessions }) => sessions.length > 0);
    const which = with0?.connectionId === undefined ? {} : { connectionId: with0.connectionId };
    return {
      version: "2.29",
      features: ["DFS", "STATS2", "UPCALL(SPNEGO)", "ACL"],
      maxBufferSize: size,
      activeRequests: active,
      servers,
      mids: with0 === undefined ? [] : mids.map((mid) => ({ ...which, ...mid })),
      unknown: [],
      cut: false,
    };
  });
}

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
