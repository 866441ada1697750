import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip, zstdDecompress } from "node:zlib";
import type { Machine } from "../../machine.ts";

const MAX_BYTES = 64 * 1024 ** 2;

/** A kernel module as the loader takes it; undefined where it is built in, or cannot be read. */
export async function moduleImage(module: string, machine: Machine, signal: AbortSignal): Promise<Buffer | undefined> {
  const found = await machine.run(["modinfo", "-F", "filename", module], { timeoutMs: 5000, maxBytes: 4096, signal });
  const path = found.status === "ok" ? found.stdout.toString("utf8").trim() : "";
  if (!path.startsWith("/")) return undefined;
  if (path.endsWith(".xz")) {
    const plain = await machine.run(["xz", "-dc", path], { timeoutMs: 5000, maxBytes: MAX_BYTES, signal });
    return plain.status === "ok" ? plain.stdout : undefined;
  }
  const bytes = await readFile(path, { signal }).catch(() => undefined);
  if (bytes === undefined) return undefined;
  if (path.endsWith(".zst")) return promisify(zstdDecompress)(bytes, { maxOutputLength: MAX_BYTES });
  if (path.endsWith(".gz")) return promisify(gunzip)(bytes, { maxOutputLength: MAX_BYTES });
  return bytes;
}

/** Whether a word stands in a module by itself, as the names of its mount options do. */
export const hasWord = (image: Buffer, word: string): boolean => image.includes(Buffer.from(`\0${word}\0`));
