// Which connection a part of Stats belongs to. The file does not name connections; it goes through the same list as DebugData, newest first, with the further
// channels of sessions among them.
import { type DebugData, type DebugServer, type Endpoint, endpointsOf } from "../smb/debug-data.ts";
import type { CifsStats, ConnectionStats, ShareStats } from "../smb/stats.ts";

/** A server's connection, its further channels and its shares, at one moment. */
export interface SmbConnection {
  /** The same from one reading to the next, as long as the connection stands. */
  readonly key: string;
  readonly server?: DebugServer;
  readonly shares: readonly ShareStats[];
  /** What was counted on the connection and on its channels, by connection. */
  readonly counted: ReadonlyMap<string, ConnectionStats>;
  /** The connection and its channels, as DebugData has them. */
  readonly endpoints: readonly Endpoint[];
}

export function smbConnections(stats: CifsStats, data: DebugData | undefined): readonly SmbConnection[] {
  const parts = stats.connections.map((connection) => ({
    connection,
    shares: stats.shares.slice(connection.firstShare, connection.firstShare + connection.shareCount),
  }));
  return (data && byNumber(parts, data)) ?? byShares(parts, data?.servers ?? []);
}

interface Part {
  readonly connection: ConnectionStats;
  readonly shares: readonly ShareStats[];
}

const sameShares = ({ shares }: Part, server: DebugServer): boolean =>
  shares.map(({ name }) => name).join("\n") === sharesOf(server).join("\n");

const sharesOf = ({ sessions }: DebugServer): string[] =>
  sessions.flatMap((session) => session.shares.filter(({ ipc }) => !ipc).map(({ name }) => name));

/** New connections come first and have the higher numbers. Undefined where the two files do not fit, or 5.10 has no numbers. */
function byNumber(parts: readonly Part[], data: DebugData): readonly SmbConnection[] | undefined {
  const numbers = new Set(endpointsOf(data).map(({ connectionId }) => connectionId));
  if (numbers.has(undefined) || numbers.size !== parts.length) return undefined;
  const newestFirst = [...numbers].sort((a = 0n, b = 0n) => (a < b ? 1 : -1));
  const partOf = new Map(newestFirst.map((id, index) => [id, parts[index]]));
  const connections = data.servers.map((server): SmbConnection | undefined => {
    const own = partOf.get(server.connectionId);
    if (own === undefined || !sameShares(own, server)) return undefined;
    const endpoints = endpointsOf({ ...data, servers: [server] });
    const counted = endpoints.map(
      ({ connectionId }) => [`0x${connectionId?.toString(16)}`, partOf.get(connectionId)?.connection] as const,
    );
    return {
      key: `0x${server.connectionId?.toString(16)}`,
      server,
      shares: own.shares,
      counted: new Map(counted.flatMap(([key, one]) => (one === undefined ? [] : [[key, one]]))),
      endpoints,
    };
  });
  return connections.some((one) => one === undefined) ? undefined : connections.flatMap((one) => one ?? []);
}

/** By the names of their shares, in order; counted from the end, where the oldest are. */
function byShares(parts: readonly Part[], servers: readonly DebugServer[]): readonly SmbConnection[] {
  const left = [...servers];
  return parts.flatMap((part, index): SmbConnection[] => {
    // It has no shares: a further channel, whose requests cannot be told apart from others'.
    if (part.shares.length === 0) return [];
    const at = left.findIndex((server) => sameShares(part, server));
    const [server] = at < 0 ? [] : left.splice(at, 1);
    const key = `#${parts.length - index}`;
    return [
      {
        key,
        ...(server === undefined ? {} : { server }),
        shares: part.shares,
        counted: new Map([[key, part.connection]]),
        endpoints: server === undefined ? [] : [server],
      },
    ];
  });
}
