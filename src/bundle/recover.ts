import { createHash } from "node:crypto";
import { join } from "node:path";
import { messageOf } from "../system/error.ts";
import { type Disk, realDisk } from "./disk.ts";
import { bundlesDir, classify, isItemName, itemsDir, stageDir } from "./layout.ts";
import type { Item } from "./manifest.ts";
import { sealBundle } from "./seal.ts";
import { readState, type StageState } from "./state.ts";

/** What the start of the daemon found of an earlier one. */
export interface RecoveryReport {
  readonly id: string;
  /** `finished`: packed with state `recovered`. `removed`: nothing worth keeping. `kept`: could not be treated now, stays for the next start. */
  readonly action: "finished" | "removed" | "kept";
  readonly path?: string;
  readonly reason: string;
}

/**
 * Finishes or removes what an earlier daemon left open, after kill -9 at any point. Call it before the first createBundle() and only as
 * the one daemon of this state directory. Never rejects: what it cannot treat it says.
 */
export async function recoverBundles(stateDir: string, disk: Disk = realDisk): Promise<RecoveryReport[]> {
  const folder = bundlesDir(stateDir);
  let names: string[];
  try {
    await disk.makeDirectory(folder);
    names = (await disk.list(folder)).map((entry) => entry.name).sort();
  } catch (error) {
    return [{ id: "-", action: "kept", reason: `${folder} cannot be read: ${messageOf(error)}` }];
  }
  const found = names.map((name) => ({ name, entry: classify(name) }));
  const ids = (kind: string) =>
    new Set(found.flatMap(({ entry }) => (entry.kind === kind && "id" in entry ? [entry.id] : [])));
  const staged = ids("stage");
  const finished = ids("archive");
  const reports: RecoveryReport[] = [];
  for (const { name, entry } of found) {
    if (entry.kind !== "part" && entry.kind !== "stage") continue;
    const { id } = entry;
    try {
      if (entry.kind === "stage") reports.push(await recoverStage(disk, stateDir, id, finished.has(id)));
      else {
        await disk.remove(join(folder, name));
        // With its stage there, that is where the report comes from.
        if (!staged.has(id))
          reports.push({ id, action: "removed", reason: "an archive that was not finished, without its files" });
      }
    } catch (error) {
      reports.push({ id, action: "kept", reason: messageOf(error) });
    }
  }
  return reports;
}

async function recoverStage(disk: Disk, stateDir: string, id: string, finished: boolean): Promise<RecoveryReport> {
  const stage = stageDir(stateDir, id);
  if (finished) {
    await disk.remove(stage);
    return { id, action: "removed", reason: "left over from a bundle that is whole" };
  }
  const state = await readState(disk, stage);
  if (state === undefined || state.meta.id !== id) {
    await disk.remove(stage);
    return { id, action: "removed", reason: "ended before it was known what it was about" };
  }
  const items = await takeStock(disk, stage, state);
  const notes = [
    ...state.notes,
    "The daemon ended before this bundle was closed; a later start packed what was there.",
  ];
  const { path } = await sealBundle(disk, stateDir, { ...state, items, notes }, "recovered");
  return {
    id,
    action: "finished",
    path,
    reason: `${items.filter((item) => item.size !== undefined).length} files kept`,
  };
}

/** The items as they are on the disk now: state.json knows those that were complete, the others were being written. */
async function takeStock(disk: Disk, stage: string, state: StageState): Promise<Item[]> {
  const known = new Map(state.items.map((item) => [item.name, item]));
  const items = new Map(state.items.map((item) => [item.name, item.size === undefined ? item : lostItem(item)]));
  for await (const name of walk(disk, itemsDir(stage), "")) {
    const { size, sha256 } = await digest(disk, join(itemsDir(stage), name));
    const item = known.get(name);
    if (item?.sha256 === sha256) items.set(name, item);
    else
      items.set(name, {
        name,
        source: item?.source ?? "unknown",
        status: "truncated",
        reason: "it was being written when the daemon ended",
        size,
        sha256,
      });
  }
  return [...items.values()];
}

function lostItem({ name, source }: Item): Item {
  return { name, source, status: "lost", reason: "the file was gone at the next start" };
}

async function* walk(disk: Disk, folder: string, prefix: string): AsyncGenerator<string> {
  for (const { name, kind } of await disk.list(folder)) {
    if (kind === "directory") yield* walk(disk, join(folder, name), `${prefix}${name}/`);
    else if (kind === "file" && isItemName(prefix + name)) yield prefix + name;
  }
}

async function digest(disk: Disk, path: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of disk.read(path)) {
    hash.update(piece);
    size += piece.length;
  }
  return { size, sha256: hash.digest("hex") };
}
