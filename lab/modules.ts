import { basename } from "node:path";

/** Modules that the initramfs loads before it can reach the host's file system, and those that the lab needs anyway. */
export const bootModules = ["virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console", "virtio_blk"] as const;

/** Parts of the module tree that are kept; drivers for hardware that the machine does not have are most of the rest. */
export const keptModulePaths: readonly RegExp[] = [
  /^kernel\/(arch|block|crypto|fs|lib|mm|net|virt)\//,
  /^kernel\/drivers\/(block|char|crypto|virtio)\//,
  /^kernel\/drivers\/infiniband\/core\//,
  /^kernel\/drivers\/net\/[^/]+$/,
];

/** The `name` under which the kernel knows a module file: `kernel/fs/9p/9p.ko.xz` is `9p`, `nf-x.ko` is `nf_x`. */
export function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.xz|\.zst|\.gz)?$/, "")
    .replaceAll("-", "_");
}

/**
 * The files that load the wanted modules, dependencies first, from the text of modules.dep. What is built in
 * (`builtin`: text of modules.builtin) needs no file; `missing` names what the kernel has in neither way.
 */
export function loadOrder(
  wanted: readonly string[],
  modulesDep: string,
  builtin: string,
): { files: string[]; missing: string[] } {
  const entries = new Map<string, { file: string; needs: string[] }>();
  for (const line of modulesDep.split("\n")) {
    const [file, needs] = line.split(":");
    if (file === undefined || needs === undefined) continue;
    entries.set(moduleName(file), { file, needs: needs.trim().split(/\s+/).filter(Boolean) });
  }
  const builtins = new Set(builtin.split("\n").filter(Boolean).map(moduleName));
  const files: string[] = [];
  const missing: string[] = [];
  const add = (name: string): void => {
    const entry = entries.get(name);
    if (entry === undefined) {
      if (!builtins.has(name)) missing.push(name);
      return;
    }
    if (files.includes(entry.file)) return;
    // modules.dep lists all dependencies, the nearest first; each is added with its own.
    for (const need of entry.needs) add(moduleName(need));
    if (!files.includes(entry.file)) files.push(entry.file);
  };
  for (const name of wanted) add(name);
  return { files, missing };
}
