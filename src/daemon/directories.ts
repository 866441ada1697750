import { chmodSync, existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { makeDirectoryTree } from "../system/directory-tree.ts";
import { AodError, messageOf } from "../system/error.ts";
import { type Lock, takeLock } from "../system/lock.ts";
import { hasCode } from "../system/proc.ts";

type Directories = Pick<Config, "run_dir" | "state_dir">;

/** Rejects with AodError `failed`. */
export async function makeDirectories({ run_dir, state_dir }: Directories): Promise<void> {
  try {
    await makeDirectoryTree(join(state_dir, "bundles"), 0o700);
    if (existsSync(run_dir)) return;
    await makeDirectoryTree(run_dir, 0o755);
    chmodSync(run_dir, 0o750);
  } catch (error) {
    const hint = hasCode(error, "EROFS")
      ? ". Under the service: aod install lets it write to the configured state_dir"
      : "";
    throw new AodError("failed", `cannot make the daemon's directories: ${messageOf(error)}${hint}`, { cause: error });
  }
}

/** Of both directories: each has one daemon. */
export function takeLocks({ run_dir, state_dir }: Directories, procRoot: string): () => void {
  const taken: Lock[] = [];
  const release = (): void => {
    for (const lock of taken) lock.release();
  };
  try {
    for (const directory of new Set([run_dir, state_dir]))
      taken.push(takeLock({ directory, procRoot, pid: process.pid }));
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
