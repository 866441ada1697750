// One rule for every line of DebugData that is known, over kernels 5.10 to 7.2.
import type { DebugCursor, Endpoint } from "./debug-data.ts";

/** False when the line makes no sense where it stands. */
type Apply = (cursor: DebugCursor, match: RegExpExecArray, line: string) => boolean;
type Rule = readonly [RegExp, Apply];

const known: Apply = () => true;

export const rules: readonly Rule[] = [
  [/^(Display Internal CIFS|-{3,}|CIFSMaxBufSize:|Servers:|Sessions:|Shares:|MIDs:$|--$|\[NONE\])/, known],
  [/^CIFS Version (\S+)$/, version],
  [/^Features: ?(.*)$/, features],
  [/^Active VFS Requests: (\d+)$/, activeRequests],

  [/^(\d+)\) ConnectionId: (0x[0-9a-f]+)(?: Hostname: (\S+))?/i, server],
  [/^Number of credits: (\d+)(?:,(\d+),(\d+))? Dialect (0x[0-9a-f]+)/i, credits],
  [/^TCP status: (\d+) Instance: (\d+)/, tcpStatus],
  [/^Local Users To Server: (\d+) SecMode: (0x[0-9a-f]+) Req On Wire: (\d+)/i, users],
  [/^In Send: (\d+) In MaxReq Wait: (\d+)/, inSend],
  [
    /^(ClientGUID|Server capabilities|Compression|Encryption|DFS leaf full path|RDMA|SMBDirect|DFS root session id)\b/,
    known,
  ],

  [/^(\d+)\) Address: (\S+) Uses: (\d+) Capability: (0x[0-9a-f]+)\s+Session Status: (\d+)/i, session],
  [/^(\d+)\) Name: (\S+) +(?:Domain: .*?)?Uses: (\d+).*?Capability: (0x[0-9a-f]+)\s+Session Status: (\d+)/i, session],
  [/^Security type: (\S+)(?: +SessionId: (0x[0-9a-f]+))?/i, security],
  [/^User: (\d+) Cred User: (\d+)/, user],
  [/^password no longer valid/, passwordInvalid],
  [/^Extra Channels: (\d+)/, known],
  [/^Channel: (\d+) DISABLED/, (cursor, match) => channel(cursor, match, true)],
  [/^Channel: (\d+) ConnectionId: (0x[0-9a-f]+)/i, (cursor, match) => channel(cursor, match, false)],
  [/^(?:Primary channel: )?(DISCONNECTED|\[RECONNECTING\])/, broken],

  [/^(\d+)\) IPC: none/, known],
  [/^(\d+)\) (IPC: )?(\\\\.*?) Mounts: (\d+)/, share],
  [/^PathComponentMax: \d+ Status: (\d+) type: (\S+)/, shareStatus],
  [/^Share Capabilities:/, known],
  [/^tid: (0x[0-9a-f]+)/i, tree],
  [/^DFS origin fullpath: /, known],

  [/^Server interfaces: \d+/, known],
  [/^\d+\)\s+Speed: /, known],
  [/^(Capabilities:|IPv4: |IPv6: |Weight \(cur,total\)|Allocated channels: |\[CONNECTED\]|\[for-cleanup\])/, known],
  [/^Server ConnectionId: (0x[0-9a-f]+)$/i, midsOf],
  [/^State: (\d+) com: (\d+) pid: (\d+) cbdata: \S+ mid (\d+)$/, mid],
];

function version({ data }: DebugCursor, [, text = ""]: RegExpExecArray): boolean {
  data.version = text;
  return true;
}

function features({ data }: DebugCursor, [, list = ""]: RegExpExecArray): boolean {
  data.features = list.split(",").filter((name) => name !== "");
  return true;
}

function activeRequests({ data }: DebugCursor, [, count]: RegExpExecArray): boolean {
  data.activeRequests = Number(count);
  return true;
}

function passwordInvalid({ session }: DebugCursor): boolean {
  if (session !== undefined) session.passwordInvalid = true;
  return session !== undefined;
}

function midsOf(cursor: DebugCursor, [, id = "0"]: RegExpExecArray): boolean {
  cursor.midsOf = BigInt(id);
  return true;
}

function server(cursor: DebugCursor, [, index, id = "0", hostname]: RegExpExecArray): boolean {
  const found = { index: Number(index), connectionId: BigInt(id), sessions: [] };
  cursor.server = hostname === undefined ? found : { ...found, hostname };
  cursor.data.servers.push(cursor.server);
  cursor.endpoint = cursor.server;
  cursor.channel = undefined;
  cursor.session = undefined;
  cursor.share = undefined;
  cursor.midsOf = undefined;
  return true;
}

