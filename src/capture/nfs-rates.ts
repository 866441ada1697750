import { setTimeout as sleep } from "node:timers/promises";
import { type NfsMountStats, type NfsOpStats, parseMountstats } from "../nfs/mountstats.ts";
import { readLocal } from "../system/proc.ts";
import type { Capture, CaptureContext } from "./capture.ts";
import { mountstatsOf } from "./nfs-state.ts";

const SECONDS = 2;
const limitBytes = 4 * 1024 * 1024;

/** What nfsiostat(8) prints, of the two seconds at the opening and at the close: rates and times per operation. */
export function nfsRatesCapture(wait: (ms: number, signal: AbortSignal) => Promise<unknown> = pause): Capture {
  return {
    name: "nfs-rates",
    summary: "rates and times of NFS operations within two seconds, per mount",
    phases: ["open", "close"],
    async *collect(context) {
      const name = "nfs-rates.ndjson";
      const source = await mountstatsOf(context);
      const first = await read(context, source);
      if (first.length === 0) {
        yield { name, source, status: "absent", reason: "there is no NFS mount" };
        return;
      }
      const fromNs = context.clock.nowNs();
      await wait(SECONDS * 1000, context.signal);
      const second = await read(context, source);
      const seconds = (context.clock.nowNs() - fromNs) / 1e9;
      yield { name, source, content: first.flatMap((mount) => [...ratesOf(mount, second, seconds)]).join("") };
    },
  };
}

const pause = (ms: number, signal: AbortSignal): Promise<unknown> => sleep(ms, undefined, { signal });

async function read(context: CaptureContext, path: string): Promise<readonly NfsMountStats[]> {
  const file = await readLocal(path, { limitBytes, signal: context.signal });
  return parseMountstats(file?.content.toString() ?? "");
}

/** One line for each operation that there was. Mounts of one server share their counters' transport, not the counters. */
function* ratesOf(before: NfsMountStats, after: readonly NfsMountStats[], seconds: number): Generator<string> {
  const now = after.find(({ mountPoint, device }) => mountPoint === before.mountPoint && device === before.device);
  for (const [operation, old] of before.operations) {
    const fresh = now?.operations.get(operation);
    const count = (fresh?.operations ?? 0) - old.operations;
    // None, or the mount is another one by now.
    if (fresh === undefined || count <= 0) continue;
    const each = (field: (stats: NfsOpStats) => number): number => round((field(fresh) - field(old)) / count);
    const line = {
      mount: before.mountPoint,
      device: before.device,
      operation,
      seconds: round(seconds),
      operations: count,
      ...(seconds > 0 ? { per_second: round(count / seconds) } : {}),
      retransmissions: fresh.transmissions - old.transmissions - count,
      major_timeouts: fresh.majorTimeouts - old.majorTimeouts,
      errors: (fresh.errors ?? 0) - (old.errors ?? 0),
      sent_kib: round((fresh.bytesSent - old.bytesSent) / 1024),
      received_kib: round((fresh.bytesReceived - old.bytesReceived) / 1024),
      queue_ms: each((stats) => stats.queueMs),
      rtt_ms: each((stats) => stats.roundTripMs),
      execute_ms: each((stats) => stats.executeMs),
    };
    yield `${JSON.stringify(line)}\n`;
  }
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
