import { join } from "node:path";
import { AodError } from "../../system/error.ts";
import { type MountInfo, mountOf, parseMountinfo } from "../../system/mountinfo.ts";
import { isNfs, isSmb } from "../../system/mounts.ts";
import { readLocal } from "../../system/proc.ts";
import type { Machine } from "../machine.ts";
import { parseMountTarget, targetText } from "../mount/target.ts";
import type { KerberosSubject } from "./case.ts";
import type { KerberosRequest } from "./kerberos.ts";
import { findUser, type User, userText } from "./user.ts";

const LIMIT_BYTES = 16 * 1024 ** 2;

/** Who asks, and about what. */
export interface KerberosWords {
  /** A mount point, `//server/share`, `server:/export`; absent: every Kerberos mount, or the machine alone. */
  readonly about?: string;
  /** By name or uid. */
  readonly user?: string;
  /** Of the process that asks. */
  readonly uid: number;
  readonly cwd: string;
}

/** What is to be looked at, one for each mount. Throws where the words name nothing. */
export async function kerberosRequests(
  machine: Machine,
  words: KerberosWords,
  signal: AbortSignal,
): Promise<readonly KerberosRequest[]> {
  const text = (
    await readLocal(join(machine.procRoot, "self/mountinfo"), { limitBytes: LIMIT_BYTES, signal })
  )?.content.toString("utf8");
  const mounts = parseMountinfo(text ?? "");
  const passwd =
    (await readLocal(join(machine.fsRoot, "etc/passwd"), { limitBytes: LIMIT_BYTES, signal }))?.content.toString(
      "utf8",
    ) ?? "";
  const requests: KerberosRequest[] = [];
  for (const subject of subjectsOf(words, mounts)) {
    const [wanted, userWhy] = whose(words, subject);
    const user: User | undefined = await findUser(machine.run, passwd, wanted, signal);
    if (user === undefined) throw new AodError("usage", `there is no user ${wanted}: name an account, or a uid`);
    const why = userWhy.replace("%", userText(user));
    requests.push({ subject, mounts, user, userWhy: why, isRoot: words.uid === 0 });
  }
  return requests;
}

const subjectOfMount = (mount: MountInfo): KerberosSubject => {
  const target = parseMountTarget(mount.source, mount.target);
  return { text: `${mount.target} (${targetText(target)})`, protocol: target.protocol, host: target.host, mount };
};

const isNetwork = (mount: MountInfo): boolean => isSmb(mount) || isNfs(mount);

function subjectsOf({ about, cwd }: KerberosWords, mounts: readonly MountInfo[]): readonly KerberosSubject[] {
  if (about === undefined) {
    const kerberos = mounts.filter(
      (mount) => isNetwork(mount) && String(mount.options["sec"] ?? "").startsWith("krb5"),
    );
    const each = new Map(kerberos.map((mount) => [`${mount.source} ${mount.options["cruid"]}`, mount]));
    return each.size === 0
      ? [{ text: "this host", protocol: "smb" }]
      : [...each.values()].slice(0, 32).map(subjectOfMount);
  }
  if (/^(?:\/\/|\\\\|smb:|nfs:)/.test(about) || /^[^/]+:\//.test(about)) {
    const target = parseMountTarget(
      /^(?:\/\/|\\\\)[^/\\]+[/\\]*$/.test(about) ? `${about.replace(/[/\\]+$/, "")}/IPC$` : about,
    );
    const text = targetText(target);
    const mount = mounts.find((one) => isNetwork(one) && one.source.toLowerCase() === text.toLowerCase());
    return [{ text, protocol: target.protocol, host: target.host, ...(mount && { mount }) }];
  }
  const mount = mountOf(about, mounts, cwd);
  if (mount === undefined || !isNetwork(mount))
    throw new AodError(
      "usage",
      `${about} is on no mount of SMB or NFS: name a mount point, //SERVER/SHARE or SERVER:/EXPORT`,
    );
  return [subjectOfMount(mount)];
}

/** The user, and why it is this one. */
function whose({ user, uid }: KerberosWords, { mount, protocol }: KerberosSubject): readonly [string, string] {
  if (user !== undefined) return [user, "as --user says"];
  const cruid = mount?.options["cruid"];
  if (typeof cruid === "string") return [cruid, `the mount has cruid=${cruid}`];
  if (uid !== 0) return [String(uid), "who asks; --user names another"];
  return protocol === "smb"
    ? ["0", "a mount by root without cruid= takes root's; --user NAME for cruid=NAME"]
    : ["0", "root mounts with the machine's own key; --user NAME for who then works there"];
}
