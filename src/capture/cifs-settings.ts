import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { hasCode, readLocal } from "../system/proc.ts";
import type { Capture, CaptureContext, CaptureFile } from "./capture.ts";
import { captureLocalFile } from "./local-file.ts";

/** Settings of the SMB client that hold for all mounts. They do not change by themselves: once is enough. */
export const cifsSettings: Capture = {
  name: "cifs-settings",
  summary: "mount options that this kernel knows, security flags, parameters of the module cifs",
  phases: ["open"],
  async *collect(context) {
    const absent = "the module cifs is not loaded, or does not have it";
    for (const name of ["mount_params", "SecurityFlags", "LinuxExtensionsEnabled", "LookupCacheEnabled"]) {
      yield await captureLocalFile(context, { name, path: join(context.procRoot, "fs/cifs", name), absent });
    }
    yield await parameters(context);
  },
};

/** One `name=value` a line, sorted. A parameter that only its writer may read is named with the reason. */
async function parameters(context: CaptureContext): Promise<CaptureFile> {
  const name = "cifs_parameters";
  const source = join(context.sysRoot, "module/cifs/parameters");
  const names = await readdir(source).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (names === undefined) return { name, source, status: "absent", reason: "the module cifs is not loaded" };
  const lines: string[] = [];
  const unreadable: string[] = [];
  for (const parameter of names.sort()) {
    try {
      const file = await readLocal(join(source, parameter), { limitBytes: 4096, signal: context.signal });
      if (file !== undefined) lines.push(`${parameter}=${file.content.toString().trimEnd()}\n`);
    } catch (error) {
      if (!hasCode(error, "EACCES", "EPERM")) throw error;
      unreadable.push(parameter);
    }
  }
  const short =
    unreadable.length > 0 ? ({ status: "failed", reason: `may not be read: ${unreadable.join(", ")}` } as const) : {};
  return { name, source, content: lines.join(""), ...short };
}
