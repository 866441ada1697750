import type { NfsMountDelta, NfsOperationDelta, NfsTransportDelta } from "../detect/observation.ts";
import type { NfsMountStats, NfsOpStats } from "../nfs/mountstats.ts";
import { differences } from "./counters.ts";
import { nfsDevice } from "./targets.ts";

/** What one mount counted between two looks; undefined where it began anew. */
export function nfsMountDelta(
  now: NfsMountStats,
  before: NfsMountStats,
  intervalNs: number,
): NfsMountDelta | undefined {
  if ((now.ageSeconds ?? 0) < (before.ageSeconds ?? 0)) return undefined;
  const operations: NfsOperationDelta[] = [];
  for (const [name, stats] of now.operations) {
    const delta = operationDelta(stats, before.operations.get(name));
    if (delta === undefined) return undefined;
    if (delta.count + delta.transmissions + delta.majorTimeouts > 0) operations.push(delta);
  }
  return {
    target: { protocol: "nfs", ...nfsDevice(now.device), ...addressOf(now) },
    mountPoint: now.mountPoint,
    intervalNs,
    operations,
    transports: transportsOf(now, before),
    ...(now.leaseExpiredSeconds === undefined ? {} : { leaseExpired: now.leaseExpiredSeconds > 0 }),
  };
}

function addressOf({ options = "" }: NfsMountStats): { readonly address?: string } {
  const [, address] = /(?:^|,)addr=([^,]+)/.exec(options) ?? [];
  return address === undefined ? {} : { address };
}

const zero = {
  operations: 0,
  transmissions: 0,
  majorTimeouts: 0,
  queueMs: 0,
  roundTripMs: 0,
  executeMs: 0,
  errors: 0,
  bytes: 0,
};

function operationDelta(now: NfsOpStats, before: NfsOpStats | undefined): NfsOperationDelta | undefined {
  const delta = differences(numbersOf(now), before === undefined ? zero : numbersOf(before));
  if (delta === undefined) return undefined;
  const { operations: count, errors, ...rest } = delta;
  return { operation: now.operation, count, ...rest, ...(now.errors === undefined ? {} : { errors }) };
}

function numbersOf(stats: NfsOpStats): typeof zero {
  const { operations, transmissions, majorTimeouts, queueMs, roundTripMs, executeMs, errors = 0 } = stats;
  const bytes = stats.bytesSent + stats.bytesReceived;
  return { operations, transmissions, majorTimeouts, queueMs, roundTripMs, executeMs, errors, bytes };
}

/** Where a kind of transport has its numbers: net/sunrpc/xprtsock.c and xprtrdma/transport.c, *_print_stats(). */
const places: Readonly<Record<string, Partial<Record<"connects" | "sends" | "receives" | "badXids", number>>>> = {
  tcp: { connects: 2, sends: 5, receives: 6, badXids: 7 },
  "tcp-with-tls": { connects: 2, sends: 5, receives: 6, badXids: 7 },
  rdma: { connects: 2, sends: 5, receives: 6, badXids: 7 },
  local: { connects: 1, sends: 4, receives: 5, badXids: 6 },
  udp: { sends: 2, receives: 3, badXids: 4 },
};

function transportsOf(now: NfsMountStats, before: NfsMountStats): NfsTransportDelta[] {
  return now.transports.flatMap(({ kind, numbers }, index) => {
    const old = before.transports[index];
    const counts = countsOf(kind, numbers);
    if (counts === undefined || old?.kind !== kind) return [];
    const delta = differences(counts, countsOf(kind, old.numbers) ?? counts);
    if (delta === undefined) return [];
    return [{ kind, ...delta, pending: Math.max(0, counts.sends - counts.receives) }];
  });
}

function countsOf(kind: string, numbers: readonly number[]) {
  const place = places[kind];
  if (place === undefined) return undefined;
  const at = (index: number | undefined): number => (index === undefined ? 0 : (numbers[index] ?? 0));
  return {
    connects: at(place.connects),
    sends: at(place.sends),
    receives: at(place.receives),
    badXids: at(place.badXids),
  };
}
