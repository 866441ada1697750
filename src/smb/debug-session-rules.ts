// Rules for the lines of DebugData that tell of sessions, their further channels, shares and the server's interfaces.
import type { DebugCursor, DebugInterface, DebugSession, DebugShare } from "./debug-data.ts";
import { known, type Rule } from "./debug-data-rules.ts";

export const sessionRules: readonly Rule[] = [
  [/^(\d+)\) Address: (\S+) Uses: (\d+) Capability: (0x[0-9a-f]+)\s+Session Status: (\d+)/i, session],
  [/^(\d+)\) Name: (\S+) +Uses: (\d+) Capability: (0x[0-9a-f]+)\s+Session Status: (\d+)/i, session],
  [/^(\d+)\) Name: (\S+) +Domain: (.*?) Uses: (\d+) OS: ?(.*)$/, smb1Session],
  [/^NOS: (.*?)\s+Capability: (0x[0-9a-f]+)$/i, nos],
  [/^SMB session status: (\d+)/, smb1Status],
  [/^Security type: (\S+)(?: +SessionId: (0x[0-9a-f]+))?/i, security],
  [/^User: (\d+) Cred User: (\d+)/, user],
  [/^DFS root session id: (0x[0-9a-f]+)/i, dfsRoot],
  [/^password no longer valid/, passwordInvalid],
  [/^Extra Channels: (\d+)/, known],
  [/^Channel: (\d+) DISABLED/, (cursor, match) => channel(cursor, match, true)],
  [/^Channel: (\d+) ConnectionId: (0x[0-9a-f]+)/i, (cursor, match) => channel(cursor, match, false)],
  [
    /^Channel (\d+) Number of credits: (\d+) Dialect (0x[0-9a-f]+) TCP status: (\d+) Instance: (\d+) Local Users To Server: (\d+) SecMode: (0x[0-9a-f]+) Req On Wire: (\d+) In Send: (\d+) In MaxReq Wait: (\d+)/i,
    oldChannel,
  ],
  [/^(?:Primary channel: )?(DISCONNECTED|\[RECONNECTING\])/, broken],

  [/^(\d+)\) IPC: none/, known],
  [/^(\d+)\) (IPC: )?(\\\\.*?) Mounts: (\d+)/, share],
  [/^PathComponentMax: (\d+) Status: (\d+) type: (\S+)(?:\s+Serial Number: (0x[0-9a-f]+))?/i, shareStatus],
  [/^Share Capabilities:(.*?)(?:\s+Share Flags: (0x[0-9a-f]+))?$/i, shareCapabilities],
  [/^tid: (0x[0-9a-f]+)/i, tree],
  [/^DFS origin fullpath: (.*)$/, (cursor, [, path]) => onShare(cursor, { dfsOrigin: path })],

  [/^Server interfaces: \d+(?:\s+Last updated: (\d+) seconds ago)?/, interfaces],
  [/^(\d+)\)\s+Speed: (.*)$/, iface],
  [
    /^Capabilities:(.*)$/,
    (cursor, [, words = ""]) => onIface(cursor, { rdma: /\brdma\b/.test(words), rss: /\brss\b/.test(words) }),
  ],
  [/^IPv[46]: (\S+)$/, (cursor, [, address]) => onIface(cursor, { address })],
  [
    /^Weight \(cur,total\): \((\d+),(\d+)\)$/,
    (cursor, [, now, all]) => onIface(cursor, { weight: [Number(now), Number(all)] }),
  ],
  [/^Allocated channels: (\d+)$/, (cursor, [, count]) => onIface(cursor, { channels: Number(count) })],
  [/^\[CONNECTED\]$/, (cursor) => onIface(cursor, { connected: true })],
  [/^\[for-cleanup\]$/, (cursor) => onIface(cursor, { gone: true })],
];

function begin(cursor: DebugCursor, facts: Partial<DebugSession>, index: string | undefined): boolean {
  if (cursor.server === undefined) return false;
  cursor.session = {
    index: Number(index),
    encrypted: false,
    signed: false,
    disconnected: false,
    reconnecting: false,
    passwordInvalid: false,
    channels: [],
    shares: [],
    ...facts,
  };
  cursor.server.sessions.push(cursor.session);
  cursor.endpoint = cursor.server;
  cursor.channel = undefined;
  cursor.share = undefined;
  cursor.iface = undefined;
  cursor.midsOf = undefined;
  return true;
}

