// /proc/fs/cifs/dfscache: fs/smb/client/dfs_cache.c, dfscache_proc_show(). Referrals that the client remembers, with their targets.

export interface DfsTarget {
  /** `\server\share` */
  readonly name: string;
  /** The one that the client uses. */
  readonly hint: boolean;
}

export interface DfsEntry {
  /** `\domain\namespace\link` */
  readonly path: string;
  readonly type: string;
  readonly ttlSeconds: number;
  readonly expired: boolean;
  readonly interlink: boolean;
  readonly pathConsumed?: number;
  /** Absent on 5.10. */
  readonly headerFlags?: number;
  readonly referralFlags?: number;
  readonly targets: DfsTarget[];
}

export interface DfsCache {
  readonly entries: readonly DfsEntry[];
  readonly unknown: readonly string[];
}

/** Never throws. */
export function parseDfsCache(text: string): DfsCache {
  const entries: DfsEntry[] = [];
  const unknown: string[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line === "DFS cache" || /^-+$/.test(line)) continue;
    const entry = entryOf(line);
    const last = entries.at(-1);
    const [, name, hint] = /^ {2}(\S.*?)( \(target hint\))?$/.exec(line) ?? [];
    if (entry !== undefined) entries.push(entry);
    else if (name !== undefined && last !== undefined) last.targets.push({ name, hint: hint !== undefined });
    else unknown.push(line);
  }
  return { entries, unknown };
}

/** A path may have commas and equals signs: what follows it begins with `,type=`. */
function entryOf(line: string): DfsEntry | undefined {
  const [, path, type, rest] = /^cache entry: path=(.*),type=(\w+),(.*)$/.exec(line) ?? [];
  if (path === undefined || type === undefined || rest === undefined) return undefined;
  const facts = new Map(
    rest.split(",").map((part): [string, string] => {
      const [name = "", value = ""] = part.split("=", 2);
      return [name, value];
    }),
  );
  const number = (name: string): number | undefined => {
    const value = Number(facts.get(name) || Number.NaN);
    return Number.isSafeInteger(value) ? value : undefined;
  };
  const [pathConsumed, headerFlags, referralFlags] = ["path_consumed", "hdr_flags", "ref_flags"].map(number);
  return {
    path,
    type,
    ttlSeconds: number("ttl") ?? 0,
    expired: facts.get("expired") === "yes",
    interlink: facts.get("interlink") === "yes",
    ...(pathConsumed === undefined ? {} : { pathConsumed }),
    ...(headerFlags === undefined ? {} : { headerFlags }),
    ...(referralFlags === undefined ? {} : { referralFlags }),
    targets: [],
  };
}
