import { readdir } from "node:fs/promises";
import { hasCode, readLocal } from "../system/proc.ts";

const LIMIT_BYTES = 4 * 1024 ** 2;

/** A small file of the kernel or the system; undefined where there is none. Nothing below a mount is ever asked for. */
export async function textOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const file = await readLocal(path, { limitBytes: LIMIT_BYTES, signal });
  return file?.content.toString("utf8");
}

/** Its only line. */
export const lineOf = async (path: string, signal: AbortSignal): Promise<string | undefined> =>
  (await textOf(path, signal))?.trim();

/** What is in a directory of the system, sorted; nothing where there is none, or where it may not be read. */
export async function namesOf(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "EACCES")) return [];
    throw error;
  }
}
