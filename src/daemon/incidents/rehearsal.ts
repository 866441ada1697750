import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { BundleHost, BundleMeta, BundleVersions, Item } from "../../bundle/manifest.ts";
import { createBundle } from "../../bundle/writer.ts";
import type { CaptureSummary } from "../../capture/run.ts";
import { type Clock, formatWall } from "../../system/clock.ts";
import { messageOf } from "../../system/error.ts";

/** What a capture would give if an incident opened now. */
export interface RehearsedItem {
  readonly name: string;
  readonly status: Item["status"];
  readonly reason?: string;
}

/** `error`: the rehearsal itself failed. */
export interface Rehearsal {
  readonly items: readonly RehearsedItem[];
  readonly error?: string;
}

export interface RehearsalDeps {
  /** A directory that goes with the machine's memory; the rehearsal's own is made below it and removed. */
  readonly runDir: string;
  readonly meta: Omit<BundleMeta, "id">;
  readonly capture: (writer: ReturnType<typeof createBundle>, signal: AbortSignal) => Promise<CaptureSummary>;
  /** What all of it may take. */
  readonly limitMs: number;
  /** Aborted when the daemon ends, which waits for nobody who only rehearses. */
  readonly signal: AbortSignal;
}

/**
 * Collects the evidence of an opening incident once, at the daemon's start, and throws it away. It shows what cannot be captured on this machine
 * while there is time to mend it, and what runs when an incident opens has run before: the first capture is not late for want of code. Never
 * rejects.
 */
export async function rehearse({ runDir, meta, capture, limitMs, signal }: RehearsalDeps): Promise<Rehearsal> {
  const directory = join(runDir, "rehearsal");
  let writer: ReturnType<typeof createBundle> | undefined;
  try {
    await rm(directory, { recursive: true, force: true });
    writer = createBundle(directory, { ...meta, id: "rehearsal" }, { minFreeBytes: 0 });
    const { items } = await capture(writer, AbortSignal.any([signal, AbortSignal.timeout(limitMs)]));
    return {
      items: items.map(({ name, status, reason }) => ({ name, status, ...(reason === undefined ? {} : { reason }) })),
    };
  } catch (error) {
    return { items: [], error: messageOf(error) };
  } finally {
    await writer?.then(
      (one) => one.abort("it was a rehearsal"),
      () => undefined, // told above
    );
    // What cannot be removed is memory of a few KiB, and the next start tries again.
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** It is about nothing that happened. */
export function rehearsalMeta(host: BundleHost, versions: BundleVersions, clock: Clock): Omit<BundleMeta, "id"> {
  const opened = formatWall(clock.wallMs());
  const anomaly = { detector: "rehearsal", time: opened, summary: "the daemon's start" };
  return { anomaly, anomalies: [anomaly], target: {}, opened, losses: [], versions, host };
}
