import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../config/config.ts";
import type { Layout } from "../install/layout.ts";
import { AodError } from "../system/error.ts";

export function requireInstaller({ root }: Layout): void {
  if (root !== "/" || process.geteuid?.() === 0) return;
  throw new AodError("failed", "this changes the system: run it as root, or with sudo");
}

/** `state_dir` of the installed configuration. A wrong one is told before anything is changed. */
export function configuredStateDir({ config }: Layout): string {
  const file = join(config, "aod.yaml");
  // A file that is not there means the defaults and what conf.d says; loadConfig() says so of the system's own place alone.
  if (!existsSync(file) && !existsSync(join(config, "conf.d"))) return "/var/lib/aod";
  return loadConfig(existsSync(file) ? file : undefined, {}).config.state_dir;
}
