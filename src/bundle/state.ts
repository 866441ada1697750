import { join } from "node:path";
import type { Disk } from "./disk.ts";
import type { BundleLoss, BundleMeta, Item } from "./manifest.ts";

/** state.json: what a later start needs to finish the bundle. */
export interface StageState {
  readonly meta: BundleMeta;
  readonly items: readonly Item[];
  readonly notes: readonly string[];
  readonly losses: readonly BundleLoss[];
}

const fileName = "state.json";

/** Replaces state.json in one step: the old or the new one is there, whenever the process ends. */
export async function writeState(disk: Disk, stage: string, state: StageState): Promise<void> {
  const fresh = join(stage, "state.json.new");
  await disk.remove(fresh);
  const file = await disk.create(fresh);
  try {
    await file.write(Buffer.from(JSON.stringify(state)));
  } finally {
    await file.close();
  }
  await disk.rename(fresh, join(stage, fileName));
}

/** Undefined when it is not there or not whole: a machine that lost power may leave it empty. */
export async function readState(disk: Disk, stage: string): Promise<StageState | undefined> {
  if (!(await disk.list(stage)).some((entry) => entry.name === fileName && entry.kind === "file")) return undefined;
  const pieces: Buffer[] = [];
  for await (const piece of disk.read(join(stage, fileName))) pieces.push(piece);
  try {
    const state: unknown = JSON.parse(Buffer.concat(pieces).toString());
    return isState(state) ? state : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The file is our own, written whole and renamed: its outline is enough. */
function isState(value: unknown): value is StageState {
  if (typeof value !== "object" || value === null) return false;
  if (!("meta" in value && "items" in value && "notes" in value && "losses" in value)) return false;
  const { meta, items, notes, losses } = value;
  const named = typeof meta === "object" && meta !== null && "id" in meta && typeof meta.id === "string";
  return named && Array.isArray(items) && Array.isArray(notes) && Array.isArray(losses);
}

/** Sums losses of the same kind and detail. */
export function mergeLosses(...lists: readonly (readonly BundleLoss[])[]): BundleLoss[] {
  const merged = new Map<string, BundleLoss>();
  for (const loss of lists.flat()) {
    const key = JSON.stringify([loss.kind, loss.detail]);
    merged.set(key, { ...loss, count: loss.count + (merged.get(key)?.count ?? 0) });
  }
  return [...merged.values()];
}
