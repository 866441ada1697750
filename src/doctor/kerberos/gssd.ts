import { hostname } from "node:os";
import { listTasks } from "../../system/tasks.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";
import { principalsOf, readKeytab } from "./keytabs.ts";
import { LocalFiles } from "./local-files.ts";

const MAX_TASKS = 200_000;

/** What NFS needs for sec=krb5: rpc_pipefs, rpc.gssd, and the machine's own key. */
export const gssd: Check<KerberosCase> = {
  name: "rpc.gssd",
  limitMs: 10_000,
  async run(of, signal) {
    if (of.subject.protocol !== "nfs") return [];
    const told: Finding[] = [];
    const pipefs = of.mounts.find(({ type }) => type === "rpc_pipefs");
    told.push(
      pipefs === undefined ? withoutPipefs : { result: "ok", evidence: `rpc_pipefs is mounted on ${pipefs.target}` },
    );
    const { tasks } = await listTasks(of.machine.procRoot, MAX_TASKS, signal);
    const daemon = tasks.find(({ comm }) => comm === "rpc.gssd");
    told.push(daemon === undefined ? withoutGssd : { result: "ok", evidence: `rpc.gssd runs (${daemon.pid})` });
    told.push(await machineKey(of, daemon?.pid, signal));
    return told;
  },
};

const withoutPipefs: Finding = {
  result: "fail",
  evidence: "rpc_pipefs is not mounted",
  meaning: "the kernel cannot ask rpc.gssd",
  fix: "mount -t rpc_pipefs sunrpc /var/lib/nfs/rpc_pipefs, or start rpc_pipefs.target",
  verdict: {
    cause: "nfs.gss-failure",
    confidence: "likely",
    summary: "rpc_pipefs is not mounted: the kernel cannot ask rpc.gssd for a security context",
    advice: ["start rpc_pipefs.target and rpc-gssd.service"],
  },
};

const withoutGssd: Finding = {
  result: "fail",
  evidence: "rpc.gssd does not run",
  meaning:
    'the kernel asks nobody for a security context: mount.nfs says "an incorrect mount option was specified" (error 22), or access denied',
  fix: "systemctl start rpc-gssd.service; it starts only where /etc/krb5.keytab is",
  verdict: {
    cause: "nfs.gss-failure",
    confidence: "certain",
    summary: "rpc.gssd does not run: no NFS mount gets a security context",
    advice: ["systemctl enable --now rpc-gssd.service; it starts only where /etc/krb5.keytab is"],
  },
};

/** rpc.gssd(8), Machine Credentials: in this order, of this host or of any. */
async function machineKey(of: KerberosCase, pid: number | undefined, signal: AbortSignal): Promise<Finding> {
  const keytab = await readKeytab(of, await keytabName(of, signal), signal);
  const host = hostname().toLowerCase();
  const principals = principalsOf(keytab);
  const usable = principals.filter((name) => /^(?:root|nfs|host)\/|^[^/@]+\$@/i.test(name));
  const own = usable.filter((name) => name.toLowerCase().includes(host.split(".")[0] ?? host));
  if (usable.length > 0) {
    const first = own[0] ?? usable[0];
    return {
      result: "ok",
      evidence: `${keytab.path}: the machine is ${first}${usable.length > 1 ? `, ${usable.length - 1} more` : ""}`,
    };
  }
  const summary =
    keytab.entries === undefined
      ? `there is no ${keytab.path}: rpc.gssd has no key of this machine`
      : `${keytab.path} has no root/, nfs/ or host/ principal, nor HOST$: rpc.gssd has no key of this machine`;
  const fix = `put a key for nfs/${host} or host/${host} into ${keytab.path}: ktadd, adcli join, realm join, net ads keytab`;
  return {
    result: "fail",
    evidence: summary,
    meaning: "root cannot mount: the kernel uses the machine's key for it, and for the state of NFSv4",
    fix,
    // gssproxy or a user's own ticket (rpc.gssd -n) may stand in.
    verdict: {
      cause: "nfs.gss-failure",
      confidence: pid === undefined ? "possible" : "likely",
      summary,
      advice: [fix],
    },
  };
}

/** keytab-file of [gssd] in nfs.conf. */
async function keytabName(of: KerberosCase, signal: AbortSignal): Promise<string | undefined> {
  const text = await new LocalFiles(of.machine.fsRoot, of.mounts, signal).text("/etc/nfs.conf");
  const section = /^\[gssd\]\s*$([\s\S]*?)(?=^\[|$(?![\s\S]))/m.exec(text ?? "")?.[1];
  return /^\s*keytab-file\s*=\s*(\S+)/m.exec(section ?? "")?.[1];
}
