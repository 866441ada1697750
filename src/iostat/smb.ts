// Shares: from Stats at two moments, with what DebugData and the daemon add.

import type { SmbShareDelta } from "../detect/observation.ts";
import { commandName } from "../smb/commands.ts";
import type { CifsStats, ConnectionStats, ShareStats } from "../smb/stats.ts";
import { difference } from "../sources/counters.ts";
import { smbStatsDelta } from "../sources/stats-delta.ts";
import { type Histogram, histogramDelta, quantileMs } from "./histograms.ts";
import type { Reading } from "./reading.ts";
import type { CommandReport, TargetReport } from "./report.ts";
import { type SmbConnection, smbConnections } from "./smb-connections.ts";

/** Names of Stats -> commands. */
const commandsOfCounts: Readonly<Record<string, number>> = {
  TreeConnects: 3,
  TreeDisconnects: 4,
  Creates: 5,
  Closes: 6,
  Flushes: 7,
  Reads: 8,
  Writes: 9,
  Locks: 10,
  IOCTLs: 11,
  QueryDirectories: 14,
  ChangeNotifies: 15,
  QueryInfos: 16,
  SetInfos: 17,
  OplockBreaks: 18,
};
const READ = commandName(8);
const WRITE = commandName(9);

/** `before` absent: since the counters began. */
export function smbTargets(now: Reading, before: Reading | undefined): TargetReport[] {
  if (now.stats === undefined) return [];
  const earlier = new Map(smbConnections(before?.stats ?? nothing, before?.debugData).map((one) => [one.key, one]));
  return smbConnections(now.stats, now.debugData).flatMap((connection) => {
    const old = earlier.get(connection.key);
    // What was not there before began with nothing.
    const parts = partsOf(connection, old);
    return connection.shares.map((share, index) => {
      const key = keyOf(connection.shares, index);
      const delta = parts.deltas.get(key);
      const isNew = before !== undefined && !parts.known.has(key);
      return shareReport(connection, old, share, delta, { now, before, isNew });
    });
  });
}

const nothing: CifsStats = { connections: [], shares: [], unknown: [], cut: false };

/** The name, and which of that name it is. */
function keyOf(shares: readonly ShareStats[], index: number): string {
  const name = shares[index]?.name ?? "";
  return `${shares.slice(0, index).filter((share) => share.name === name).length} ${name}`;
}

/** What the shares of one connection counted, by key; those that went back are not in it. */
function partsOf(now: SmbConnection, old: SmbConnection | undefined) {
  const known = new Set<string>();
  const began = now.shares.map((share, index): ShareStats => {
    const key = keyOf(now.shares, index);
    const at = (old?.shares ?? []).findIndex((_, n) => keyOf(old?.shares ?? [], n) === key);
    const was = old?.shares[at];
    // Told by the kernel itself: these are other counters.
    if (was === undefined || (was.since !== undefined && was.since !== share.since)) {
      return { index: share.index, name: share.name, disconnected: false, counts: new Map() };
    }
    known.add(key);
    return was;
  });
  const deltas = new Map<string, SmbShareDelta>();
  for (const [index, share] of now.shares.entries()) {
    const was = began[index];
    const [delta] = was === undefined ? [] : (smbStatsDelta(one(share), one(was), 0)?.shares ?? []);
    if (delta !== undefined) deltas.set(keyOf(now.shares, index), delta);
  }
  return { known, deltas };
}

const one = (share: ShareStats): CifsStats => ({ ...nothing, shares: [share] });

interface Moments {
  readonly now: Reading;
  readonly before: Reading | undefined;
  readonly isNew: boolean;
}

function shareReport(
  connection: SmbConnection,
  old: SmbConnection | undefined,
  share: ShareStats,
  delta: SmbShareDelta | undefined,
  moments: Moments,
): TargetReport {
  const { server, endpoints } = connection;
  const credits = endpoints.map(({ credits }) => credits?.[0]);
  const onWire = endpoints.map(({ requestsOnWire }) => requestsOnWire);
  const address = server?.sessions.find(({ shares }) => shares.some(({ name }) => name === share.name))?.address;
  const host = server?.hostname ?? address;
  const named = {
    protocol: "smb" as const,
    target: share.name,
    ...(host === undefined ? {} : { server: host }),
    ...(address === undefined ? {} : { address }),
    ...(connection.key.startsWith("#") ? {} : { connection_id: connection.key }),
    ...(moments.isNew ? { new: true as const } : {}),
    ...(share.disconnected ? { disconnected: true as const } : {}),
    ...sumOf("credits", credits),
    ...sumOf("in_flight", onWire),
  };
  if (delta === undefined) {
    const zero = { requests: 0, reads: 0, writes: 0, bytes_read: 0, bytes_written: 0, commands: [] };
    return { ...named, restarted: true, ...zero };
  }
  const commands = commandsOf(connection, old, share, delta, moments, host);
  const mean = (name: string): number | undefined => commands.find(({ command }) => command === name)?.mean_ms;
  const [readMs, writeMs] = [mean(READ), mean(WRITE)];
  const errors =
    share.smb1 === true ? {} : { errors: [...delta.counts.values()].reduce((sum, { failed }) => sum + failed, 0) };
  return {
    ...named,
    requests: delta.requests,
    reads: delta.counts.get("Reads")?.total ?? 0,
    writes: delta.counts.get("Writes")?.total ?? 0,
    bytes_read: delta.bytesRead,
    bytes_written: delta.bytesWritten,
    ...errors,
    ...reconnectsOf(connection, old),
    ...(readMs === undefined ? {} : { read_ms: readMs }),
    ...(writeMs === undefined ? {} : { write_ms: writeMs }),
    commands,
  };
}

