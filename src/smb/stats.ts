// /proc/fs/cifs/Stats: fs/smb/client/cifs_debug.c, cifs_stats_proc_show(). Connections come without a name, newest first.
export interface CommandStats {
  readonly command: number;
  /** Requests that were released. */
  readonly number: number;
  /** Jiffies from creation to release. */
  readonly total: number;
  readonly fastest: number;
  readonly slowest: number;
}

export interface ConnectionStats {
  readonly maxInFlight: number;
  /** Absent on kernels without CIFS_STATS2. */
  jiffiesPerSecond?: number;
  readonly commands: CommandStats[];
  /** Slow responses by command. */
  readonly slow: Map<number, number>;
  /** The name of its server, where a slow response tells it. */
  hostname?: string;
  /** Where in `shares` its shares begin, and how many there are: none where it is a further channel. */
  readonly firstShare: number;
  shareCount: number;
}

export interface ShareStats {
  readonly index: number;
  /** `\\host\share` */
  readonly name: string;
  readonly disconnected: boolean;
  smbs?: number;
  /** `2026-11-22 12:37:11` UTC, when the counters began; 6.12 and later. */
  since?: string;
  bytesRead?: number;
  bytesWritten?: number;
  /** Handles that the client holds; of them those that the server knows. */
  openFiles?: number;
  openOnServer?: number;
  /** `Creates` -> total and failed. SMB1 does not tell what failed. */
  readonly counts: Map<string, { readonly total: number; readonly failed?: number }>;
  /** SMB1 has a grammar of its own. */
  smb1?: true;
}

export interface CifsStats {
  sessions?: number;
  shareTargets?: number;
  operations?: number;
  vfsOperations?: number;
  vfsMost?: number;
  /** Request buffers in use and in their pools. */
  buffers?: readonly [used: number, pool: number];
  smallBuffers?: readonly [used: number, pool: number];
  sessionReconnects?: number;
  shareReconnects?: number;
  readonly connections: ConnectionStats[];
  readonly shares: ShareStats[];
  /** Lines that no rule knows, in order. */
  readonly unknown: string[];
  /** The text ends within a line: that line is among the unknown ones. */
  readonly cut: boolean;
}

interface Cursor {
  readonly stats: CifsStats;
  connection?: ConnectionStats;
  share?: ShareStats;
}

const known = (): undefined => undefined;

type Rule = readonly [RegExp, (cursor: Cursor, match: readonly number[], text: RegExpExecArray) => boolean | undefined];

const rules: readonly Rule[] = [
  [/^Resources in use$/, known],
  [/^CIFS Session: (\d+)$/, set("sessions")],
  [/^Share \(unique mount targets\): (\d+)$/, set("shareTargets")],
  [/^SMB Request\/Response Buffer: (\d+) Pool size: (\d+)$/, buffers("buffers")],
  [/^SMB Small Req\/Resp Buffer: (\d+) Pool size: (\d+)$/, buffers("smallBuffers")],
  [/^Total Large \d+ Small \d+ Allocations$/, known],
  [/^Operations \(MIDs\): (\d+)$/, set("operations")],
  [/^(\d+) session (\d+) share reconnects$/, reconnects],
  [/^Total vfs operations: (\d+) maximum at one time: (\d+)$/, vfsOperations],
  [/^Max requests in flight: (\d+)$/, connection],
  [/^Total time spent processing by command\. .*\((\d+) per second\)$/, jiffies],
  [/^(SMB3 CMD\s|-{4,})/, known],
  [/^(\d+) slow responses from (.*) for command (\d+)$/, slow],
  [/^(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$/, command],
  [/^(\d+)\) (\\\\.*?)(\s+DISCONNECTED)?$/, share],
  [/^SMBs: (\d+)(?: since (.*?) UTC)?(?: +Oplocks breaks: (\d+))?$/, smbs],
  [/^Bytes read: (\d+) {2}Bytes written: (\d+)$/, bytes],
  [/^Open files: (\d+) total \(local\), (\d+) open on server$/, openFiles],
  [/^(\w+): (\d+) (?:total|sent) (\d+) failed$/, count],
  [
    /^(?:(?:Reads|Writes): +\d+ Bytes: \d+|(?:(?:Flushes|Locks|HardLinks|Symlinks|Opens|Closes|Deletes|Posix Opens|Posix Mkdirs|Mkdirs|Rmdirs|Renames|T2 Renames|FindFirst|FNext|FClose):? +\d+ ?)+)$/,
    smb1Counts,
  ],
];

/** Never throws. */
export function parseStats(text: string): CifsStats {
  const lines = text.split("\n");
  const rest = lines.pop() ?? "";
  const stats: CifsStats = { connections: [], shares: [], unknown: [], cut: rest !== "" };
  const cursor: Cursor = { stats };
  for (const raw of lines) {
    const line = raw.trim();
    if (line !== "" && !applyRules(line, cursor)) stats.unknown.push(line);
  }
  if (rest.trim() !== "") stats.unknown.push(rest.trim());
  return stats;
}

