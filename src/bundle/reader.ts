import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AodError } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import type { Manifest } from "./manifest.ts";
import { parseManifest } from "./manifest-schema.ts";
import { type Member, type ReadLimits, scanArchive } from "./unpack.ts";

const manifestLimit = 16 * 1024 * 1024;

/** The manifest of a bundle: its first member. Rejects with AodError. */
export async function readManifest(path: string): Promise<Manifest> {
  let manifest: Manifest | undefined;
  await scanArchive(path, async (member) => {
    manifest = await manifestOf(path, member);
    return "stop";
  });
  if (manifest === undefined) throw new AodError("failed", `${path} is empty`);
  return manifest;
}

/** One item's content. Rejects with AodError when there is none of that name or it is larger than `limitBytes` (default 64 MiB). */
export async function readItem(path: string, name: string, limitBytes = 64 * 1024 * 1024): Promise<Buffer> {
  let found: Buffer | undefined;
  await scanArchive(path, async (member) => {
    if (member.name !== name) return undefined;
    found = await contentOf(member, limitBytes);
    return "stop";
  });
  if (found === undefined) throw new AodError("failed", `${path} holds no ${name}`);
  return found;
}

export type ItemResult = "ok" | "differs" | "missing" | "unlisted";

export interface VerifyReport {
  readonly manifest: Manifest;
  readonly ok: boolean;
  /** Every file that the manifest or the archive names. */
  readonly items: readonly { readonly name: string; readonly result: ItemResult }[];
}

/** Compares every file with the size and SHA-256 of the manifest. */
export async function verifyBundle(path: string, limits?: ReadLimits): Promise<VerifyReport> {
  return await walkItems(path, undefined, limits);
}

/**
 * Unpacks into `into`/ID, which must not be there yet; nothing is ever written through a link. The report is that of verifyBundle():
 * what differs has been written as it is.
 */
export async function extractBundle(
  path: string,
  into: string,
  limits?: ReadLimits,
): Promise<VerifyReport & { readonly dir: string }> {
  const manifest = await readManifest(path);
  const dir = join(into, manifest.id);
  await mkdir(into, { recursive: true, mode: 0o700 });
  await mkdir(dir, { mode: 0o700 }).catch((error: unknown) => {
    if (hasCode(error, "EEXIST")) throw new AodError("failed", `${dir} is there already`);
    throw error;
  });
  return { ...(await walkItems(path, dir, limits)), dir };
}

async function walkItems(path: string, dir: string | undefined, limits: ReadLimits | undefined): Promise<VerifyReport> {
  let manifest: Manifest | undefined;
  const results = new Map<string, ItemResult>();
  await scanArchive(
    path,
    async (member) => {
      if (manifest === undefined) {
        const bytes = await contentOf(member, manifestLimit);
        manifest = await manifestOf(path, { ...member, content: once(bytes) });
        for (const item of manifest.items) if (item.size !== undefined) results.set(item.name, "missing");
        if (dir !== undefined) await digest({ ...member, content: once(bytes) }, join(dir, member.name));
        return undefined;
      }
      const item = manifest.items.find((candidate) => candidate.name === member.name && candidate.size !== undefined);
      const sha256 = await digest(member, dir === undefined ? undefined : join(dir, member.name));
      results.set(
        member.name,
        !item ? "unlisted" : item.sha256 === sha256 && item.size === member.size ? "ok" : "differs",
      );
      return undefined;
    },
    limits,
  );
  if (manifest === undefined) throw new AodError("failed", `${path} is empty`);
  const items = [...results].map(([name, result]) => ({ name, result }));
  return { manifest, ok: items.every(({ result }) => result === "ok"), items };
}

async function manifestOf(path: string, member: Member): Promise<Manifest> {
  if (member.name !== "manifest.json") {
    throw new AodError(
      "failed",
      `${path} is not a bundle of aod: its first member is ${member.name}, not manifest.json`,
    );
  }
  return parseManifest((await contentOf(member, manifestLimit)).toString());
}

async function contentOf(member: Member, limitBytes: number): Promise<Buffer> {
  if (member.size > limitBytes)
    throw new AodError("failed", `${member.name} has ${member.size} bytes, the limit is ${limitBytes}`);
  const pieces: Buffer[] = [];
  for await (const piece of member.content) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** The SHA-256 of a member, and a copy of it where one is wanted. */
async function digest(member: Member, path: string | undefined): Promise<string> {
  const hash = createHash("sha256");
  if (path === undefined) {
    for await (const piece of member.content) hash.update(piece);
    return hash.digest("hex");
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    for await (const piece of member.content) {
      hash.update(piece);
      await file.appendFile(piece);
    }
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}
