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
}

export interface ShareStats {
  readonly index: number;
  /** `\\host\share` */
  readonly name: string;
  readonly disconnected: boolean;
  smbs?: number;
  bytesRead?: number;
  bytesWritten?: number;
  /** Handles that the client holds; of them those that the server knows. */
  openFiles?: number;
  openOnServer?: number;
  /** `Creates` -> total and failed. */
  readonly counts: Map<string, { readonly total: number; readonly failed: number }>;
}

export interface CifsStats {
  sessions?: number;
  shareTargets?: number;
  operations?: number;
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
  [/^SMB (Request\/Response Buffer|Small Req\/Resp Buffer): /, known],
  [/^Total Large \d+ Small \d+ Allocations$/, known],
  [/^Operations \(MIDs\): (\d+)$/, set("operations")],
  [/^(\d+) session (\d+) share reconnects$/, reconnects],
  [/^Total vfs operations: \d+ maximum at one time: \d+$/, known],
  [/^Max requests in flight: (\d+)$/, connection],
  [/^Total time spent processing by command\. .*\((\d+) per second\)$/, jiffies],
  [/^(SMB3 CMD\s|-{4,})/, known],
  [/^(\d+) slow responses from .* for command (\d+)$/, slow],
  [/^(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$/, command],
  [/^(\d+)\) (\\\\.*?)(\s+DISCONNECTED)?$/, share],
  [/^SMBs: (\d+)/, smbs],
  [/^Bytes read: (\d+) {2}Bytes written: (\d+)$/, bytes],
  [/^Open files: (\d+) total \(local\), (\d+) open on server$/, openFiles],
  [/^(\w+): (\d+) (?:total|sent) (\d+) failed$/, count],
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

function set(name: "sessions" | "shareTargets" | "operations"): Rule[1] {
  return ({ stats }, [count]) => {
    stats[name] = count ?? 0;
    return true;
  };
}

function smbs({ share }: Cursor, [count]: readonly number[]): boolean {
  if (share !== undefined) share.smbs = count ?? 0;
  return share !== undefined;
}

function reconnects({ stats }: Cursor, [sessions, shares]: readonly number[]): boolean {
  stats.sessionReconnects = sessions ?? 0;
  stats.shareReconnects = shares ?? 0;
  return true;
}

function connection(cursor: Cursor, [most]: readonly number[]): boolean {
  cursor.connection = { maxInFlight: most ?? 0, commands: [], slow: new Map() };
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

function slow({ connection }: Cursor, [count, code]: readonly number[]): boolean {
  connection?.slow.set(code ?? 0, count ?? 0);
  return connection !== undefined;
}

function share(cursor: Cursor, [index]: readonly number[], [, , name = "", gone]: RegExpExecArray): boolean {
  cursor.share = { index: index ?? 0, name, disconnected: gone !== undefined, counts: new Map() };
  cursor.stats.shares.push(cursor.share);
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
