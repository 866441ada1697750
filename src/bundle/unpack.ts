import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { constants, createZstdDecompress } from "node:zlib";
import { extract as createExtract } from "tar-stream";
import { AodError, messageOf } from "../system/error.ts";

/** A bundle may come from anybody: these bound what reading one can cost. */
export interface ReadLimits {
  /** Bytes of all members together, unpacked; default 1 GiB. */
  readonly totalBytes?: number;
  /** Members; default 10,000. */
  readonly members?: number;
}

/** One member, as it passes. Its content is to be read to the end or left; leaving it skips it. */
export interface Member {
  /** Path below the bundle's top directory. */
  readonly name: string;
  readonly size: number;
  readonly content: AsyncIterable<Buffer>;
}

const plainPath =
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\/([A-Za-z0-9_][A-Za-z0-9._+@-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._+@-]*){0,7})$/;

/** Thrown inside only: the visitor has what it wanted. */
class Enough extends Error {}

/**
 * Calls `visit` with each file of the archive, in order, until it returns "stop". Rejects (AodError `failed`) on what is damaged, is no
 * plain file, has a name that leads anywhere else, comes twice, has another top directory, or goes over a limit.
 */
export async function scanArchive(
  path: string,
  visit: (member: Member) => Promise<"stop" | undefined>,
  limits: ReadLimits = {},
): Promise<void> {
  const { totalBytes = 1024 ** 3, members = 10_000 } = limits;
  const seen = new Set<string>();
  let top: string | undefined;
  let total = 0;
  const extract = createExtract();
  const walk = async (): Promise<void> => {
    for await (const entry of extract) {
      const { name, type, size = 0 } = entry.header;
      const inner = plainPath.exec(name)?.[1];
      const root = name.slice(0, name.indexOf("/"));
      if (type !== "file") throw refuse(path, `${JSON.stringify(name)} is a ${type}; only files are taken`);
      if (inner === undefined) throw refuse(path, `the name ${JSON.stringify(name)} is not allowed`);
      top ??= root;
      if (top !== root) throw refuse(path, `it holds both ${top}/ and ${root}/`);
      if (seen.has(inner)) throw refuse(path, `${inner} is there twice`);
      seen.add(inner);
      total += size;
      if (seen.size > members) throw refuse(path, `it has more than ${members} files`);
      if (total > totalBytes) throw refuse(path, `it unpacks to more than ${totalBytes} bytes`);
      if ((await visit({ name: inner, size, content: bytesOf(entry) })) === "stop") throw new Enough();
      entry.resume();
    }
  };
  // A window of at most 8 MiB: ours is 512 KiB.
  const unzip = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } });
  // Leaving the walk early ends the extraction, and that ends the feeding.
  const fed = pipeline(
    createReadStream(path),
    unzip,
    (pieces: AsyncIterable<Buffer>) => bounded(pieces, path, totalBytes + members * 2048),
    extract,
  );
  const [feeding, walking] = await Promise.allSettled([fed, walk()]);
  if (walking.status === "fulfilled" && feeding.status === "fulfilled") return;
  if (walking.status === "rejected" && walking.reason instanceof Enough) return;
  if (walking.status === "rejected" && walking.reason instanceof AodError) throw walking.reason;
  throw explain(path, feeding.status === "rejected" ? feeding.reason : walking.status === "rejected" && walking.reason);
}

/** The types of streamx do not say that its readable streams can be iterated. */
function bytesOf(entry: unknown): AsyncIterable<Buffer> {
  return entry as AsyncIterable<Buffer>;
}

/** Counts what comes out of the decompressor, headers and padding included: a bomb ends here whatever its headers say. */
async function* bounded(pieces: AsyncIterable<Buffer>, path: string, limit: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > limit) throw refuse(path, `it unpacks to more than ${limit} bytes`);
    yield piece;
  }
}

function refuse(path: string, why: string): AodError {
  return new AodError("failed", `${path} is not a bundle to be trusted: ${why}`);
}

function explain(path: string, error: unknown): AodError {
  if (error instanceof AodError) return error;
  return new AodError("failed", `${path} cannot be read as a bundle: ${messageOf(error)}`, { cause: error });
}
