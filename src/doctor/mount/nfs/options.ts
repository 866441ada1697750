// nfs(5), mount(8), and nfs_fs_parameters of fs/nfs/fs_context.c.
import { parseVersion } from "../../../nfs/versions.ts";
import { nearest } from "../../../smb/nearest.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import type { Machine } from "../../machine.ts";
import { hasWord, moduleImage } from "../module-image.ts";
import type { MountOption } from "../options.ts";
import type { NfsCase } from "./case.ts";

/** Of the kernel's client. `no` may stand before most. */
const ofTheKernel = new Set(
  `ac acdirmax acdirmin acl acregmax acregmin actimeo addr alignwrite bsize cert_serial clientaddr cto fatal_neterrors fsc hard intr local_lock lock
  lookupcache max_connect migration minorversion mountaddr mounthost mountport mountproto mountvers namlen nconnect nfsvers port posix privkey_serial
  proto rdirplus rdma resvport retrans retry rsize sec sharecache sloppy soft softerr softreval tcp timeo trunkdiscovery udp v3 v4 v4.0 v4.1 v4.2
  vers write wsize xprtsec`.split(/\s+/),
);
/** Of mount.nfs itself. */
const ofMountNfs = new Set("bg fg retry mountprog nfsprog v2".split(" "));
/** Of mount(8), for whatever file system. */
const ofMount = new Set(
  `rw ro suid nosuid dev nodev exec noexec auto noauto user nouser users nousers owner group defaults async sync dirsync atime noatime diratime
  nodiratime relatime norelatime strictatime nostrictatime lazytime nolazytime remount bind rbind move _netdev nofail mand nomand silent loud
  iversion noiversion nosymfollow symfollow context fscontext defcontext rootcontext comment uid gid`.split(/\s+/),
);

const securities = ["none", "sys", "krb5", "krb5i", "krb5p"];
const protocols = ["tcp", "tcp6", "udp", "udp6", "rdma", "rdma6"];

/** Whether mount.nfs and this kernel's client know each option, and what of them contradicts itself. */
export const options: Check<NfsCase> = {
  name: "options",
  limitMs: 15_000,
  async run(of, signal) {
    const { all } = of.request.options;
    if (all.length === 0) return { result: "ok", evidence: "none are given" };
    const image = all.some(({ name }) => ofTheKernel.has(bare(name)))
      ? await clientModule(of.machine, signal)
      : undefined;
    const sloppy = of.request.options.has("sloppy");
    const told = all.flatMap((option) => findingOf(option, image, sloppy) ?? []);
    told.push(...contradictions(of));
    if (told.length > 0) return told;
    const checked = image === undefined ? "known to mount.nfs" : "known to mount.nfs and to this kernel";
    return { result: "ok", evidence: `${of.request.options}: ${checked}` };
  },
};

/** Undefined where the client is built in, too. */
async function clientModule(machine: Machine, signal: AbortSignal): Promise<Buffer | undefined> {
  const found = await machine.run(["modinfo", "-F", "filename", "nfs"], { timeoutMs: 5000, maxBytes: 4096, signal });
  const path = found.status === "ok" ? found.stdout.toString("utf8").trim() : "";
  return path.startsWith("/") ? await moduleImage(machine, path, signal) : undefined;
}

const bare = (name: string): string =>
  !ofTheKernel.has(name) && name.startsWith("no") && ofTheKernel.has(name.slice(2)) ? name.slice(2) : name;

function findingOf({ name, value }: MountOption, image: Buffer | undefined, sloppy: boolean): Finding | undefined {
  if (/^(?:x-|X-)/.test(name) || ofMount.has(name) || ofMountNfs.has(name)) return undefined;
  if (!ofTheKernel.has(bare(name))) {
    const near = nearest(name, [...ofTheKernel, ...ofMountNfs, ...ofMount]);
    return unknown(name, near, sloppy, "neither mount(8) nor the NFS client has an option of that name");
  }
  if (image !== undefined && !hasWord(image, bare(name)))
    return unknown(name, undefined, sloppy, "the NFS client of this kernel is too old or too new for it");
  return value === undefined ? undefined : wrongValue(name, value);
}

function unknown(name: string, near: string | undefined, sloppy: boolean, why: string): Finding {
  const evidence = `${name}: ${why}`;
  if (sloppy) return { result: "warn", evidence, meaning: "sloppy lets it be: it has no effect" };
  const fix = near === undefined ? `leave ${name} out` : `write ${near} where it says ${name}`;
  const summary = `the option ${name} is not known here: ${why}`;
  return {
    result: "fail",
    evidence,
    meaning: 'mount.nfs says "an incorrect mount option was specified" (error 22)',
    fix,
    verdict: { cause: "mount.option-unknown", confidence: "certain", summary, advice: [fix] },
  };
}

function wrongValue(name: string, value: string): Finding | undefined {
  const isVersion = name === "vers" || name === "nfsvers";
  if (isVersion && parseVersion(value) !== undefined) return undefined;
  const allowed = isVersion
    ? ["3", "4", "4.0", "4.1", "4.2"]
    : name === "proto"
      ? protocols
      : name === "xprtsec"
        ? ["none", "tls", "mtls"]
        : name === "sec"
          ? securities
          : undefined;
  const values = name === "sec" ? value.split(":") : [value];
  const wrong = values.find((one) => allowed?.includes(one) === false);
  if (allowed === undefined || wrong === undefined) return undefined;
  const near = nearest(wrong, allowed);
  const fix = near === undefined ? `${name}= takes ${allowed.join(", ")}` : `write ${name}=${near}`;
  const summary = `${name}=${wrong} is no value that an NFS mount takes`;
  return {
    result: "fail",
    evidence: `${name}=${wrong}`,
    meaning: `${summary}: mount.nfs says "an incorrect mount option was specified" (error 22)`,
    fix,
    verdict: { cause: "mount.option-unknown", confidence: "certain", summary, advice: [fix] },
  };
}

function contradictions({ request, intent }: NfsCase): readonly Finding[] {
  const { options: given } = request;
  const both = (one: string, other: string, meaning: string): readonly Finding[] =>
    given.has(one) && given.has(other)
      ? [{ result: "warn", evidence: `${one} and ${other} are both given`, meaning }]
      : [];
  const four = intent.version?.major === 4;
  return [
    ...both("hard", "soft", "the last one counts"),
    ...both("lock", "nolock", "the last one counts"),
    ...both("ac", "noac", "the last one counts"),
    ...(given.has("soft") && !given.has("hard")
      ? [
          {
            result: "warn" as const,
            evidence: "soft",
            meaning:
              "a server that is slow for a while makes programs fail, and data that was to be written may be lost",
            fix: "hard, or softerr where a program must not wait",
          },
        ]
      : []),
    ...(four && intent.protocol.startsWith("udp")
      ? [
          {
            result: "fail" as const,
            evidence: `proto=${intent.protocol} with NFSv4`,
            meaning: "NFSv4 goes over TCP or RDMA alone: error 22",
            fix: "leave the protocol out",
          },
        ]
      : []),
    ...(four && given.has("nolock")
      ? [
          {
            result: "warn" as const,
            evidence: "nolock with NFSv4",
            meaning: "it has no effect: locks are part of NFSv4",
          },
        ]
      : []),
  ];
}
