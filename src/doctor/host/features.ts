import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseDebugData } from "../../smb/debug-data.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import { lineOf, textOf } from "../files.ts";
import type { HostCase } from "./host-case.ts";

/** What the clients of this kernel were built with, and what of the kernel there is to look at them. */
export const features: Check<HostCase> = {
  name: "features",
  limitMs: 5000,
  async run({ machine }, signal) {
    const { procRoot, sysRoot } = machine;
    const told: Finding[] = [];
    const debugData = await textOf(join(procRoot, "fs/cifs/DebugData"), signal);
    const built = debugData === undefined ? undefined : parseDebugData(debugData).features;
    told.push(
      built === undefined
        ? { result: "skip", evidence: "SMB: told by the client itself, which is not loaded" }
        : { result: "ok", evidence: `SMB: ${built.length === 0 ? "none" : built.join(", ")}` },
    );
    const supported = await textOf(join(procRoot, "filesystems"), signal);
    const types = (supported ?? "").split("\n").flatMap((line) => line.split("\t").at(-1) || []);
    const network = types.filter((type) => /^(?:cifs|smb3|nfs4?)$/.test(type));
    told.push({
      result: "ok",
      evidence: `file systems of servers that the kernel knows now: ${network.join(", ") || "none"}`,
    });
    told.push(await tracing(machine, signal));
    const lockdown = await lineOf(join(sysRoot, "kernel/security/lockdown"), signal);
    const [, mode] = /\[(\w+)\]/.exec(lockdown ?? "") ?? [];
    if (mode !== undefined && mode !== "none")
      told.push({
        result: "warn",
        evidence: `kernel lockdown: ${mode}`,
        meaning:
          mode === "confidentiality" ? "no BPF program may read the kernel's memory" : "debugfs may not be written",
        fix: "boot without Secure Boot's lockdown where probes are wanted; everything else works",
      });
    return told;
  },
};

async function tracing({ procRoot, sysRoot }: HostCase["machine"], signal: AbortSignal): Promise<Finding> {
  const btf = join(sysRoot, "kernel/btf");
  const ofModules = ["cifs", "nfs", "nfsv4", "sunrpc"].filter((module) => existsSync(join(btf, module)));
  const mounted = await textOf(join(procRoot, "self/mounts"), signal);
  const has = (type: string): boolean => (mounted ?? "").split("\n").some((line) => line.split(" ")[2] === type);
  const parts = [
    existsSync(join(btf, "vmlinux")) ? "BTF of the kernel" : "no BTF of the kernel",
    ofModules.length === 0 ? "none of the clients' modules" : `of ${ofModules.join(", ")}`,
    ...["tracefs", "debugfs"].map((type) => (has(type) ? `${type} is mounted` : `${type} is not mounted`)),
  ];
  const parameters = await lineOf(join(procRoot, "sys/kernel/unprivileged_bpf_disabled"), signal);
  const bpf = parameters === undefined ? [] : [`unprivileged BPF ${parameters === "0" ? "allowed" : "off"}`];
  return { result: "ok", evidence: [...parts, ...bpf].join(", ") };
}
