import { parseMountstats } from "../nfs/mountstats.ts";
import type { Family, Labels, Sample } from "./exposition.ts";

interface Sums {
  readonly labels: Labels;
  operations: number;
  errors: number;
  retransmissions: number;
  executeSeconds: number;
}

/** The NFS client's own counters per server, export and operation, summed over mounts; at most `max` of them. */
export function nfsFamilies(mountstats: string, max: number): { families: Family[]; left: number } {
  const sums = new Map<string, Sums>();
  let left = 0;
  const seen = new Set<string>();
  for (const { device, operations } of parseMountstats(mountstats)) {
    // Two mounts of one export share its counters, and each shows them.
    const same = JSON.stringify([device, [...operations.values()]]);
    if (seen.has(same)) continue;
    seen.add(same);
    const [, server = device, share = ""] = /^(.*?):(\/.*)$/.exec(device) ?? [];
    for (const stats of operations.values()) {
      if (stats.operations === 0) continue;
      const labels = { server, export: share, operation: stats.operation };
      const key = Object.values(labels).join("\0");
      const sum = sums.get(key) ?? { labels, operations: 0, errors: 0, retransmissions: 0, executeSeconds: 0 };
      if (!sums.has(key) && sums.size >= max) {
        left++;
        continue;
      }
      sums.set(key, sum);
      sum.operations += stats.operations;
      sum.errors += stats.errors ?? 0;
      sum.retransmissions += Math.max(0, stats.transmissions - stats.operations);
      sum.executeSeconds += stats.executeMs / 1000;
    }
  }
  const counter = (name: string, help: string, value: (sum: Sums) => number): Family => ({
    name,
    type: "counter",
    help,
    samples: [...sums.values()].map((sum): Sample => ({ labels: sum.labels, value: value(sum) })),
  });
  return {
    families: [
      counter("aod_nfs_operations", "Operations of the NFS client.", (sum) => sum.operations),
      counter("aod_nfs_operation_errors", "Operations that ended with an error.", (sum) => sum.errors),
      counter("aod_nfs_retransmissions", "Requests that were sent again.", (sum) => sum.retransmissions),
      counter("aod_nfs_operation_duration_seconds", "Time from queueing to the end.", (sum) => sum.executeSeconds),
    ],
    left,
  };
}