function sumOf<Name extends string>(name: Name, values: readonly (number | undefined)[]): { [Key in Name]?: number } {
  const there = values.filter((value) => value !== undefined);
  return there.length === 0
    ? {}
    : ({ [name]: there.reduce((sum, value) => sum + value, 0) } as { [Key in Name]: number });
}

/** The instance of a connection counts up with every reconnect, from 1. */
function reconnectsOf(now: SmbConnection, old: SmbConnection | undefined): { readonly reconnects?: number } {
  const instance = now.server?.instance;
  if (instance === undefined) return {};
  return { reconnects: difference(instance, old?.server?.instance ?? 1) ?? 0 };
}

function commandsOf(
  connection: SmbConnection,
  old: SmbConnection | undefined,
  share: ShareStats,
  delta: SmbShareDelta,
  { now, before }: Moments,
  host: string | undefined,
): CommandReport[] {
  return [...delta.counts].flatMap(([name, { total, failed }]): CommandReport[] => {
    const code = commandsOfCounts[name];
    const command = code === undefined ? name : commandName(code);
    const histogram = histogramOf(share.name, host, command, now, before);
    const counts = { command, count: total, ...(share.smb1 === true ? {} : { errors: failed }) };
    const kernel = code === undefined ? {} : kernelTimes(connection, old, code);
    if (histogram === undefined) {
      const times =
        Object.keys(kernel).length === 0
          ? {}
          : { times_of: connection.shares.length > 1 ? ("connection" as const) : ("share" as const) };
      return [{ ...counts, ...kernel, ...times }];
    }
    const [p50, p99] = [quantileMs(histogram, 0.5), quantileMs(histogram, 0.99)];
    return [
      {
        ...counts,
        ...kernel,
        mean_ms: (histogram.sum / histogram.count) * 1000,
        ...(p50 === undefined ? {} : { p50_ms: p50 }),
        ...(p99 === undefined ? {} : { p99_ms: p99 }),
        times_of: "share",
      },
    ];
  });
}

/** Of the connection and its channels together. */
function kernelTimes(
  now: SmbConnection,
  old: SmbConnection | undefined,
  code: number,
): Pick<CommandReport, "mean_ms" | "worst_ms"> {
  let count = 0;
  let ms = 0;
  let worst: number | undefined;
  for (const [key, { jiffiesPerSecond, commands }] of now.counted) {
    const row = commands.find(({ command }) => command === code);
    if (row === undefined || jiffiesPerSecond === undefined || jiffiesPerSecond <= 0) continue;
    const was = rowOf(old?.counted.get(key), code);
    const more = difference(row.number, was?.number ?? 0);
    const jiffies = difference(row.total, was?.total ?? 0);
    if (row.number > 0) worst = Math.max(worst ?? 0, (row.slowest * 1000) / jiffiesPerSecond);
    if (more === undefined || jiffies === undefined) continue;
    count += more;
    ms += (jiffies * 1000) / jiffiesPerSecond;
  }
  return { ...(count === 0 ? {} : { mean_ms: ms / count }), ...(worst === undefined ? {} : { worst_ms: worst }) };
}

const rowOf = (connection: ConnectionStats | undefined, code: number) =>
  connection?.commands.find(({ command }) => command === code);

/** The daemon's own, of this share alone. */
function histogramOf(
  share: string,
  host: string | undefined,
  command: string,
  now: Reading,
  before: Reading | undefined,
): Histogram | undefined {
  // Since the counters began: the daemon has not seen that.
  if (before?.histograms === undefined || now.histograms === undefined) return undefined;
  const mine = [...now.histograms].find(
    ([, one]) => one.share === share && one.command === command && (host === undefined || one.server === host),
  );
  if (mine === undefined) return undefined;
  const delta = histogramDelta(mine[1], before.histograms.get(mine[0]));
  return delta === undefined || delta.count === 0 ? undefined : delta;
}
