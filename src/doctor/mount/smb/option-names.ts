// The options that the kernel's client takes: cifs_mount_option_tokens of fs/cifs/connect.c in 5.10, smb3_fs_parameters of
// fs/smb/client/fs_context.c in 6.1, 6.12 and 7.2.

/** Those of every kernel from 5.10 to 7.2. */
const always = `
_netdev acl actimeo addr backupgid backupuid brl bsize cache cifsacl compress cred credentials cruid dev dir_mode dirmode dom domain domainauto
dynperm echo_interval esize exec file_mode forcegid forcemand forcemandatorylock forceuid fsc gid guest handlecache handletimeout hard idsfromsid
ignorecase intr iocharset ip linux locallease mand mapchars mapposix max_channels max_credits mfsymlinks modefromsid multichannel multiuser
netbiosname noac noacl noauto noautotune noblocksend nobrl nocase nodelete nodev nodfs nodynperm noexec noforcegid noforceuid nohandlecache nohard
nointr nolease nolinux nomand nomapchars nomapposix nomultichannel noperm nopersistenthandles noposix noposixpaths noresilienthandles noserverino
nosetuids nosfu nosharesock nosoft nostrictsync nosuid nounix nouser_xattr pass password perm persistenthandles port posix posixpaths prefixpath rdma
relatime resilienthandles rootfs rsize rwpidforward seal sec serverino servern setuids sfu sign signloosely sloppy snapshot soft srcaddr strictsync
suid uid unc unix user user_xattr username ver vers wsize`;

/** What mount(8) and mount.cifs(8) keep for themselves, or make flags of mount(2) of. */
const ofMount = `
ro rw remount defaults async sync dirsync atime noatime diratime nodiratime relatime norelatime strictatime nostrictatime lazytime nolazytime iversion
noiversion auto noauto user nouser users owner group nofail comment symfollow nosymfollow silent loud context fscontext defcontext rootcontext
credentials cred guest workgroup target path verbose password2 pass2`;

/** Newer ones, by the last kernel line looked at that lacks them and the first that has them. */
const since: readonly (readonly [lacks: string, has: string, names: string])[] = [
  [
    "5.10",
    "6.1",
    "acdirmax acregmax closetimeo ignore_signature min_enc_offload modesid nosparse notcpnodelay rasize setuidfromacl source tcpnodelay witness",
  ],
  ["6.1", "6.12", "max_cached_dirs reparse retrans upcall_target"],
  ["6.12", "7.2", "lease nativesocket nbsessinit nonativesocket nonbsessinit nounicode symlink symlinkroot unicode"],
];

const words = (text: string): string[] => text.trim().split(/\s+/);
const known: ReadonlySet<string> = new Set([...words(always), ...words(ofMount)]);
const newer = new Map(since.flatMap(([lacks, has, names]) => words(names).map((name) => [name, { lacks, has }])));

/** What a misspelt one may mean; short second names are not what people mistype. */
export const everyOption: readonly string[] = [...known, ...newer.keys()].filter(
  (name) => !["ver", "dom", "cred"].includes(name),
);

/** `yes`, `no`: as far as the kernel lines looked at tell; `perhaps`: it came between two of them. */
export type Known =
  | { readonly is: "yes" }
  | { readonly is: "no"; readonly since?: string }
  | { readonly is: "perhaps"; readonly since: string };

/** Whether a kernel of a release (`6.1.0-40-amd64`) takes an option. */
export function knows(release: string, name: string): Known {
  if (known.has(name) || name.startsWith("x-")) return { is: "yes" };
  const found = newer.get(name);
  if (found === undefined) return { is: "no" };
  const line = lineNumber(release);
  if (line >= lineNumber(found.has)) return { is: "yes" };
  return line <= lineNumber(found.lacks) ? { is: "no", since: found.has } : { is: "perhaps", since: found.has };
}

function lineNumber(release: string): number {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(major) * 1000 + Number(minor);
}
