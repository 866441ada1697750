import { rpcStatusName } from "../nfs/status.ts";
import type { RpcEvent, RpcFailure, RpcTickEntry } from "../probe/rpc-wire.ts";
import { bounds, Durations } from "./durations.ts";
import { type Family, gauge, type Labels } from "./exposition.ts";
import { SeriesMap } from "./series-map.ts";

interface Requests {
  readonly labels: Labels;
  readonly durations: Durations;
  errors: number;
}

interface Count {
  readonly labels: Labels;
  count: number;
}

/** Everything that the NFS probe counts, per server, export and operation. */
export class NfsOpMetrics {
  readonly #requests: SeriesMap<Requests>;
  readonly #statuses: SeriesMap<Count>;
  readonly #exportOf: (device: string | undefined) => string | undefined;
  #open: number | undefined;
  #oldestS: number | undefined;

  constructor(exportOf: (device: string | undefined) => string | undefined, maxSeries: number) {
    this.#exportOf = exportOf;
    this.#requests = new SeriesMap(maxSeries);
    this.#statuses = new SeriesMap(maxSeries);
  }

  /** What would have been counted in series that were refused for the bound, per family. */
  get dropped(): { readonly requests: number; readonly statuses: number } {
    return { requests: this.#requests.dropped, statuses: this.#statuses.dropped };
  }

  take(event: RpcEvent): void {
    if (event.type === "tick") {
      for (const entry of event.tick.entries) this.#entry(entry);
      for (const failure of event.tick.failures) this.#failed(failure);
    }
    if (event.type !== "inflight") return;
    const { open, nowNs, ops } = event.inflight;
    this.#open = open;
    this.#oldestS = (nowNs - Math.min(nowNs, ...ops.map(({ startedNs }) => startedNs))) / 1e9;
  }

  /** The probe has gone: what is in flight is not known any more. Counters stay. */
  probeEnded(): void {
    this.#open = undefined;
    this.#oldestS = undefined;
  }

  families(): Family[] {
    const requests = this.#requests.list();
    return [
      {
        name: "aod_nfs_request_duration_seconds",
        type: "histogram",
        help: "NFS operations from their begin to their end, retries included. The sum is that of the kernel's buckets, within 13 percent.",
        samples: requests.map(({ labels, durations }) => ({
          labels,
          bounds,
          counts: durations.cumulative(),
          sum: durations.sum,
        })),
      },
      {
        name: "aod_nfs_requests_failed",
        type: "counter",
        help: "NFS operations that the server refused or that ended without an answer.",
        samples: requests.map(({ labels, errors }) => ({ labels, value: errors })),
      },
      {
        name: "aod_nfs_errors",
        type: "counter",
        help: "Failed NFS operations by the server's status, or by the errno of the client or its RPC layer.",
        samples: this.#statuses.list().map(({ labels, count }) => ({ labels, value: count })),
      },
      gauge("aod_nfs_requests_in_flight", "NFS operations that have not ended.", this.#open),
      gauge(
        "aod_nfs_oldest_wait_seconds",
        "Age of the oldest NFS operation in flight, as far as it is old enough for a detector; else 0.",
        this.#oldestS,
      ),
    ];
  }

  #entry({ server, device, procedure, count, errors, latency }: RpcTickEntry): void {
    if (count === 0) return;
    const labels = { server: server ?? "", export: this.#exportOf(device) ?? "", operation: procedure };
    const series = this.#requests.get(labels, count, () => ({ labels, durations: new Durations(), errors: 0 }));
    if (series === undefined) return;
    series.errors += errors;
    series.durations.add(latency);
  }

  #failed({ server, device, procedure, status, count }: RpcFailure): void {
    const of = { server: server ?? "", export: this.#exportOf(device) ?? "", operation: procedure };
    const labels = { ...of, status: rpcStatusName(status) };
    const series = this.#statuses.get(labels, count, () => ({ labels, count: 0 }));
    if (series !== undefined) series.count += count;
  }
}
