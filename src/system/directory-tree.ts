import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { hasCode } from "./proc.ts";

/**
 * Makes a directory with its parents. Node's `recursive` says ENOENT where a read-only file system refuses it (MKDirp() of its src/node_file.cc
 * returns what stat() said of it afterwards), and nobody learns why.
 */
export async function makeDirectoryTree(path: string, mode: number, make: typeof makeOne = makeOne): Promise<void> {
  try {
    await make(path, mode);
  } catch (error) {
    if (hasCode(error, "EEXIST") && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    if (!hasCode(error, "ENOENT") || parent === path) throw error;
    await makeDirectoryTree(parent, mode, make);
    await makeDirectoryTree(path, mode, make);
  }
}

async function makeOne(path: string, mode: number): Promise<void> {
  await mkdir(path, { mode });
}
