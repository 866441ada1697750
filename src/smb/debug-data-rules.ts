// One rule for every line of DebugData that is known, over kernels 5.10 to 7.2: what is said of the client, of connections and of requests. What is said
// of sessions and shares is in debug-session-rules.ts.
import type { DebugCursor, DebugServer, Endpoint } from "./debug-data.ts";

/** False when the line makes no sense where it stands. */
export type Apply = (cursor: DebugCursor, match: RegExpExecArray, line: string) => boolean;
export type Rule = readonly [RegExp, Apply];

export const known: Apply = () => true;

export const rules: readonly Rule[] = [
  [/^(Display Internal CIFS|-{3,}|Servers:|Sessions:|Shares:|MIDs:$|--$|\[NONE\])/, known],
  [/^CIFS Version (\S+)$/, version],
  [/^Features: ?(.*)$/, features],
  [/^CIFSMaxBufSize: (\d+)$/, maxBufferSize],
  [/^Active VFS Requests: (\d+)$/, activeRequests],

  [/^(\d+)\) ConnectionId: (0x[0-9a-f]+)(?: Hostname: (\S+))?/i, server],
  [/^Number of credits: (\d+)(?:,(\d+),(\d+))? Dialect (0x[0-9a-f]+)/i, credits],
  [/^(?:RDMA\s+)?TCP status: (\d+) Instance: (\d+)/, tcpStatus],
  [/^Local Users To Server: (\d+) SecMode: (0x[0-9a-f]+) Req On Wire: (\d+)/i, users],
  [/^In Send: (\d+) In MaxReq Wait: (\d+)/, inSend],
  [/^ClientGUID: (\S+)$/, (cursor, [, guid]) => onServer(cursor, { clientGuid: guid })],
  [/^Server capabilities: (0x[0-9a-f]+)$/i, (cursor, [, bits]) => onServer(cursor, { capabilities: Number(bits) })],
  [/^Compression: (.*)$/, (cursor, [, text]) => onServer(cursor, { compression: text })],
  [/^Encryption:(?: Negotiated cipher \((.*)\))?$/, (cursor, [, name = ""]) => onServer(cursor, { cipher: name })],
  [/^DFS leaf full path: (.*)$/, (cursor, [, path]) => onServer(cursor, { dfsLeaf: path })],
  [/^RDMA$/, (cursor) => onServer(cursor, { rdma: true })],
  // 5.10 writes it before the connection itself.
  [/^SMBDirect transport not available$/, (cursor, _, line) => smbDirect(cursor, [["transport", line]])],
  [
    /^(?:SMBDirect(?: \(in hex\))?|Conn|Debug|Read Queue|Current Credits|Pending|Receive buffers|MR) (?=\w[\w ]*:)/,
    (cursor, [head], line) => smbDirect(cursor, pairsIn(line.slice(head.length))),
  ],

  [/^Server ConnectionId: (0x[0-9a-f]+)$/i, midsOf],
  [/^State: (\d+) com: (\d+) pid: (\d+) cbdata: \S+ mid (\d+)$/, mid],
  [/^Witness registrations:$/, witnessBegins],
  [
    /^Id: (\d+) Refs: (\d+) Network name: '(.*)'\((y|n)\) Share name: '(.*)'\((y|n)\) Ip address: (.*?)\((y|n)\)$/,
    witness,
  ],
];

function version({ data }: DebugCursor, [, text = ""]: RegExpExecArray): boolean {
  data.version = text;
  return true;
}

function features({ data }: DebugCursor, [, list = ""]: RegExpExecArray): boolean {
  data.features = list.split(",").filter((name) => name !== "");
  return true;
}

function maxBufferSize({ data }: DebugCursor, [, bytes]: RegExpExecArray): boolean {
  data.maxBufferSize = Number(bytes);
  return true;
}

function activeRequests({ data }: DebugCursor, [, count]: RegExpExecArray): boolean {
  data.activeRequests = Number(count);
  return true;
}

function midsOf(cursor: DebugCursor, [, id = "0"]: RegExpExecArray): boolean {
  cursor.midsOf = BigInt(id);
  return true;
}

type ServerFacts = { -readonly [Key in keyof DebugServer]?: DebugServer[Key] | undefined };

function onServer({ server }: DebugCursor, facts: ServerFacts): boolean {
  if (server !== undefined) Object.assign(server, facts);
  return server !== undefined;
}

function beginServer(cursor: DebugCursor, begun: DebugServer): Endpoint {
  cursor.data.servers.push(begun);
  Object.assign(cursor, { server: begun, endpoint: begun });
  for (const name of ["channel", "session", "share", "iface", "midsOf", "midsSaid"] as const) cursor[name] = undefined;
  return begun;
}

function server(cursor: DebugCursor, [, index, id = "0", hostname]: RegExpExecArray): boolean {
  const found = { index: Number(index), connectionId: BigInt(id), sessions: [] };
  beginServer(cursor, hostname === undefined ? found : { ...found, hostname });
  return true;
}

/** 5.10 has no line of its own for a server: its credits begin it, or what is said of SMB Direct before them. */
function unnamedServer(cursor: DebugCursor): Endpoint {
  return beginServer(cursor, { index: cursor.data.servers.length + 1, sessions: [] });
}

