import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, open, rename, rm, stat } from "node:fs/promises";
import { AodError } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import { realDisk } from "./disk.ts";
import { hexAddresses, replaceHex } from "./hex-addresses.ts";
import type { Item, Manifest } from "./manifest.ts";
import { packArchive } from "./pack.ts";
import { collectWords, note as noteWord, pseudonymise, wordPattern } from "./pseudonymise.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import { readManifest } from "./reader.ts";
import { scanArchive } from "./unpack.ts";

export interface Exported {
  readonly path: string;
  readonly bytes: number;
  /** Items that were left out, since what is in them cannot be replaced. */
  readonly leftOut: readonly string[];
}

const TOTAL_BYTES = 512 * 1024 * 1024;

/** Writes a copy of a bundle in which users, hosts, addresses and paths have pseudonyms. What is no text is left out. Nothing half is ever at `to`. */
export async function exportPseudonymised(from: string, to: string, pseudonyms: Pseudonyms): Promise<Exported> {
  const manifest = await readManifest(from);
  const texts = await textsOf(from, manifest);
  const { target, host } = manifest;
  if (target.server !== undefined) noteWord(target.server, "host", pseudonyms);
  noteWord(host.name, "host", pseudonyms);
  collectWords(JSON.stringify(manifest), pseudonyms);
  for (const text of texts.values()) collectWords(text, pseudonyms);
  const words = wordPattern(pseudonyms);
  const addresses = hexAddresses([JSON.stringify(manifest), ...texts.values()]);
  const replace = (text: string): string => replaceHex(pseudonymise(text, pseudonyms, words), addresses, pseudonyms);

  const items: Item[] = [];
  const files: { readonly name: string; readonly content: Buffer }[] = [];
  const leftOut: string[] = [];
  for (const item of manifest.items) {
    const { name, status, source, reason } = item;
    const told = { source: replace(source), ...(reason === undefined ? {} : { reason: replace(reason) }) };
    const text = texts.get(name);
    if (text !== undefined) {
      const content = Buffer.from(replace(text));
      const sha256 = createHash("sha256").update(content).digest("hex");
      items.push({ ...item, ...told, size: content.length, sha256 });
      files.push({ name: `${manifest.id}/${name}`, content });
    } else if (item.size === undefined) items.push({ ...item, ...told });
    else {
      leftOut.push(name);
      items.push({
        name,
        source: told.source,
        status: "skipped",
        reason: `binary: names cannot be replaced in it (${status}): left out with --pseudonymise`,
      });
    }
  }
  const told = replaceAll(manifest, replace);
  const note = `Pseudonymised: users, hosts, addresses and paths are replaced${leftOut.length === 0 ? "" : `, and ${leftOut.length} binary items left out`}.`;
  const written: Manifest = { ...told, notes: [...told.notes, note], id: manifest.id, items };
  const head = { name: `${manifest.id}/manifest.json`, content: Buffer.from(`${JSON.stringify(written, null, 2)}\n`) };
  const bytes = await writeWhole(to, [head, ...files], new Date(manifest.closed ?? manifest.opened));
  return { path: to, bytes, leftOut };
}

/** The same bundle, whole or not at all. Returns its bytes. */
export async function copyBundle(from: string, to: string): Promise<number> {
  const part = `${to}.part`;
  await copyFile(from, part, constants.COPYFILE_EXCL);
  await rename(part, to);
  return (await stat(to)).size;
}

/** Every string in it. Members keep their names. */
function replaceAll<Value>(value: Value, replace: (text: string) => string): Value {
  const walk = (one: unknown): unknown => {
    if (typeof one === "string") return replace(one);
    if (Array.isArray(one)) return one.map(walk);
    if (typeof one !== "object" || one === null) return one;
    return Object.fromEntries(
      Object.entries(one).map(([key, inner]) => [key, keptMembers.has(key) ? inner : walk(inner)]),
    );
  };
  return walk(value) as Value;
}

/** Times, versions and words of our own. */
const keptMembers = new Set([
  "time",
  "opened",
  "closed",
  "ops_from",
  "ops_to",
  "state",
  "detector",
  "versions",
  "kernel",
  "arch",
  "sha256",
]);

async function textsOf(path: string, { items }: Manifest): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  await scanArchive(
    path,
    async ({ name, content }) => {
      if (isBinary(name) || !items.some((item) => item.name === name)) return undefined;
      const pieces: Buffer[] = [];
      for await (const piece of content) pieces.push(piece);
      const bytes = Buffer.concat(pieces);
      if (isText(bytes)) texts.set(name, bytes.toString("utf8"));
      return undefined;
    },
    { totalBytes: TOTAL_BYTES },
  );
  return texts;
}

/** By its name, whatever its bytes look like: kernel events, packets, archives. */
function isBinary(name: string): boolean {
  return /\.(?:dat|pcap|pcapng|zst|gz|xz|bin)$/i.test(name);
}

/** UTF-8 without a NUL. */
export function isText(bytes: Buffer): boolean {
  if (bytes.includes(0)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

async function writeWhole(to: string, entries: Parameters<typeof packArchive>[2], mtime: Date): Promise<number> {
  const part = `${to}.part`;
  const handle = await open(part, "wx", 0o600).catch((error: unknown) => {
    throw hasCode(error, "EEXIST") ? new AodError("failed", `${part} is there already`) : error;
  });
  try {
    const out = {
      write: async (data: Uint8Array) => void (await handle.writeFile(data)),
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
    const bytes = await packArchive(realDisk, out, entries, mtime);
    await handle.sync();
    await handle.close();
    await rename(part, to);
    return bytes;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
}