function session(cursor: DebugCursor, match: RegExpExecArray, line: string): boolean {
  const [, index, address = "", uses, capability, status] = match;
  const facts = { address, uses: Number(uses), capability: Number(capability), status: Number(status) };
  return begin(cursor, facts, index) && endOfStatus(cursor, line);
}

/** What follows the status: on 5.10 the security type too. */
function endOfStatus({ session }: DebugCursor, line: string): boolean {
  if (session === undefined) return false;
  if (/\bGuest\s/.test(`${line} `)) session.guest = true;
  if (/\bAnonymous\s/.test(`${line} `)) session.anonymous = true;
  if (line.includes("password no longer valid")) session.passwordInvalid = true;
  const type = /\bSecurity type: (\S+)/.exec(line)?.[1];
  if (type !== undefined) session.securityType = type;
  return true;
}

function smb1Session(cursor: DebugCursor, match: RegExpExecArray): boolean {
  const [, index, address = "", domain = "", uses, os = ""] = match;
  return begin(cursor, { address, domain, uses: Number(uses), os: os.trim() }, index);
}

function nos({ session }: DebugCursor, [, text = "", capability]: RegExpExecArray): boolean {
  if (session !== undefined) Object.assign(session, { nos: text, capability: Number(capability) });
  return session !== undefined;
}

function smb1Status(cursor: DebugCursor, [, status]: RegExpExecArray, line: string): boolean {
  if (cursor.session !== undefined) cursor.session.status = Number(status);
  return endOfStatus(cursor, line);
}

function security({ session }: DebugCursor, [, type = "", id]: RegExpExecArray, line: string): boolean {
  if (session === undefined) return false;
  session.securityType = type;
  if (id !== undefined) session.sessionId = BigInt(id);
  session.encrypted = /\bencrypted\b/i.test(line);
  session.signed = /\bsigned\b/.test(line);
  if (line.includes("(gcm256)")) session.gcm256 = true;
  return true;
}

function user(cursor: DebugCursor, match: RegExpExecArray, line: string): boolean {
  const [, uid, credUser] = match;
  if (cursor.session === undefined) return false;
  cursor.session.user = Number(uid);
  cursor.session.credUser = Number(credUser);
  return broken(cursor, match, line);
}

function dfsRoot(cursor: DebugCursor, match: RegExpExecArray, line: string): boolean {
  if (cursor.session === undefined) return false;
  cursor.session.dfsRootSessionId = BigInt(match[1] ?? 0);
  return broken(cursor, match, line);
}

function passwordInvalid({ session }: DebugCursor): boolean {
  if (session !== undefined) session.passwordInvalid = true;
  return session !== undefined;
}

function channel(cursor: DebugCursor, [, index, id]: RegExpExecArray, disabled: boolean): boolean {
  if (cursor.session === undefined) return false;
  const found = { index: Number(index), disconnected: false, disabled };
  cursor.channel = id === undefined ? found : { ...found, connectionId: BigInt(id) };
  cursor.endpoint = cursor.channel;
  cursor.session.channels.push(cursor.channel);
  return true;
}

/** 5.10 has a line for each, and goes on with the session. */
function oldChannel({ session }: DebugCursor, match: RegExpExecArray): boolean {
  const [index = 0, credits = 0, dialect = 0, tcpStatus = 0, instance = 0, users = 0, securityMode = 0, ...rest] = match
    .slice(1)
    .map(Number);
  const [requestsOnWire = 0, inSend = 0, inMaxRequestWait = 0] = rest;
  const numbers = { dialect, tcpStatus, instance, users, securityMode, requestsOnWire, inSend, inMaxRequestWait };
  session?.channels.push({ index, credits: [credits], ...numbers, disconnected: false, disabled: false });
  return session !== undefined;
}

