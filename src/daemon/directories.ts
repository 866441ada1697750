import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { AodError, messageOf } from "../system/error.ts";
import { type Lock, takeLock } from "../system/lock.ts";
import { hasCode } from "../system/proc.ts";

type Directories = Pick<Config, "run_dir" | "state_dir">;

/** Throws AodError `failed`. */
export function makeDirectories({ run_dir, state_dir }: Directories): void {
  try {
    mkdirSync(join(state_dir, "bundles"), { recursive: true, mode: 0o700 });
    if (existsSync(run_dir)) return;
    mkdirSync(run_dir, { recursive: true });
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
