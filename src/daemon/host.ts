import { readFile } from "node:fs/promises";
import { hostname, machine, release } from "node:os";
import type { BundleHost } from "../bundle/manifest.ts";
import { hasCode } from "../system/proc.ts";

/** Who and what this machine is, for manifests. `osRelease`: /etc/os-release. */
export async function readHost(osRelease = "/etc/os-release"): Promise<BundleHost> {
  const distribution = prettyName(await readIfThere(osRelease));
  return {
    name: hostname(),
    kernel: release(),
    arch: machine(),
    ...(distribution === undefined ? {} : { distribution }),
  };
}

function prettyName(text: string): string | undefined {
  return /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(text)?.[2];
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "";
    throw error;
  }
}
