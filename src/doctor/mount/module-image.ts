import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip, zstdDecompress } from "node:zlib";
import type { Machine } from "../machine.ts";

const LIMIT_BYTES = 64 * 1024 ** 2;

/**
 * A kernel module's file as the loader takes it. Undefined where it cannot be read, is larger than 64 MiB, is damaged, or is packed in a way that nothing here
 * opens: whoever asks has lists of names in its place, and says so.
 */
export async function moduleImage({ run }: Machine, path: string, signal: AbortSignal): Promise<Buffer | undefined> {
  if (path.endsWith(".xz")) {
    const ran = await run(["xz", "-dc", path], { timeoutMs: 10_000, maxBytes: LIMIT_BYTES, signal });
    return ran.status === "ok" && !ran.truncated ? ran.stdout : undefined;
  }
  try {
    const bytes = await readFile(path, { signal });
    if (path.endsWith(".zst")) return await promisify(zstdDecompress)(bytes, { maxOutputLength: LIMIT_BYTES });
    if (path.endsWith(".gz")) return await promisify(gunzip)(bytes, { maxOutputLength: LIMIT_BYTES });
    return bytes;
  } catch {
    return undefined;
  }
}

/** Whether a word stands in it as a text of its own, as names of mount options do, or as 5.10 has them with `=%s` behind. */
export const hasWord = (image: Buffer, word: string): boolean =>
  image.includes(`\0${word}\0`, 0, "latin1") || image.includes(`\0${word}=%`, 0, "latin1");
