import { basename } from "node:path";
import { type Ccache, parseCcache } from "../../kerberos/ccache.ts";
import { parseKlist } from "../../kerberos/klist.ts";
import type { FoundCache } from "../../sources/ticket-caches.ts";
import type { Argv, RunResult } from "../../system/process.ts";
import type { KerberosCase } from "./case.ts";
import { optionOf } from "./config.ts";
import type { LocalFiles } from "./local-files.ts";
import type { User } from "./user.ts";

/** A cache of the user whose tickets are used. */
export interface UserCache {
  /** `FILE:/tmp/krb5cc_1000`, `KEYRING:persistent:1000`, `KCM:1000` */
  readonly name: string;
  /** The one that a program finds without KRB5CCNAME. */
  readonly isDefault: boolean;
  readonly cache: Ccache;
}

/** A look at one cache: what is in it, whose it is where the user may not read it, or why nothing is known of it. */
export type CacheLook =
  | { readonly cache: Ccache }
  | { readonly absent: true }
  | { readonly owner: number }
  | { readonly unknown: string };

/** `FILE:/tmp/krb5cc_%{uid}` for a user: krb5.conf(5), parameter expansion. */
export function expandCacheName(template: string, { uid, name }: User): string {
  const values: Readonly<Record<string, string>> = {
    uid: String(uid),
    euid: String(uid),
    USERID: String(uid),
    username: name ?? "",
    TEMP: "/tmp",
    null: "",
  };
  const whole = template.replace(/%\{([^}]*)\}/g, (match, word: string) => values[word] ?? match);
  return /^[A-Za-z0-9]+:/.test(whole) ? whole : `FILE:${whole}`;
}

/** Looks into one cache by its name. */
export async function lookAt(
  of: KerberosCase,
  files: LocalFiles,
  name: string,
  signal: AbortSignal,
): Promise<CacheLook> {
  const [kind = "", ...parts] = name.split(":");
  const rest = parts.join(":");
  switch (kind.toUpperCase()) {
    case "FILE":
      return fileCache(files, rest, of.user.uid);
    case "DIR": {
      const path = rest.startsWith(":")
        ? rest.slice(1)
        : `${rest}/${((await files.text(`${rest}/primary`)) ?? "tkt").trim()}`;
      return fileCache(files, basename(path).startsWith("tkt") ? path : `${rest}/tkt`, of.user.uid);
    }
    case "KEYRING":
    case "KCM":
      return klist(of, name, signal);
    default:
      return { unknown: `${name}: caches of this kind are seen by their own process alone` };
  }
}

async function fileCache(files: LocalFiles, path: string, uid: number): Promise<CacheLook> {
  const lacks = files.lacks.size;
  const bytes = await files.bytes(path);
  if (bytes === undefined)
    return files.lacks.size > lacks ? { unknown: [...files.lacks].at(-1) ?? path } : { absent: true };
  const owner = await files.uidOf(path);
  const cache = parseCcache(bytes);
  // It held session keys.
  bytes.fill(0);
  // The library makes caches that nobody else may read.
  if (owner !== undefined && owner !== uid && uid !== 0) return { owner };
  return cache === undefined ? { unknown: `${path} is no credential cache` } : { cache };
}

const klistLimits = {
  timeoutMs: 12_000,
  maxBytes: 64 * 1024,
  env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", TZ: "UTC" },
};

async function klist(of: KerberosCase, name: string, signal: AbortSignal): Promise<CacheLook> {
  const { status, stdout, stderr, reason } = await runAsUser(of, ["klist", "-e", "-c", name], signal);
  if (status === "missing")
    return { unknown: `klist is not installed (krb5-user, krb5-workstation): ${name} cannot be looked at` };
  if (status === "timeout") return { unknown: `klist -c ${name}: ${reason ?? "no answer"}` };
  const cache = status === "ok" ? parseKlist(stdout.toString("utf8")) : undefined;
  if (cache !== undefined) return { cache };
  const why = stderr.trim().split("\n")[0] ?? "";
  return /not found|No credentials cache|does not exist/i.test(why)
    ? { absent: true }
    : { unknown: `klist -c ${name}: ${why || (reason ?? "no answer")}` };
}

/** Runs a program as the user whose tickets are asked for, where this process may: keyrings and KCM know their owner by it. */
export async function runAsUser(of: KerberosCase, argv: Argv, signal: AbortSignal): Promise<RunResult> {
  const { user, isRoot, machine, rule } = of;
  const config = optionOf(rule, "-k", "--krb5conf");
  const limits = { ...klistLimits, env: { ...klistLimits.env, ...(config && { KRB5_CONFIG: config }) } };
  if (isRoot && user.uid !== 0) {
    const as: Argv = ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups", ...argv];
    const ran = await machine.run(as, { ...limits, signal });
    if (ran.status === "missing") return machine.run(argv, { ...limits, signal });
    // setpriv's own word for a program that is not there.
    return ran.code === 127 ? { ...ran, status: "missing" } : ran;
  }
  return machine.run(argv, { ...limits, signal });
}

/** Those of the user that were found elsewhere than where the library looks. */
export const further = (found: readonly FoundCache[], uid: number, names: ReadonlySet<string>): readonly UserCache[] =>
  found
    .filter((one) => one.uid === uid && !names.has(one.name))
    .map(({ name, cache }) => ({ name, isDefault: false, cache }));
