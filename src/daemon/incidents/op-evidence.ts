import type { WorstOp } from "../../capture/capture.ts";
import type { AnomalyTarget } from "../../detect/detector.ts";
import type { Protocol } from "../../detect/observation.ts";
import type { SmbOp } from "../../probe/op.ts";
import type { RpcOp } from "../../probe/rpc-op.ts";
import type { HistoryFeed, Subscription } from "../probes/history-feed.ts";
import type { Coverage } from "../probes/op-recorder.ts";
import { type OpBacklog, OpStream } from "../probes/op-stream.ts";
import { type AnyOp, WorstOps } from "./worst-ops.ts";

/** The histories of operations. */
export interface Feeds {
  readonly smb: HistoryFeed<SmbOp>;
  readonly nfs: HistoryFeed<RpcOp>;
  /** What waits of all incidents together. */
  readonly backlog?: OpBacklog;
}

interface Followed {
  readonly subscription: Subscription;
  readonly worst: WorstOps;
}

/** The operations of one incident, of every protocol that it may be about, as one stream of lines. */
export class OpEvidence {
  /** NDJSON, until end(). */
  readonly stream: OpStream<AnyOp>;
  readonly #feeds: Feeds;
  readonly #toJson: (op: AnyOp) => WorstOp;
  readonly #followed = new Map<Protocol, Followed>();

  constructor(feeds: Feeds, toJson: (op: AnyOp) => WorstOp) {
    this.#feeds = feeds;
    this.#toJson = toJson;
    this.stream = new OpStream(toJson, feeds.backlog);
  }

  /** The operations of what an anomaly may be about, from before this moment on. */
  follow(target: AnomalyTarget): void {
    for (const protocol of protocolsOf(target)) {
      if (this.#followed.has(protocol)) continue;
      const worst = new WorstOps();
      const sink = (ops: readonly AnyOp[]): void => {
        this.stream.push(ops);
        worst.push(ops);
      };
      const ready = (): boolean => this.stream.ready;
      this.#followed.set(protocol, { worst, subscription: this.#feeds[protocol].add(sink, ready) });
    }
  }

  /** Operations that begin later are not the incident's. */
  until(untilNs: number): void {
    for (const { subscription } of this.#followed.values()) subscription.recorder.untilNs = untilNs;
  }

  /** Worst first, of each protocol. */
  worst(): WorstOp[] {
    return [...this.#followed.values()].flatMap(({ worst }) => worst.list()).map(this.#toJson);
  }

  get coverages(): readonly (readonly [Protocol, Coverage])[] {
    return [...this.#followed].map(
      ([protocol, { subscription }]) => [protocol, subscription.recorder.coverage] as const,
    );
  }

  /** The ends of what is held, as far as they come before `given`. Then the stream ends. */
  async end(given: Promise<void>): Promise<void> {
    const finished = [...this.#followed].map(([protocol, one]) => this.#feeds[protocol].finish(one.subscription));
    await Promise.race([Promise.all(finished), given]);
    for (const { subscription } of this.#followed.values()) subscription.recorder.end();
    this.stream.end();
  }

  /** Nobody takes the operations any more. */
  drop(): void {
    for (const [protocol, { subscription }] of this.#followed) this.#feeds[protocol].drop(subscription);
  }
}

/** Both where neither the target nor its connection says which it is. */
function protocolsOf({ protocol, connectionId }: AnomalyTarget): readonly Protocol[] {
  if (protocol !== undefined) return [protocol];
  // The kernel numbers SMB connections alone.
  return connectionId === undefined ? ["smb", "nfs"] : ["smb"];
}

/** CLOCK_MONOTONIC ns of the first and the last of them. */
export function spanOf(coverages: OpEvidence["coverages"]): { readonly fromNs?: number; readonly toNs?: number } {
  const known = coverages.flatMap(([, { fromNs, toNs }]) =>
    fromNs === undefined || toNs === undefined ? [] : [{ fromNs, toNs }],
  );
  if (known.length === 0) return {};
  return {
    fromNs: Math.min(...known.map(({ fromNs }) => fromNs)),
    toNs: Math.max(...known.map(({ toNs }) => toNs)),
  };
}

/** Of each protocol of which there is any. */
export function describeCoverages(coverages: OpEvidence["coverages"], openedNs: number): string {
  const seen = coverages.filter(([, { fromNs }]) => fromNs !== undefined);
  const texts = seen.map(([protocol, coverage]) => [protocol, describeCoverage(coverage, openedNs)] as const);
  const [only] = texts;
  if (only === undefined) return "no operation was seen";
  if (texts.length === 1) return only[1];
  return texts.map(([protocol, text]) => `${protocol.toUpperCase()}: ${text}`).join("; ");
}

/** What the ops before the incident are: everything, or as much as the ring held. */
export function describeCoverage({ written, fromNs, ringWasFull, missed }: Coverage, openedNs: number): string {
  if (fromNs === undefined) return "no operation was seen";
  const before = `${((openedNs - fromNs) / 1e9).toFixed(1)} s before the incident opened`;
  const held = ringWasFull
    ? `${written} operations, from ${before}: the ring had overwritten older ones`
    : `${written} operations, from ${before}: everything since the probe was attached`;
  return missed === 0 ? held : `${held}; ${missed} in between were not seen`;
}
