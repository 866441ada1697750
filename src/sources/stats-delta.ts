import type { SmbCommandDelta, SmbShareDelta, SmbStatsDelta } from "../detect/observation.ts";
import type { CifsStats, ConnectionStats, ShareStats } from "../smb/stats.ts";
import { difference } from "./counters.ts";
import { serverOfShare } from "./targets.ts";

/**
 * What the SMB client counted between two looks; undefined where it began anew (a reset, the module loaded again). Shares are told apart by their name and
 * by which of that name they are; connections, which the file does not name, by their place, as long as there are as many.
 */
export function smbStatsDelta(now: CifsStats, before: CifsStats, intervalNs: number): SmbStatsDelta | undefined {
  const sessionReconnects = difference(now.sessionReconnects ?? 0, before.sessionReconnects ?? 0);
  const shareReconnects = difference(now.shareReconnects ?? 0, before.shareReconnects ?? 0);
  if (sessionReconnects === undefined || shareReconnects === undefined) return undefined;
  const earlier = keyed(before.shares);
  const shares = [...keyed(now.shares)].flatMap(([key, share]) => {
    const old = earlier.get(key);
    return old === undefined ? [] : (shareDelta(share, old) ?? []);
  });
  return { intervalNs, sessionReconnects, shareReconnects, shares, commands: commandsOf(now, before) };
}

function keyed(shares: readonly ShareStats[]): Map<string, ShareStats> {
  const result = new Map<string, ShareStats>();
  const seen = new Map<string, number>();
  for (const share of shares) {
    const nth = seen.get(share.name) ?? 0;
    seen.set(share.name, nth + 1);
    result.set(`${nth} ${share.name}`, share);
  }
  return result;
}

function shareDelta(now: ShareStats, before: ShareStats): SmbShareDelta | undefined {
  const requests = difference(now.smbs ?? 0, before.smbs ?? 0);
  const bytesRead = difference(now.bytesRead ?? 0, before.bytesRead ?? 0);
  const bytesWritten = difference(now.bytesWritten ?? 0, before.bytesWritten ?? 0);
  if (requests === undefined || bytesRead === undefined || bytesWritten === undefined) return undefined;
  const counts = new Map<string, { readonly total: number; readonly failed: number }>();
  for (const [name, count] of now.counts) {
    const old = before.counts.get(name) ?? { total: 0, failed: 0 };
    const total = difference(count.total, old.total);
    const failed = difference(count.failed ?? 0, old.failed ?? 0);
    if (total === undefined || failed === undefined) return undefined;
    if (total + failed > 0) counts.set(name, { total, failed });
  }
  const server = serverOfShare(now.name);
  return {
    target: { protocol: "smb", share: now.name, ...(server === undefined ? {} : { server }) },
    disconnected: now.disconnected,
    requests,
    bytesRead,
    bytesWritten,
    counts,
  };
}

function commandsOf(now: CifsStats, before: CifsStats): SmbCommandDelta[] {
  if (now.connections.length !== before.connections.length) return [];
  return now.connections.flatMap((connection, index) => {
    const old = before.connections[index];
    return old === undefined ? [] : connectionDelta(connection, old, index);
  });
}

function connectionDelta(now: ConnectionStats, before: ConnectionStats, connection: number): SmbCommandDelta[] {
  const perSecond = now.jiffiesPerSecond ?? 0;
  if (perSecond <= 0) return [];
  const earlier = new Map(before.commands.map((row) => [row.command, row] as const));
  const rows = now.commands.map(({ command, number, total }) => {
    const old = earlier.get(command);
    return {
      commandCode: command,
      count: difference(number, old?.number ?? 0),
      jiffies: difference(total, old?.total ?? 0),
      slow: difference(now.slow.get(command) ?? 0, before.slow.get(command) ?? 0),
    };
  });
  const deltas: SmbCommandDelta[] = [];
  for (const { commandCode, count, jiffies, slow } of rows) {
    // It is another connection that stands here now.
    if (count === undefined || jiffies === undefined || slow === undefined) return [];
    if (count + slow > 0) deltas.push({ connection, commandCode, count, totalMs: (jiffies * 1000) / perSecond, slow });
  }
  return deltas;
}
