import type { Observation } from "../../detect/observation.ts";
import { NfsOpMetrics } from "../../metrics/nfs-ops.ts";
import { rpcToJson } from "../../probe/rpc-json.ts";
import type { RpcOp } from "../../probe/rpc-op.ts";
import type { RpcEvent } from "../../probe/rpc-wire.ts";
import type { Clock } from "../../system/clock.ts";
import { HistoryFeed } from "./history-feed.ts";
import { NfsNames } from "./nfs-names.ts";

/** What the daemon makes of the operations of NFS besides judging them: their history, metrics and names. */
export class NfsOps {
  readonly metrics: NfsOpMetrics;
  readonly feed: HistoryFeed<RpcOp>;
  readonly #names = new NfsNames();

  /** `ask`: as that of HistoryFeed. */
  constructor(ask: (from: number) => number | undefined, nowNs: () => number, maxSeries: number) {
    this.metrics = new NfsOpMetrics((device) => this.#names.exportOf(device), maxSeries);
    this.feed = new HistoryFeed(ask, nowNs);
  }

  take(event: RpcEvent): void {
    this.metrics.take(event);
    if (event.type === "ops") this.feed.outliers(event.ops);
    if (event.type === "tick") this.feed.tick(event.tick.head, event.tick.oldest);
    if (event.type === "history") this.feed.take(event.history);
  }

  observed(observation: Observation): void {
    if (observation.type === "mounts") this.#names.mounted(observation.all);
  }

  probeEnded(): void {
    this.feed.probeEnded();
    this.metrics.probeEnded();
  }

  toJson(op: RpcOp, clock: Clock) {
    const { server, address, device } = op.target;
    const path = this.#names.exportOf(device);
    return rpcToJson(
      op,
      {
        ...(server === undefined ? {} : { server }),
        ...(address === undefined ? {} : { address }),
        ...(path === undefined || server === undefined ? {} : { share: `${server}:${path}` }),
        ...(op.file === undefined ? {} : { path: op.file }),
      },
      clock,
    );
  }
}