function credits(cursor: DebugCursor, match: RegExpExecArray, line: string): boolean {
  const [, all, echo, oplock, dialect] = match;
  const taken = cursor.endpoint === cursor.server && cursor.server?.credits !== undefined;
  const endpoint = cursor.endpoint === undefined || taken ? unnamedServer(cursor) : cursor.endpoint;
  endpoint.credits = [all, echo, oplock].filter((value) => value !== undefined).map(Number);
  endpoint.dialect = Number(dialect);
  if (endpoint !== cursor.server) return true;
  const compression = /\bCOMPRESS_(\w+)/.exec(line)?.[1];
  return onServer(cursor, {
    ...(compression === undefined ? {} : { compression }),
    signed: / signed\b/.test(line),
    posix: / posix\b/.test(line),
    noShareSock: / nosharesock\b/.test(line),
  });
}

function tcpStatus(cursor: DebugCursor, [, status, instance]: RegExpExecArray, line: string): boolean {
  const { endpoint } = cursor;
  if (endpoint === undefined) return false;
  endpoint.tcpStatus = Number(status);
  endpoint.instance = Number(instance);
  return line.startsWith("RDMA") ? onServer(cursor, { rdma: true }) : true;
}

function users(cursor: DebugCursor, [, count, mode, onWire]: RegExpExecArray, line: string): boolean {
  const { endpoint, session } = cursor;
  if (endpoint === undefined) return false;
  // 5.10 has all of this in one line.
  const [, id, tail = ""] = /SessionId: (0x[0-9a-f]+)(.*)/i.exec(line) ?? [];
  if (id !== undefined && session !== undefined) {
    session.sessionId = BigInt(id);
    session.encrypted = /\bencrypted\b/.test(tail);
    session.signed = /\bsigned\b/.test(tail);
  }
  const sending = /In Send: (\d+) In MaxReq Wait: (\d+)/.exec(line);
  if (sending !== null) {
    endpoint.inSend = Number(sending[1]);
    endpoint.inMaxRequestWait = Number(sending[2]);
  }
  endpoint.users = Number(count);
  endpoint.securityMode = Number(mode);
  endpoint.requestsOnWire = Number(onWire);
  netNamespace(endpoint, line);
  return true;
}

function inSend(cursor: DebugCursor, [, sending, waiting]: RegExpExecArray, line: string): boolean {
  const { endpoint, channel } = cursor;
  if (endpoint === undefined) return false;
  endpoint.inSend = Number(sending);
  endpoint.inMaxRequestWait = Number(waiting);
  netNamespace(endpoint, line);
  if (channel !== undefined && line.includes("DISCONNECTED")) channel.disconnected = true;
  if (channel !== undefined && line.includes("[RECONNECTING]")) channel.reconnecting = true;
  return true;
}

function netNamespace(endpoint: Endpoint, line: string): void {
  const found = /Net namespace: (\d+)/.exec(line)?.[1];
  if (found !== undefined) endpoint.netNamespace = Number(found);
}

/** `protocol version: 100 transport status: 2`, `max_receive_size:2000`. 7.2 puts a name before a status: `CONNECTED (7)`. */
function pairsIn(text: string): [string, string][] {
  const named = /([A-Za-z_][\w ]*?):\s*([^\s(]+(?: \(\w+\))?)/g;
  return [...text.matchAll(named)].map(([, name = "", value = ""]) => [name, value]);
}

function smbDirect(cursor: DebugCursor, pairs: readonly (readonly [string, string])[]): boolean {
  const { server } = cursor;
  if (server === undefined || (server.connectionId === undefined && server.credits !== undefined))
    unnamedServer(cursor);
  if (cursor.server === undefined || pairs.length === 0) return false;
  cursor.server.smbDirect = Object.assign(Object.create(null), cursor.server.smbDirect, Object.fromEntries(pairs));
  return true;
}

function mid(cursor: DebugCursor, match: RegExpExecArray): boolean {
  const [state, command, pid] = match.slice(1, 4).map(Number);
  const id = BigInt(match[4] ?? 0);
  if (state === undefined || command === undefined || pid === undefined) return false;
  // A vendor's 5.15 has one list for a connection, without its number.
  const connectionId = cursor.midsOf ?? cursor.server?.connectionId;
  if (connectionId === undefined) {
    cursor.midsSaid ??= new Set();
    if (cursor.midsSaid.has(id)) return true;
    cursor.midsSaid.add(id);
  }
  const which = connectionId === undefined ? {} : { connectionId };
  cursor.data.mids.push({ ...which, state, command, pid, mid: id });
  return true;
}

function witnessBegins({ data }: DebugCursor): boolean {
  data.witness ??= [];
  return true;
}

function witness({ data }: DebugCursor, match: RegExpExecArray): boolean {
  const [, id, references, network = "", onNetwork, share = "", onShare, address = "", onAddress] = match;
  data.witness?.push({
    id: Number(id),
    references: Number(references),
    network,
    networkNotify: onNetwork === "y",
    share,
    shareNotify: onShare === "y",
    address,
    addressNotify: onAddress === "y",
  });
  return data.witness !== undefined;
}
