import { basename, join } from "node:path";
import { readLocal } from "../../system/proc.ts";
import type { Finding, Verdict } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";
import { LocalFiles } from "./local-files.ts";

/** CONFIG path of the kernel: security/keys/request_key.c. */
const requestKey = "/sbin/request-key";

/** The programs between the kernel and the ticket: request-key, which the kernel starts, and cifs.upcall, which its rule names. */
export const upcall: Check<KerberosCase> = {
  name: "upcall",
  limitMs: 15_000,
  async run(of, signal) {
    if (of.subject.protocol === "nfs") return [];
    const { machine, rule } = of;
    const told: Finding[] = [];
    const unable = await kernelWithoutUpcall(machine.procRoot, signal);
    if (unable !== undefined) told.push(unable);
    const files = new LocalFiles(machine.fsRoot, of.mounts, signal);
    const state = await files.program(requestKey);
    if (state === "missing" || state === "not executable") told.push(withoutRequestKey(state));
    if (rule === undefined) return told;
    if (basename(rule.argv[0]) !== "cifs.upcall")
      return [
        ...told,
        { result: "warn", evidence: `${rule.where} names another program than cifs.upcall: ${rule.argv[0]}` },
      ];
    if ((await files.program(rule.argv[0])) !== "runnable") return told;
    const ran = await machine.run([join(machine.fsRoot, rule.argv[0]), "-v"], {
      timeoutMs: 10_000,
      maxBytes: 4096,
      signal,
    });
    const version = /version:?\s+(\S+)/.exec(ran.stdout.toString("utf8"))?.[1];
    if (version !== undefined) return [...told, { result: "ok", evidence: `${rule.argv[0]} ${version}` }];
    const why = ran.stderr.trim().split("\n")[0] || ran.reason || "it prints no version";
    const broken = ran.code === 127 || /error while loading|cannot execute/i.test(why);
    return [
      ...told,
      {
        result: broken ? "fail" : "warn",
        evidence: `${rule.argv[0]} -v: ${why}`,
        ...(broken && {
          meaning: "the program is there and does not run: the kernel gets no ticket",
          fix: "install cifs-utils anew, with what it depends on",
          verdict: missing(`${rule.argv[0]} does not run: ${why}`, "install cifs-utils anew, with what it depends on"),
        }),
      },
    ];
  },
};

const missing = (summary: string, advice: string): Verdict => ({
  cause: "auth.upcall-missing",
  confidence: "certain",
  summary,
  advice: [advice],
});

const withoutRequestKey = (state: string): Finding => ({
  result: "fail",
  evidence: `${requestKey} is ${state}`,
  meaning:
    "the kernel starts this program for every key that it asks for: mount error(126), Required key not available",
  fix: "install keyutils",
  verdict: missing(`${requestKey}, which the kernel starts for every key, is ${state}`, "install keyutils"),
});

/** Only the loaded module tells; one that is not loaded says nothing. */
async function kernelWithoutUpcall(procRoot: string, signal: AbortSignal): Promise<Finding | undefined> {
  const file = await readLocal(join(procRoot, "fs/cifs/DebugData"), { limitBytes: 64 * 1024, signal });
  const features = /^Features: (.*)$/m.exec(file?.content.toString("utf8") ?? "")?.[1];
  if (features === undefined || features.includes("UPCALL(SPNEGO)")) return undefined;
  const fix = "use a kernel with CONFIG_CIFS_UPCALL";
  return {
    result: "fail",
    evidence: `the cifs module was built without upcalls: ${features}`,
    meaning: "it never asks for a ticket: mount error(38), Function not implemented",
    fix,
    verdict: missing("this kernel's SMB client was built without Kerberos (CONFIG_CIFS_UPCALL)", fix),
  };
}
