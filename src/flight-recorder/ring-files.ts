import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** A file of a ring: DIRECTORY/RING/NAME. A ring is what one run of the recorder wrote, numbered upwards. */
export interface RingFile {
  readonly path: string;
  readonly writtenMs: number;
}

/** Of all rings, oldest first. */
export function ringFiles(directory: string): RingFile[] {
  return namesIn(directory)
    .flatMap((ring) => filesOf(join(directory, ring)))
    .sort((left, right) => left.writtenMs - right.writtenMs);
}

/** Removes rings that are too many or of which all is too old. Nothing is removed that is being written to, however quiet it is. */
export function expireRings(
  directory: string,
  present: { readonly ring: number; readonly written: boolean },
  keep: number,
  oldestMs: number,
): void {
  for (const name of namesIn(directory)) {
    const ring = join(directory, name);
    if (Number(name) === present.ring && present.written) continue;
    const old = filesOf(ring).every(({ writtenMs }) => writtenMs < oldestMs);
    if (old || Number(name) < present.ring - keep) rmSync(ring, { recursive: true, force: true });
  }
}

function filesOf(ring: string): RingFile[] {
  return namesIn(ring).flatMap((name) => {
    const path = join(ring, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ path, writtenMs: stat.mtimeMs }];
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Nothing has been recorded, or it is being removed.
    return [];
  }
}
