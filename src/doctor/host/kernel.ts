import { join } from "node:path";
import { readLocal } from "../../system/proc.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { Machine } from "../machine.ts";

const modules = ["cifs", "nfs", "nfsv4", "sunrpc"];

/** The running kernel, and which clients are loaded in which version. A client that is not loaded is no fault: a mount loads it. */
export const kernelAndModules: Check<Machine> = {
  name: "kernel",
  limitMs: 5000,
  async run(machine, signal) {
    const release = await lineOf(join(machine.procRoot, "sys/kernel/osrelease"), signal);
    const told: Finding[] = [{ result: "ok", evidence: `Linux ${release ?? "of an unknown release"}` }];
    for (const module of modules) {
      const folder = join(machine.sysRoot, "module", module);
      const state = await lineOf(join(folder, "initstate"), signal);
      if (state === undefined) {
        told.push({ result: "skip", evidence: `${module} is not loaded` });
        continue;
      }
      const version = await lineOf(join(folder, "version"), signal);
      told.push({
        result: "ok",
        evidence: version === undefined ? `${module} is loaded` : `${module} ${version} is loaded`,
      });
    }
    return told;
  },
};

async function lineOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const file = await readLocal(path, { limitBytes: 4096, signal });
  return file?.content.toString("utf8").trim();
}
