import { join } from "node:path";
import type { Clock } from "../system/clock.ts";
import { messageOf } from "../system/error.ts";
import { type Disk, realDisk } from "./disk.ts";
import { archivePath, bundlesDir, classify } from "./layout.ts";

export interface RetentionLimits {
  readonly maxCount: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

export interface StoredBundle {
  readonly id: string;
  readonly bytes: number;
  /** Unix ms */
  readonly mtimeMs: number;
}

export interface Removal {
  readonly id: string;
  readonly bytes: number;
  readonly why: "age" | "count" | "bytes";
}

/** Which bundles go: those that are too old, then the oldest until count and bytes are kept. Never the newest one. */
export function decideRetention(bundles: readonly StoredBundle[], limits: RetentionLimits, nowMs: number): Removal[] {
  const oldestFirst = [...bundles].sort((a, b) => a.mtimeMs - b.mtimeMs || (a.id < b.id ? -1 : 1));
  let count = oldestFirst.length;
  let bytes = oldestFirst.reduce((sum, bundle) => sum + bundle.bytes, 0);
  const removals: Removal[] = [];
  for (const bundle of oldestFirst.slice(0, -1)) {
    const why =
      nowMs - bundle.mtimeMs > limits.maxAgeMs
        ? "age"
        : count > limits.maxCount
          ? "count"
          : bytes > limits.maxBytes
            ? "bytes"
            : undefined;
    if (why === undefined) break;
    removals.push({ id: bundle.id, bytes: bundle.bytes, why });
    count -= 1;
    bytes -= bundle.bytes;
  }
  return removals;
}

/** Finished bundles, newest first. */
export async function listBundles(stateDir: string, disk: Disk = realDisk): Promise<StoredBundle[]> {
  const folder = bundlesDir(stateDir);
  const bundles: StoredBundle[] = [];
  for (const { name, kind } of await disk.list(folder)) {
    const entry = classify(name);
    if (entry.kind !== "archive" || kind !== "file") continue;
    const { size, mtimeMs } = await disk.stat(join(folder, name));
    bundles.push({ id: entry.id, bytes: size, mtimeMs });
  }
  return bundles.sort((a, b) => b.mtimeMs - a.mtimeMs);
}

/** Applies the limits. `failed` names what could not be removed. */
export async function applyRetention(
  stateDir: string,
  limits: RetentionLimits,
  clock: Clock,
  disk: Disk = realDisk,
): Promise<{ readonly removed: Removal[]; readonly failed: string[] }> {
  const removed: Removal[] = [];
  const failed: string[] = [];
  for (const removal of decideRetention(await listBundles(stateDir, disk), limits, clock.wallMs())) {
    try {
      await disk.remove(archivePath(stateDir, removal.id));
      removed.push(removal);
    } catch (error) {
      failed.push(`${removal.id}: ${messageOf(error)}`);
    }
  }
  return { removed, failed };
}
