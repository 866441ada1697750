import { existsSync } from "node:fs";
import { join } from "node:path";
import { version as ownVersion } from "../../system/version.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import { lineOf } from "../files.ts";
import type { Machine } from "../machine.ts";
import type { HostCase } from "./host-case.ts";

interface Module {
  readonly name: string;
  readonly serves: string;
  /** Those it is of no use to look for where it is not there. */
  readonly parts?: readonly Module[];
}

const modules: readonly Module[] = [
  { name: "cifs", serves: "mounts of SMB" },
  {
    name: "nfs",
    serves: "mounts of NFS",
    parts: [
      { name: "nfsv3", serves: "mounts of NFSv3" },
      { name: "nfsv4", serves: "mounts of NFSv4" },
      { name: "sunrpc", serves: "mounts of NFS" },
    ],
  },
];

/** The running kernel, and which clients it has in which version. A client that is not loaded is no fault: a mount loads it. */
export const kernelAndModules: Check<HostCase> = {
  name: "kernel",
  limitMs: 15_000,
  async run({ machine }, signal) {
    const release = await lineOf(join(machine.procRoot, "sys/kernel/osrelease"), signal);
    const system = await lineOf(join(machine.fsRoot, "etc/os-release"), signal).catch(() => undefined);
    const [, name] = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(system ?? "") ?? [];
    const parts = [`Linux ${release ?? "of an unknown release"}`, ...(name === undefined ? [] : [name])];
    const told: Finding[] = [{ result: "ok", evidence: [...parts, `aod ${ownVersion}`].join(", ") }];
    const clients = await Promise.all(modules.map((module) => look(machine, module, signal)));
    told.push(...clients.flat());
    if (clients.every(([client]) => client?.result === "warn"))
      told.push({
        result: "fail",
        evidence: "this kernel has neither client",
        meaning: "nothing of SMB or NFS can be mounted here",
        fix: packageOfModules,
      });
    return told;
  },
};

const packageOfModules =
  "install the package with this kernel's modules (linux-modules-extra on Ubuntu, kernel-modules on Fedora), or boot the kernel that they are there for";

async function look(machine: Machine, module: Module, signal: AbortSignal): Promise<readonly Finding[]> {
  const own = await findingOf(machine, module, signal);
  const parts = own.result === "ok" ? (module.parts ?? []) : [];
  return [own, ...(await Promise.all(parts.map((part) => findingOf(machine, part, signal))))];
}

async function findingOf(machine: Machine, { name: module, serves }: Module, signal: AbortSignal): Promise<Finding> {
  const folder = join(machine.sysRoot, "module", module);
  const state = await lineOf(join(folder, "initstate"), signal);
  const version = await lineOf(join(folder, "version"), signal);
  const named = version === undefined ? module : `${module} ${version}`;
  if (state !== undefined) return { result: "ok", evidence: `${named} is ${state === "live" ? "loaded" : state}` };
  if (existsSync(folder)) return { result: "ok", evidence: `${named} is built into the kernel` };
  return unloaded(machine, module, serves, signal);
}

async function unloaded(machine: Machine, module: string, serves: string, signal: AbortSignal): Promise<Finding> {
  const field = async (name: string) =>
    machine.run(["modinfo", "-F", name, module], { timeoutMs: 5000, maxBytes: 4096, signal });
  const found = await field("filename");
  if (found.status === "missing" || found.status === "timeout")
    return {
      result: "skip",
      evidence: `${module} is not loaded; whether there is one is not known: ${found.reason ?? "modinfo did not answer"}`,
    };
  if (found.status !== "ok" || found.stdout.toString("utf8").trim() === "")
    return {
      result: "warn",
      evidence: `${module} is not there: neither loaded, nor among the modules of this kernel`,
      meaning: `${serves} are not possible with it missing`,
      fix: packageOfModules,
    };
  const version = (await field("version")).stdout.toString("utf8").trim();
  return {
    result: "ok",
    evidence: `${module}${version === "" ? "" : ` ${version}`} is not loaded; the first mount loads it`,
  };
}
