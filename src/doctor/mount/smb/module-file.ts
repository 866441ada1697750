import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { textOf } from "../../files.ts";
import type { Machine } from "../../machine.ts";

const LIMIT_BYTES = 32 * 1024 ** 2;

export interface ModuleFile {
  /** `kernel/fs/smb/client/cifs.ko.xz` */
  readonly path: string;
  readonly builtIn: boolean;
}

/** Where the kernel's SMB client is; undefined: this kernel has none. */
export async function moduleFile(
  { fsRoot }: Machine,
  release: string,
  signal: AbortSignal,
): Promise<ModuleFile | undefined> {
  const folder = join(fsRoot, "lib/modules", release);
  const listed = (text: string | undefined): string | undefined =>
    /^(\S*\/cifs\.ko(?:\.[a-z0-9]+)?)(?::|$)/m.exec(text ?? "")?.[1];
  const dep = listed(await textOf(join(folder, "modules.dep"), signal));
  if (dep !== undefined) return { path: dep, builtIn: false };
  const built = listed(await textOf(join(folder, "modules.builtin"), signal));
  return built === undefined ? undefined : { path: built, builtIn: true };
}

/** Whether the module has the name of an option among its texts; undefined: the file cannot be read or is packed in a way that nothing here opens. */
export async function moduleHasOption(
  machine: Machine,
  release: string,
  { path, builtIn }: ModuleFile,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, boolean> | undefined> {
  if (builtIn) return undefined;
  const bytes = await unpacked(machine, join(machine.fsRoot, "lib/modules", release, path), signal);
  // Not the module, or packed otherwise: it always has the option `vers`.
  if (bytes === undefined || !hasText(bytes, "vers")) return undefined;
  return new Map(
    names.map((name) => [name, hasText(bytes, name) || (name.startsWith("no") && hasText(bytes, name.slice(2)))]),
  );
}

/** As a text of its own, or as 5.10 has it with `=%s` behind. */
const hasText = (bytes: Buffer, name: string): boolean =>
  bytes.includes(`\0${name}\0`, 0, "latin1") || bytes.includes(`\0${name}=%`, 0, "latin1");

async function unpacked(machine: Machine, path: string, signal: AbortSignal): Promise<Buffer | undefined> {
  try {
    if (path.endsWith(".xz")) {
      const ran = await machine.run(["xz", "-dc", path], { timeoutMs: 10_000, maxBytes: LIMIT_BYTES, signal });
      return ran.status === "ok" && !ran.truncated ? ran.stdout : undefined;
    }
    const bytes = await readFile(path, { signal });
    if (path.endsWith(".zst")) return zstdDecompressSync(bytes, { maxOutputLength: LIMIT_BYTES });
    if (path.endsWith(".gz")) return gunzipSync(bytes, { maxOutputLength: LIMIT_BYTES });
    return bytes;
  } catch {
    // The list of names answers in its place.
    return undefined;
  }
}
