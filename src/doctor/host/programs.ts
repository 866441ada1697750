import type { Argv } from "../../system/process.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { HostCase } from "./host-case.ts";

interface Program {
  readonly argv: Argv;
  /** Its first group is the version. */
  readonly version: RegExp;
  readonly package: string;
  readonly without: string;
}

/** What mounts rest on outside of the kernel. */
const programsOfMounts: readonly Program[] = [
  {
    argv: ["mount.cifs", "-V"],
    version: /version:?\s+(\S+)/,
    package: "cifs-utils",
    without: "mount -t cifs takes no name of a server, and no credentials file",
  },
  {
    argv: ["cifs.upcall", "-v"],
    version: /version:?\s+(\S+)/,
    package: "cifs-utils",
    without: "no SMB mount with sec=krb5",
  },
  {
    argv: ["mount.nfs", "-V"],
    version: /nfs-utils\s+([^\s)]+)/,
    package: "nfs-common, nfs-utils on Fedora and SUSE's nfs-client",
    without: "no mount of NFS",
  },
  {
    argv: ["keyctl", "--version"],
    version: /keyutils-(\S+)/,
    package: "keyutils",
    without: "keys of the kernel cannot be looked at",
  },
  {
    argv: ["request-key", "--version"],
    version: /keyutils-(\S+)/,
    package: "keyutils",
    without: "the kernel can ask for no Kerberos ticket and no address of a DFS target",
  },
];

/** The programs that mounts need, with their versions. */
export const programs: Check<HostCase> = {
  name: "programs",
  limitMs: 30_000,
  async run({ machine }, signal) {
    const told: Finding[] = [];
    for (const program of programsOfMounts) {
      const [name] = program.argv;
      const ran = await machine.run(program.argv, { timeoutMs: 5000, maxBytes: 4096, signal });
      const [, version] = program.version.exec(`${ran.stdout.toString("utf8")}\n${ran.stderr}`) ?? [];
      if (ran.status === "missing") told.push(absent(name, program));
      else if (version !== undefined) told.push({ result: "ok", evidence: `${name} ${version}` });
      else
        told.push({ result: "warn", evidence: `${name} does not tell its version: ${ran.reason ?? "no word of it"}` });
    }
    return told;
  },
};

const absent = (name: string, { package: owner, without }: Program): Finding => ({
  result: "warn",
  evidence: `${name} is not installed`,
  meaning: `without it: ${without}`,
  fix: `install ${owner}`,
});
