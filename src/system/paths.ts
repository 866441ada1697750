import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the parts that are not JavaScript lie. */
export interface NativePaths {
  /** The C helper. */
  readonly probe: string;
  /** The BPF object of a probe, e.g. `smb_wire`. */
  object(probe: string): string;
}

/**
 * `AOD_LIBEXEC_DIR` names the directory that holds `aod-probe` and `bpf/`. Without it: `build/` of the checkout that this file, or the
 * bundle in dist/ made from it, is part of.
 */
export function nativePaths(env: Readonly<Record<string, string | undefined>> = process.env): NativePaths {
  const base = env.AOD_LIBEXEC_DIR || join(checkoutOf(dirname(fileURLToPath(import.meta.url))), "build");
  return { probe: join(base, "aod-probe"), object: (probe) => join(base, "bpf", `${probe}.bpf.o`) };
}

/** The nearest directory at or above `from` with a package.json; `from` itself when there is none. */
function checkoutOf(from: string): string {
  for (let directory = from; directory !== dirname(directory); directory = dirname(directory)) {
    if (existsSync(join(directory, "package.json"))) return directory;
  }
  return from;
}
