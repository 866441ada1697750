import type { Failure, ProbeEvent, SmbTarget, TickEntry } from "../probe/op.ts";
import type { TargetKey } from "../probe/target-names.ts";
import { commandName } from "../smb/commands.ts";
import { statusName } from "../smb/status.ts";
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

/** MS-ERREF 2.3: both bits of the severity. */
const FIRST_ERROR = 0xc000_0000;

/** Everything that the SMB probe counts, per server, share and command. */
export class SmbOpMetrics {
  readonly #requests: SeriesMap<Requests>;
  readonly #statuses: SeriesMap<Count>;
  readonly #nameOf: (key: TargetKey) => SmbTarget;
  #reconnects = 0;
  #open: number | undefined;
  #oldestNs: { readonly startedNs: number; readonly nowNs: number } | undefined;

  constructor(nameOf: (key: TargetKey) => SmbTarget, maxSeries: number) {
    this.#nameOf = nameOf;
    this.#requests = new SeriesMap(maxSeries);
    this.#statuses = new SeriesMap(maxSeries);
  }

  /** Series that were refused for the bound: what would have been counted in them, per family. */
  get dropped(): { readonly requests: number; readonly statuses: number } {
    return { requests: this.#requests.dropped, statuses: this.#statuses.dropped };
  }

  take(event: ProbeEvent): void {
    if (event.type === "tick") {
      this.#reconnects += event.tick.reconnects;
      for (const entry of event.tick.entries) this.#entry(entry);
      for (const failure of event.tick.failures) this.#failed(failure);
    } else if (event.type === "inflight") {
      const { open, nowNs, ops, waiters } = event.inflight;
      this.#open = open;
      const since = [...ops.map((op) => op.startedNs), ...waiters.map((waiter) => waiter.sinceNs)];
      this.#oldestNs = { startedNs: Math.min(nowNs, ...since), nowNs };
    }
  }

  /** The probe has gone: what is in flight is not known any more. Counters stay. */
  probeEnded(): void {
    this.#open = undefined;
    this.#oldestNs = undefined;
  }

  families(): Family[] {
    const requests = this.#requests.list();
    return [
      {
        name: "aod_smb_request_duration_seconds",
        type: "histogram",
        help: "SMB2/3 requests from creation to release. The sum is that of the kernel's buckets, within 13 percent.",
        samples: requests.map(({ labels, durations }) => ({
          labels,
          bounds,
          counts: durations.cumulative(),
          sum: durations.sum,
        })),
      },
      {
        name: "aod_smb_requests_failed",
        type: "counter",
        help: "SMB2/3 requests that the server refused or that ended without an answer.",
        samples: requests.map(({ labels, errors }) => ({ labels, value: errors })),
      },
      {
        name: "aod_smb_errors",
        type: "counter",
        help: "Failed requests by NTSTATUS.",
        samples: this.#statuses.list().map(({ labels, count }) => ({ labels, value: count })),
      },
      {
        name: "aod_smb_reconnects_seen",
        type: "counter",
        help: "Connections that were given up and made anew, as the probe saw it.",
        samples: [{ labels: {}, value: this.#reconnects }],
      },
      gauge("aod_smb_requests_in_flight", "SMB2/3 requests without an answer.", this.#open),
      gauge(
        "aod_smb_oldest_wait_seconds",
        "Age of the oldest request in flight, or task that waits for credits or a reconnect, as far as it is old enough for a detector; else 0.",
        this.#oldestNs === undefined ? undefined : (this.#oldestNs.nowNs - this.#oldestNs.startedNs) / 1e9,
      ),
    ];
  }

  #entry({ connectionId, sessionId, treeId, commandCode, count, errors, histograms }: TickEntry): void {
    if (count === 0) return;
    const { server, share } = this.#nameOf({ connectionId, sessionId, treeId });
    const labels = { server: server ?? "", share: share ?? "", command: commandName(commandCode) };
    const series = this.#requests.get(labels, count, () => ({ labels, durations: new Durations(), errors: 0 }));
    if (series === undefined) return;
    series.errors += errors;
    if (histograms.latency !== undefined) series.durations.add(histograms.latency);
  }

  #failed({ status, count, commandCode, connectionId, sessionId, treeId }: Failure): void {
    // Less than an error: STATUS_BUFFER_OVERFLOW, STATUS_NO_MORE_FILES.
    if (status < FIRST_ERROR) return;
    const { server, share } = this.#nameOf({ connectionId, sessionId, treeId });
    const command = commandName(commandCode);
    const labels = { server: server ?? "", share: share ?? "", command, status: statusName(status) };
    const series = this.#statuses.get(labels, count, () => ({ labels, count: 0 }));
    if (series !== undefined) series.count += count;
  }
}
