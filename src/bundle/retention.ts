import { join } from "node:path";
import type { Clock } from "../system/clock.ts";
import { messageOf } from "../system/error.ts";
import { type Disk, realDisk } from "./disk.ts";
import { archivePath, bundlesDir, classify } from "./layout.ts";

export interface RetentionLimits {
  readonly maxCount: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** Bytes that must stay free on the file system. */
  readonly minFreeBytes: number;
}

export interface StoredBundle {
  readonly id: string;
  readonly bytes: number;
  /** Unix ms */
  readonly mtimeMs: number;
  /** Retention leaves it alone. */
  readonly pinned: boolean;
}

export interface Removal {
  readonly id: string;
  readonly bytes: number;
  readonly why: "age" | "count" | "bytes" | "free";
}

/**
 * Which bundles go: those that are too old, then the oldest until count, bytes and the floor of the disk are kept. Never the newest one, never a
 * pinned one; pinned ones count all the same.
 */
export function decideRetention(
  bundles: readonly StoredBundle[],
  limits: RetentionLimits,
  now: { readonly wallMs: number; readonly freeBytes: number },
): Removal[] {
  const oldestFirst = [...bundles].sort((a, b) => a.mtimeMs - b.mtimeMs || (a.id < b.id ? -1 : 1));
  let count = oldestFirst.length;
  let bytes = oldestFirst.reduce((sum, bundle) => sum + bundle.bytes, 0);
  let free = now.freeBytes;
  const removals: Removal[] = [];
  for (const bundle of oldestFirst.slice(0, -1)) {
    if (bundle.pinned) continue;
    const why =
      now.wallMs - bundle.mtimeMs > limits.maxAgeMs
        ? "age"
        : count > limits.maxCount
          ? "count"
          : bytes > limits.maxBytes
            ? "bytes"
            : free < limits.minFreeBytes
              ? "free"
              : undefined;
    if (why === undefined) break;
    removals.push({ id: bundle.id, bytes: bundle.bytes, why });
    count -= 1;
    bytes -= bundle.bytes;
    free += bundle.bytes;
  }
  return removals;
}

/** Finished bundles, newest first. */
export async function listBundles(stateDir: string, disk: Disk = realDisk): Promise<StoredBundle[]> {
  const folder = bundlesDir(stateDir);
  const bundles: StoredBundle[] = [];
  const entries = await disk.list(folder);
  const pins = new Set(entries.flatMap(({ name }) => pinnedId(name)));
  for (const { name, kind } of entries) {
    const entry = classify(name);
    if (entry.kind !== "archive" || kind !== "file") continue;
    const { size, mtimeMs } = await disk.stat(join(folder, name));
    bundles.push({ id: entry.id, bytes: size, mtimeMs, pinned: pins.has(entry.id) });
  }
  return bundles.sort((a, b) => b.mtimeMs - a.mtimeMs);
}

function pinnedId(name: string): string[] {
  const entry = classify(name);
  return entry.kind === "pin" ? [entry.id] : [];
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
  const bundles = await listBundles(stateDir, disk);
  const now = { wallMs: clock.wallMs(), freeBytes: await disk.freeBytes(bundlesDir(stateDir)) };
  for (const removal of decideRetention(bundles, limits, now)) {
    try {
      await disk.remove(archivePath(stateDir, removal.id));
      removed.push(removal);
    } catch (error) {
      failed.push(`${removal.id}: ${messageOf(error)}`);
    }
  }
  return { removed, failed };
}
