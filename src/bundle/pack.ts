import { once } from "node:events";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { pack as createPack, type Pack } from "tar-stream";
import type { Disk, DiskFile } from "./disk.ts";

/** A member of the archive: its bytes, or the file that holds exactly `size` of them. */
export interface PackEntry {
  readonly name: string;
  readonly content: Buffer | { readonly path: string; readonly size: number };
}

/** A window of 512 KiB: compressing takes below 4 MiB, and a reader needs no more than that window. */
const zstd = {
  [constants.ZSTD_c_compressionLevel]: 3,
  [constants.ZSTD_c_windowLog]: 19,
  [constants.ZSTD_c_checksumFlag]: 1,
};

/** Writes a tar compressed with Zstandard, members in the given order. Returns its size in bytes. Memory does not grow with the content. */
export async function packArchive(
  disk: Disk,
  out: DiskFile,
  entries: readonly PackEntry[],
  mtime: Date,
): Promise<number> {
  const tar = createPack();
  let bytes = 0;
  const sink = new Writable({
    write(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      out.write(piece).then(() => done(), done);
    },
  });
  const packed = pipeline(Readable.from(tar), createZstdCompress({ params: zstd }), sink);
  const broken = new AbortController();
  packed.catch((error: unknown) => broken.abort(error));
  tar.on("error", (error: unknown) => broken.abort(error));
  const fill = async (): Promise<void> => {
    for (const entry of entries) await addEntry(tar, disk, entry, mtime, broken.signal);
    tar.finalize();
  };
  // When the filling breaks, the pack never ends by itself; when the pack breaks, the filling waits in vain for room.
  const filled = fill().catch((error: unknown) => {
    tar.destroy();
    throw error;
  });
  const [filling, packing] = await Promise.allSettled([filled, packed]);
  if (broken.signal.aborted && filling.status === "fulfilled") throw broken.signal.reason;
  if (filling.status === "rejected")
    throw broken.signal.aborted && isAbort(filling.reason) ? broken.signal.reason : filling.reason;
  if (packing.status === "rejected") throw packing.reason;
  return bytes;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

async function addEntry(
  tar: Pack,
  disk: Disk,
  { name, content }: PackEntry,
  mtime: Date,
  broken: AbortSignal,
): Promise<void> {
  const size = Buffer.isBuffer(content) ? content.length : content.size;
  const header = { name, size, mtime, mode: 0o600, uid: 0, gid: 0 };
  const { promise: ended, resolve, reject } = Promise.withResolvers<undefined>();
  const entry = tar.entry(header, (error) => (error ? reject(error) : resolve(undefined)));
  // It may break while the loop below waits for something else.
  ended.catch(() => undefined);
  entry.on("error", reject);
  const stop = (): void => reject(broken.reason);
  broken.addEventListener("abort", stop, { once: true });
  try {
    const pieces = Buffer.isBuffer(content) ? [content] : disk.read(content.path);
    for await (const piece of pieces) {
      if (!entry.write(piece)) await once(entry, "drain", { signal: broken });
    }
    entry.end(null);
    await ended;
  } finally {
    broken.removeEventListener("abort", stop);
  }
}
