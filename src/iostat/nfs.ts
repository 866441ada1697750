// NFS mounts: from mountstats at two moments.
import type { NfsOperationDelta } from "../detect/observation.ts";
import type { NfsMountStats, NfsOpStats } from "../nfs/mountstats.ts";
import { difference } from "../sources/counters.ts";
import { nfsMountDelta } from "../sources/mountstats-delta.ts";
import { nfsDevice } from "../sources/targets.ts";
import type { Reading } from "./reading.ts";
import type { CommandReport, TargetReport } from "./report.ts";

/** Since 6.10 version 4.2 reads with READ_PLUS. */
const reading: ReadonlySet<string> = new Set(["READ", "READ_PLUS"]);
/** Where `bytes:` has what went over the wire as content of files. */
const SERVER_READ = 4;
const SERVER_WRITTEN = 5;

/** `before` absent: since the mount. */
export function nfsTargets(now: Reading, before: Reading | undefined): TargetReport[] {
  const earlier = new Map((before?.mounts ?? []).map((mount) => [keyOf(mount), mount]));
  return now.mounts.map((mount) => {
    const old = earlier.get(keyOf(mount));
    return mountReport(mount, old ?? fresh(mount), before !== undefined && old === undefined);
  });
}

const keyOf = ({ device, mountPoint }: NfsMountStats): string => `${device}\n${mountPoint}`;

/** The mount as it was when it was made. */
function fresh({ device, mountPoint, fstype, transports }: NfsMountStats): NfsMountStats {
  const none = transports.map(({ kind, numbers }) => ({ kind, numbers: numbers.map(() => 0) }));
  return {
    device,
    mountPoint,
    fstype,
    events: [],
    bytes: [],
    fscache: [],
    transports: none,
    operations: new Map(),
    unknown: [],
  };
}

function mountReport(mount: NfsMountStats, before: NfsMountStats, isNew: boolean): TargetReport {
  const { server } = nfsDevice(mount.device);
  const named = {
    protocol: "nfs" as const,
    target: mount.device,
    mount: mount.mountPoint,
    ...(server === undefined ? {} : { server }),
    ...(isNew ? { new: true as const } : {}),
  };
  const delta = nfsMountDelta(mount, before, 0);
  const [read, written] = [SERVER_READ, SERVER_WRITTEN].map((at) =>
    difference(mount.bytes[at] ?? 0, before.bytes[at] ?? 0),
  );
  if (delta === undefined || read === undefined || written === undefined) {
    const zero = { requests: 0, reads: 0, writes: 0, bytes_read: 0, bytes_written: 0, commands: [] };
    return { ...named, restarted: true, ...zero };
  }
  const { operations, transports } = delta;
  const of = (name: (operation: string) => boolean) => operations.filter(({ operation }) => name(operation));
  const [reads, writes] = [of((name) => reading.has(name)), of((name) => name === "WRITE")];
  const sum = (list: readonly NfsOperationDelta[], field: (one: NfsOperationDelta) => number): number =>
    list.reduce((all, one) => all + field(one), 0);
  const count = (list: readonly NfsOperationDelta[]): number => sum(list, ({ count }) => count);
  const mean = (list: readonly NfsOperationDelta[]): number | undefined =>
    count(list) === 0 ? undefined : sum(list, ({ executeMs }) => executeMs) / count(list);
  const [readMs, writeMs] = [mean(reads), mean(writes)];
  const counted = operations.every(({ errors }) => errors !== undefined);
  return {
    ...named,
    requests: count(operations),
    reads: count(reads),
    writes: count(writes),
    bytes_read: read,
    bytes_written: written,
    ...(counted ? { errors: sum(operations, ({ errors }) => errors ?? 0) } : {}),
    reconnects: transports.reduce((all, { connects }) => all + connects, 0),
    retransmissions: Math.max(
      0,
      sum(operations, ({ transmissions, count }) => transmissions - count),
    ),
    in_flight: transports.reduce((all, { pending }) => all + pending, 0),
    ...(readMs === undefined ? {} : { read_ms: readMs }),
    ...(writeMs === undefined ? {} : { write_ms: writeMs }),
    commands: operations.map((one) => commandReport(one, mount.operations.get(one.operation))),
  };
}

function commandReport(one: NfsOperationDelta, now: NfsOpStats | undefined): CommandReport {
  const { operation: command, count, errors, transmissions, queueMs, roundTripMs, executeMs } = one;
  const each = (ms: number): number => ms / count;
  const times =
    count === 0
      ? {}
      : { mean_ms: each(executeMs), queue_ms: each(queueMs), rtt_ms: each(roundTripMs), times_of: "mount" as const };
  return {
    command,
    count,
    ...(errors === undefined || now?.errors === undefined ? {} : { errors }),
    ...times,
    retransmissions: Math.max(0, transmissions - count),
  };
}
