import { join } from "node:path";
import type { Capture, CaptureContext } from "./capture.ts";
import { captureLocalFiles } from "./local-file.ts";
import { captureProgram } from "./program-file.ts";

const packages = ["cifs-utils", "keyutils", "nfs-common", "nfs-utils", "autofs", "krb5-user", "krb5-workstation"];
const morePackages = ["samba-common-bin", "sssd-common", "gssproxy", "azfilesauth", "aznfs"];

/** What is installed and how it is set up: a server's support asks for this first. Each is a file, or the word that there is none. */
export const versions: Capture = {
  name: "versions",
  summary: "versions of the system, its kernel, modules and helpers; how keys are requested; reboots",
  phases: ["open"],
  async *collect(context) {
    const { procRoot, sysRoot, fsRoot = "/" } = context;
    const local: readonly (readonly [string, string])[] = [
      ["os-release", join(fsRoot, "etc/os-release")],
      ["kernel-version", join(procRoot, "version")],
      ["kernel-cmdline", join(procRoot, "cmdline")],
      ["kernel-tainted", join(procRoot, "sys/kernel/tainted")],
      ["filesystems", join(procRoot, "filesystems")],
      ["crypto", join(procRoot, "crypto")],
      ["keys", join(procRoot, "keys")],
      ["key-users", join(procRoot, "key-users")],
      ["request-key.conf", join(fsRoot, "etc/request-key.conf")],
      ["request-key-cifs.conf", join(fsRoot, "etc/request-key.d/cifs.spnego.conf")],
      ["request-key-idmap.conf", join(fsRoot, "etc/request-key.d/cifs.idmap.conf")],
      ["nfs.conf", join(fsRoot, "etc/nfs.conf")],
      ["nfsmount.conf", join(fsRoot, "etc/nfsmount.conf")],
      ["idmapd.conf", join(fsRoot, "etc/idmapd.conf")],
      ["azfilesauth-config.yaml", join(fsRoot, "etc/azfilesauth/config.yaml")],
      ["krb5.conf", join(fsRoot, "etc/krb5.conf")],
      ["fstab", join(fsRoot, "etc/fstab")],
      ...["cifs", "nfs", "nfsv4", "sunrpc"].flatMap((module) => [
        [`module-${module}-version`, join(sysRoot, "module", module, "version")] as const,
        [`module-${module}-srcversion`, join(sysRoot, "module", module, "srcversion")] as const,
      ]),
    ];
    const absent = "there is no such file";
    const requests = local.map(([name, path]) => ({ name: `versions/${name}`, path, limitBytes: 256 * 1024, absent }));
    yield* captureLocalFiles(context, requests);
    yield* programVersions(context);
  },
};

async function* programVersions(context: CaptureContext) {
  const ask = (name: string, ...argv: [string, ...string[]]) =>
    captureProgram(context, {
      name: `versions/${name}.txt`,
      argv,
      limitBytes: 64 * 1024,
      lenient: true,
    });
  for (const module of ["cifs", "nfs", "nfsv4", "sunrpc"]) yield await ask(`modinfo-${module}`, "modinfo", module);
  yield await ask("mount.cifs", "mount.cifs", "-V");
  yield await ask("mount.nfs", "mount.nfs", "-V");
  yield await ask("keyctl", "keyctl", "--version");
  yield await ask("reboots", "last", "-n", "5", "reboot");
  const all = [...packages, ...morePackages];
  const dpkg = await ask("packages", "dpkg-query", "-W", ...all);
  yield dpkg.content === undefined ? await ask("packages", "rpm", "-q", ...all) : dpkg;
  // Of Azure Files with Entra identities: which tickets it manages; no ticket itself.
  yield await ask("azfilesauth", "azfilesauthmanager", "list");
}