function applyRules(line: string, cursor: Cursor): boolean {
  for (const [pattern, apply] of rules) {
    const match = pattern.exec(line);
    if (match !== null) return apply(cursor, match.slice(1).map(Number), match) ?? true;
  }
  return false;
}

function buffers(name: "buffers" | "smallBuffers"): Rule[1] {
  return ({ stats }, [used = 0, pool = 0]) => {
    stats[name] = [used, pool];
    return true;
  };
}

function vfsOperations({ stats }: Cursor, [all, most]: readonly number[]): boolean {
  stats.vfsOperations = all ?? 0;
  stats.vfsMost = most ?? 0;
  return true;
}

function set(name: "sessions" | "shareTargets" | "operations"): Rule[1] {
  return ({ stats }, [count]) => {
    stats[name] = count ?? 0;
    return true;
  };
}

function smbs({ share }: Cursor, [count]: readonly number[], [, , since, breaks]: RegExpExecArray): boolean {
  if (share === undefined) return false;
  share.smbs = count ?? 0;
  if (since !== undefined) share.since = since.replace("T", " ");
  if (breaks !== undefined) smb1Count(share, "OplockBreaks", Number(breaks));
  return true;
}

function smb1Count(share: ShareStats, name: string, total: number): void {
  share.smb1 = true;
  share.counts.set(name, { total });
}

/** `Reads:  3 Bytes: 4096`; `Locks: 0 HardLinks: 0 Symlinks: 0`; `Renames: 0 T2 Renames 0` */
function smb1Counts({ share }: Cursor, _: readonly number[], [line]: RegExpExecArray): boolean {
  if (share === undefined) return false;
  const [, what, count, bytes] = /^(Reads|Writes): +(\d+) Bytes: (\d+)$/.exec(line) ?? [];
  if (what !== undefined) {
    smb1Count(share, what, Number(count));
    share[what === "Reads" ? "bytesRead" : "bytesWritten"] = Number(bytes);
    return true;
  }
  for (const [, name = "", total] of line.matchAll(/([A-Z][\w ]*?):? +(\d+)(?= |$)/g)) {
    smb1Count(share, name, Number(total));
  }
  return true;
}

function reconnects({ stats }: Cursor, [sessions, shares]: readonly number[]): boolean {
  stats.sessionReconnects = sessions ?? 0;
  stats.shareReconnects = shares ?? 0;
  return true;
}

function connection(cursor: Cursor, [most]: readonly number[]): boolean {
  const firstShare = cursor.stats.shares.length;
  cursor.connection = { maxInFlight: most ?? 0, commands: [], slow: new Map(), firstShare, shareCount: 0 };
  delete cursor.share;
  cursor.stats.connections.push(cursor.connection);
  return true;
}

function jiffies({ connection }: Cursor, [perSecond]: readonly number[]): boolean {
  if (connection === undefined) return false;
  connection.jiffiesPerSecond = perSecond ?? 0;
  return true;
}

function command({ connection }: Cursor, values: readonly number[]): boolean {
  const [code = 0, number = 0, total = 0, fastest = 0, slowest = 0] = values;
  connection?.commands.push({ command: code, number, total, fastest, slowest });
  return connection !== undefined;
}

function slow({ connection }: Cursor, [count, , code]: readonly number[], [, , server]: RegExpExecArray): boolean {
  if (connection === undefined) return false;
  connection.slow.set(code ?? 0, count ?? 0);
  if (server !== undefined && server !== "(null)") connection.hostname = server;
  return true;
}

function share(cursor: Cursor, [index]: readonly number[], [, , name = "", gone]: RegExpExecArray): boolean {
  cursor.share = { index: index ?? 0, name, disconnected: gone !== undefined, counts: new Map() };
  cursor.stats.shares.push(cursor.share);
  if (cursor.connection !== undefined) cursor.connection.shareCount++;
  return true;
}

function bytes({ share }: Cursor, [read, written]: readonly number[]): boolean {
  if (share === undefined) return false;
  share.bytesRead = read ?? 0;
  share.bytesWritten = written ?? 0;
  return true;
}

function openFiles({ share }: Cursor, [local, server]: readonly number[]): boolean {
  if (share === undefined) return false;
  share.openFiles = local ?? 0;
  share.openOnServer = server ?? 0;
  return true;
}

function count({ share }: Cursor, [, total, failed]: readonly number[], [, name = ""]: RegExpExecArray): boolean {
  share?.counts.set(name, { total: total ?? 0, failed: failed ?? 0 });
  return share !== undefined;
}