/** Words that stand at the end of a line or on a line of their own. */
function broken(cursor: DebugCursor, _match: RegExpExecArray, line: string): boolean {
  const { channel, session } = cursor;
  const of = channel ?? session;
  if (of === undefined) return false;
  if (line.includes("DISCONNECTED")) of.disconnected = true;
  if (!line.includes("[RECONNECTING]")) return true;
  if (channel !== undefined) channel.reconnecting = true;
  if (session !== undefined) session.reconnecting = true;
  return true;
}

function share(cursor: DebugCursor, [, index, ipc, name = "", mounts]: RegExpExecArray, line: string): boolean {
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
  const [, fileSystem, device, attributes] =
    /Mounts: \d+ (?:Type: (.*?) )?DevInfo: (0x[0-9a-f]+) Attributes: (0x[0-9a-f]+)/i.exec(line) ?? [];
  if (fileSystem !== undefined) cursor.share.fileSystem = fileSystem;
  return device === undefined || onShare(cursor, { deviceInfo: Number(device), attributes: Number(attributes) });
}

type ShareFacts = { -readonly [Key in keyof DebugShare]?: DebugShare[Key] | undefined };

function onShare({ share }: DebugCursor, facts: ShareFacts): boolean {
  if (share !== undefined) Object.assign(share, facts);
  return share !== undefined;
}

function shareStatus(cursor: DebugCursor, match: RegExpExecArray, line: string): boolean {
  const [, maxComponent, status, type = "", serial] = match;
  return onShare(cursor, {
    maxComponent: Number(maxComponent),
    status: Number(status),
    type,
    ...(serial === undefined ? {} : { serial: Number(serial) }),
    encrypted: /\bencrypted\b/i.test(line),
    ...wordsAtTheEnd(line),
    // A share of SMB1 has no further lines.
    ...(line.includes("DISCONNECTED") ? { disconnected: true } : {}),
  });
}

function wordsAtTheEnd(line: string): ShareFacts {
  return {
    ...(/ nocase\b/.test(line) ? { nocase: true } : {}),
    ...(/ POSIX Extensions\b/.test(line) ? { posix: true } : {}),
    ...(/ Witness\b/.test(line) ? { witness: true } : {}),
    ...(/ nosparse\b/.test(line) ? { nosparse: true } : {}),
  };
}

/** ` DFS, CLUSTER, SSD,`; ` None Aligned, Partition Aligned,` */
function shareCapabilities(cursor: DebugCursor, [, words = "", flags]: RegExpExecArray): boolean {
  const capabilities = words
    .replace(/^ None\b/, "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  return onShare(cursor, { capabilities, ...(flags === undefined ? {} : { shareFlags: Number(flags) }) });
}

function tree(cursor: DebugCursor, [, id]: RegExpExecArray, line: string): boolean {
  const sector = /Optimal sector size: (0x[0-9a-f]+)/i.exec(line)?.[1];
  const access = /Maximal Access: (0x[0-9a-f]+)/i.exec(line)?.[1];
  return onShare(cursor, {
    treeId: Number(id),
    disconnected: line.includes("DISCONNECTED"),
    ...(sector === undefined ? {} : { sectorSize: Number(sector) }),
    ...(access === undefined ? {} : { maximalAccess: Number(access) }),
    ...wordsAtTheEnd(line),
  });
}

function interfaces({ session }: DebugCursor, [, age]: RegExpExecArray): boolean {
  if (session === undefined) return false;
  session.interfaces = [];
  if (age !== undefined) session.interfacesAgeSeconds = Number(age);
  return true;
}

function iface(cursor: DebugCursor, [, index, speed = ""]: RegExpExecArray): boolean {
  if (cursor.session === undefined) return false;
  cursor.iface = { index: Number(index), speed };
  cursor.session.interfaces ??= [];
  cursor.session.interfaces.push(cursor.iface);
  return true;
}

type IfaceFacts = { -readonly [Key in keyof DebugInterface]?: DebugInterface[Key] | undefined };

function onIface({ iface }: DebugCursor, facts: IfaceFacts): boolean {
  if (iface !== undefined) Object.assign(iface, facts);
  return iface !== undefined;
}
