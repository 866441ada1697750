import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { AodError } from "../src/system/error.ts";

const directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

function isInstalled(program: string): boolean {
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The guest sees the host's file system: what is missing here is missing there. Debian's packages have the programs' names. */
export function requirePrograms(programs: readonly string[]): void {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return;
  throw new AodError("failed", `missing: ${missing.join(", ")}; as root: apt-get install ${missing.join(" ")}`);
}
