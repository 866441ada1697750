import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Who uses a kernel module besides the modules that are built upon it: mounts, kernel threads, attached BPF programs. Undefined where that cannot be
 * told: it is not loaded, is built in, or the kernel unloads none (CONFIG_MODULE_UNLOAD).
 */
export function moduleUsers(sysRoot: string, name: string): number | undefined {
  const directory = join(sysRoot, "module", name);
  try {
    const count = Number(readFileSync(join(directory, "refcnt"), "utf8"));
    // Each holder counts once (add_module_usage() of kernel/module/main.c); a module that is about to go shows -1.
    return Number.isInteger(count) ? Math.max(0, count - readdirSync(join(directory, "holders")).length) : undefined;
  } catch {
    return undefined;
  }
}
