import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import type { Machine } from "../../machine.ts";
import type { SmbCase } from "./case.ts";

/** What a mount needs beside the kernel: mount.cifs, and for Kerberos and DFS the programs of keyutils. */
export const programs: Check<SmbCase> = {
  name: "programs",
  limitMs: 15_000,
  async run({ machine, intent }, signal) {
    const findings = [await helper(machine, signal)];
    const asked = await machine.run(["request-key", "--version"], { timeoutMs: 5000, maxBytes: 4096, signal });
    const [, version] = /keyutils-(\S+)/.exec(`${asked.stdout}\n${asked.stderr}`) ?? [];
    if (asked.status !== "missing")
      findings.push({
        result: "ok",
        evidence: `request-key is there${version === undefined ? "" : ` (keyutils ${version})`}`,
      });
    else
      findings.push({
        result: intent.security === "krb5" ? "fail" : "warn",
        evidence: "request-key is not installed",
        meaning: "the kernel gets no Kerberos ticket and resolves no DFS target: error 126 with sec=krb5",
        fix: "install keyutils",
        ...(intent.security === "krb5" && {
          verdict: {
            cause: "auth.upcall-missing",
            confidence: "certain",
            summary: "request-key is missing: the kernel can ask for no Kerberos ticket",
            advice: ["install keyutils"],
          },
        }),
      });
    return findings;
  },
};

/** The first that hands over names and passwords as the kernels of today want them. */
const OLD = 6008;

async function helper(machine: Machine, signal: AbortSignal): Promise<Finding> {
  const asked = await machine.run(["mount.cifs", "-V"], { timeoutMs: 5000, maxBytes: 4096, signal });
  if (asked.status === "missing")
    return {
      result: "fail",
      evidence: "mount.cifs is not installed",
      meaning:
        'mount -t cifs cannot resolve the server\'s name or read a credentials file: "bad option", error 32 or 22',
      fix: "install cifs-utils",
    };
  const [, version] = /version:?\s+(\d+\.\d+\S*)/.exec(`${asked.stdout}\n${asked.stderr}`) ?? [];
  if (version === undefined)
    return { result: "warn", evidence: `mount.cifs does not tell its version: ${asked.reason ?? "no word of it"}` };
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major * 1000 + minor < OLD)
    return { result: "warn", evidence: `mount.cifs ${version}`, meaning: "older than 6.8", fix: "update cifs-utils" };
  return { result: "ok", evidence: `mount.cifs ${version}` };
}
