import { join } from "node:path";
import { textOf } from "../../files.ts";
import type { Machine } from "../../machine.ts";
import { hasWord, moduleImage } from "../module-image.ts";

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
  const bytes = await moduleImage(machine, join(machine.fsRoot, "lib/modules", release, path), signal);
  // Not the module, or packed otherwise: it always has the option `vers`.
  if (bytes === undefined || !hasWord(bytes, "vers")) return undefined;
  return new Map(
    names.map((name) => [name, hasWord(bytes, name) || (name.startsWith("no") && hasWord(bytes, name.slice(2)))]),
  );
}
