import { join } from "node:path";
import type { Disk } from "./disk.ts";
import { archivePath, bundlesDir, itemsDir, partPath, stageDir } from "./layout.ts";
import { type Item, type Manifest, SCHEMA_VERSION } from "./manifest.ts";
import { packArchive } from "./pack.ts";
import { redact } from "./redact.ts";
import { mergeLosses, type StageState } from "./state.ts";

/**
 * Makes the finished archive from a stage directory: packed beside its place, fsync, renamed, fsync of the directory, and only then is
 * the stage removed. On failure nothing half is left, except what cannot be removed either.
 */
export async function sealBundle(
  disk: Disk,
  stateDir: string,
  state: StageState,
  how: Manifest["state"],
): Promise<{ readonly path: string; readonly bytes: number }> {
  const { id } = state.meta;
  const stage = stageDir(stateDir, id);
  const part = partPath(stateDir, id);
  const path = archivePath(stateDir, id);
  await disk.remove(part);
  try {
    const out = await disk.create(part);
    let bytes: number;
    try {
      bytes = await packArchive(
        disk,
        out,
        entriesOf(state, stage, how),
        new Date(state.meta.closed ?? state.meta.opened),
      );
      await out.sync();
    } finally {
      await out.close();
    }
    await disk.rename(part, path);
    await disk.syncDirectory(bundlesDir(stateDir));
    await disk.remove(stage);
    return { path, bytes };
  } catch (error) {
    await disk.remove(part).catch((second: unknown) => {
      throw new AggregateError([error, second], `${part} could neither be written nor removed`);
    });
    throw error;
  }
}

function entriesOf(state: StageState, stage: string, how: Manifest["state"]) {
  const { id } = state.meta;
  const items = [...state.items].sort((a, b) => (a.name < b.name ? -1 : 1));
  const manifest = {
    name: `${id}/manifest.json`,
    // Sources are command lines, reasons what programs said: text as any other.
    content: Buffer.from(`${redact(JSON.stringify(manifestOf(state, items, how), null, 2), "json").text}\n`),
  };
  const files = items.flatMap(({ name, size }) =>
    size === undefined ? [] : [{ name: `${id}/${name}`, content: { path: join(itemsDir(stage), name), size } }],
  );
  return [manifest, ...files];
}

function manifestOf(state: StageState, items: readonly Item[], how: Manifest["state"]): Manifest {
  const losses = mergeLosses(state.meta.losses, state.losses);
  return { schema_version: SCHEMA_VERSION, state: how, ...state.meta, losses, notes: state.notes, items };
}