function credits(cursor: DebugCursor, [, all, echo, oplock, dialect]: RegExpExecArray): boolean {
  // 5.10 has no line of its own for a server: its credits begin it.
  if (cursor.endpoint === undefined || (cursor.endpoint === cursor.server && cursor.server.credits !== undefined)) {
    cursor.server = { index: cursor.data.servers.length + 1, sessions: [] };
    cursor.data.servers.push(cursor.server);
    cursor.endpoint = cursor.server;
  }
  cursor.endpoint.credits = [all, echo, oplock].filter((value) => value !== undefined).map(Number);
  cursor.endpoint.dialect = Number(dialect);
  return true;
}

function tcpStatus({ endpoint }: DebugCursor, [, status, instance]: RegExpExecArray): boolean {
  if (endpoint === undefined) return false;
  endpoint.tcpStatus = Number(status);
  endpoint.instance = Number(instance);
  return true;
}

function users({ endpoint, session }: DebugCursor, [, count, mode, onWire]: RegExpExecArray, line: string): boolean {
  if (endpoint === undefined) return false;
  // 5.10 has all of this in one line.
  const id = /SessionId: (0x[0-9a-f]+)/i.exec(line)?.[1];
  if (id !== undefined && session !== undefined) session.sessionId = BigInt(id);
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
  if (cursor.endpoint === undefined) return false;
  cursor.endpoint.inSend = Number(sending);
  cursor.endpoint.inMaxRequestWait = Number(waiting);
  netNamespace(cursor.endpoint, line);
  if (cursor.channel !== undefined && line.includes("DISCONNECTED")) cursor.channel.disconnected = true;
  return true;
}

function netNamespace(endpoint: Endpoint, line: string): void {
  const found = /Net namespace: (\d+)/.exec(line)?.[1];
  if (found !== undefined) endpoint.netNamespace = Number(found);
}

function session(cursor: DebugCursor, match: RegExpExecArray): boolean {
  if (cursor.server === undefined) return false;
  const [, index, address = "", uses, capability, status] = match;
  cursor.session = {
    index: Number(index),
    address,
    uses: Number(uses),
    capability: Number(capability),
    status: Number(status),
    encrypted: false,
    signed: false,
    disconnected: false,
    reconnecting: false,
    passwordInvalid: false,
    channels: [],
    shares: [],
  };
  cursor.server.sessions.push(cursor.session);
  cursor.endpoint = cursor.server;
  cursor.channel = undefined;
  cursor.share = undefined;
  cursor.midsOf = undefined;
  return true;
}

function security({ session }: DebugCursor, [, type = "", id]: RegExpExecArray, line: string): boolean {
  if (session === undefined) return false;
  session.securityType = type;
  if (id !== undefined) session.sessionId = BigInt(id);
  session.encrypted = /\bencrypted\b/i.test(line);
  session.signed = /\bsigned\b/.test(line);
  return true;
}

function user(cursor: DebugCursor, match: RegExpExecArray, line: string): boolean {
  const [, uid, credUser] = match;
  if (cursor.session === undefined) return false;
  cursor.session.user = Number(uid);
  cursor.session.credUser = Number(credUser);
  return broken(cursor, match, line);
}

function channel(cursor: DebugCursor, [, index, id]: RegExpExecArray, disabled: boolean): boolean {
  if (cursor.session === undefined) return false;
  const found = { index: Number(index), disconnected: false, disabled };
  cursor.channel = id === undefined ? found : { ...found, connectionId: BigInt(id) };
  cursor.endpoint = cursor.channel;
  cursor.session.channels.push(cursor.channel);
  return true;
}

/** Words that stand at the end of a line or on a line of their own. */
function broken(cursor: DebugCursor, _match: RegExpExecArray, line: string): boolean {
  const of = cursor.channel ?? cursor.session;
  if (of === undefined) return false;
  if (line.includes("DISCONNECTED")) of.disconnected = true;
  if (line.includes("[RECONNECTING]") && cursor.session !== undefined) cursor.session.reconnecting = true;
  return true;
}

function share(cursor: DebugCursor, [, index, ipc, name = "", mounts]: RegExpExecArray): boolean {
  if (cursor.session === undefined) return false;
  cursor.channel = undefined;
  cursor.share = {
    index: Number(index),
    name,
    ipc: ipc !== undefined,
    mounts: Number(mounts),
    encrypted: false,
    disconnected: false,
  };
  cursor.session.shares.push(cursor.share);
  return true;
}

function shareStatus({ share }: DebugCursor, [, status, type = ""]: RegExpExecArray, line: string): boolean {
  if (share === undefined) return false;
  share.status = Number(status);
  share.type = type;
  share.encrypted = /\bencrypted\b/i.test(line);
  return true;
}

function tree({ share }: DebugCursor, [, id]: RegExpExecArray, line: string): boolean {
  if (share === undefined) return false;
  share.treeId = Number(id);
  share.disconnected = line.includes("DISCONNECTED");
  return true;
}

function mid({ data, midsOf }: DebugCursor, [, state, command, pid, number = "0"]: RegExpExecArray): boolean {
  const found = { state: Number(state), command: Number(command), pid: Number(pid), mid: BigInt(number) };
  data.mids.push(midsOf === undefined ? found : { connectionId: midsOf, ...found });
  return true;
}
