import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { lineOf } from "../../files.ts";
import type { Machine } from "../../machine.ts";
import type { NfsCase } from "./case.ts";
import { wants } from "./intent.ts";

/** What the mount needs of this machine: the client's modules, mount.nfs, and the daemons that stand by it. */
export const local: Check<NfsCase> = {
  name: "this machine",
  limitMs: 20_000,
  async run(of, signal) {
    const findings = [...(await client(of, signal)), ...(await locks(of, signal))];
    if (of.intent.transportSecurity !== undefined) findings.push(await tls(of, signal));
    return findings;
  },
};

async function client({ machine, intent }: NfsCase, signal: AbortSignal): Promise<readonly Finding[]> {
  const ran = await machine.run(["mount.nfs", "-V"], { timeoutMs: 5000, maxBytes: 4096, signal });
  const [, version] = /nfs-utils\s+([^\s)]+)/.exec(`${ran.stdout.toString("utf8")}${ran.stderr}`) ?? [];
  const wanted = ["nfs", ...(wants(intent, 4) ? ["nfsv4"] : ["nfsv3"])];
  const missing: string[] = [];
  for (const module of wanted) if (!(await isThere(module, machine, signal))) missing.push(module);
  const findings: Finding[] = [];
  if (ran.status === "missing")
    findings.push({
      result: "fail",
      evidence: "mount.nfs is not installed",
      meaning: 'mount says "bad option; ... you might need a /sbin/mount.<type> helper program" (error 32)',
      fix: "install nfs-common (Debian, Ubuntu), nfs-utils (Fedora), nfs-client (SUSE)",
    });
  if (missing.length > 0)
    findings.push({
      result: "fail",
      evidence: `this kernel has no module ${missing.join(", ")}`,
      meaning: "mount.nfs says unknown filesystem type (error 19), or that the protocol is not supported (error 93)",
      fix: "install the package with this kernel's modules, or boot the kernel that they are there for",
    });
  const evidence = `mount.nfs ${version ?? "of an unknown version"}; the kernel has ${wanted.join(" and ")}`;
  return findings.length > 0 ? findings : [{ result: "ok", evidence }];
}

async function isThere(module: string, machine: Machine, signal: AbortSignal): Promise<boolean> {
  if (existsSync(join(machine.sysRoot, "module", module))) return true;
  const asked = await machine.run(["modinfo", "-F", "filename", module], { timeoutMs: 5000, maxBytes: 4096, signal });
  // Whoever has no modinfo is not told of a fault that may be none.
  return asked.status === "ok" || asked.status === "missing" || asked.status === "timeout";
}

async function locks({ machine, intent }: NfsCase, signal: AbortSignal): Promise<readonly Finding[]> {
  if (intent.version?.major !== 3 || !intent.remoteLocks) return [];
  if (await runs(machine, "rpc.statd", signal)) return [{ result: "ok", evidence: "rpc.statd runs, for locks" }];
  const program = ["usr/sbin/start-statd", "sbin/start-statd"].some((path) => existsSync(join(machine.fsRoot, path)));
  const statd = ["usr/sbin/rpc.statd", "sbin/rpc.statd"].some((path) => existsSync(join(machine.fsRoot, path)));
  if (program && statd) return [{ result: "ok", evidence: "rpc.statd does not run; mount.nfs starts it" }];
  return [
    {
      result: "fail",
      evidence: "rpc.statd does not run, and there is nothing to start it with",
      meaning: 'mount.nfs says "rpc.statd is not running but is required for remote locking"',
      fix: "install nfs-common or nfs-utils, start rpc-statd, or mount with nolock where no other machine writes",
    },
  ];
}

async function tls({ machine, intent }: NfsCase, signal: AbortSignal): Promise<Finding> {
  if (await runs(machine, "tlshd", signal)) return { result: "ok", evidence: "tlshd runs" };
  return {
    result: "fail",
    evidence: `xprtsec=${intent.transportSecurity ?? ""}, and tlshd does not run`,
    meaning: "the kernel leaves the TLS handshake to tlshd: without it the mount fails with error 13 or 110",
    fix: "install ktls-utils and start tlshd",
  };
}

/** By the names of processes alone. */
async function runs({ procRoot }: Machine, program: string, signal: AbortSignal): Promise<boolean> {
  for (const pid of existsSync(procRoot) ? readdirSync(procRoot) : []) {
    if (/^\d+$/.test(pid) && (await lineOf(join(procRoot, pid, "comm"), signal).catch(() => undefined)) === program)
      return true;
  }
  return false;
}
