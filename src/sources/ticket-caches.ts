// Where the credential caches of this machine's users are, and what is in them.
import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Ccache, parseCcache } from "../kerberos/ccache.ts";
import type { MountInfo } from "../system/mountinfo.ts";
import { hasCode } from "../system/proc.ts";
import { notLocal } from "./targets.ts";

export interface FoundCache {
  /** `FILE:/tmp/krb5cc_1000`, `KEYRING:persistent:1000` */
  readonly name: string;
  readonly uid: number;
  readonly cache: Ccache;
}

export interface CacheSearch {
  readonly found: readonly FoundCache[];
  /** What could not be looked at, and why. */
  readonly lacks: readonly string[];
  /** Caches beyond the bound. */
  readonly overLimit: number;
}

const MAX_CACHES = 128;
const MAX_BYTES = 256 * 1024;
/** Users whose caches are looked for. */
export const MAX_USERS = 64;

/** FILE caches in /tmp, and FILE and DIR caches in /run/user/UID. Nothing below a network mount is opened, and no link is followed. */
export async function fileCaches(
  fsRoot: string,
  mounts: readonly MountInfo[],
  signal: AbortSignal,
): Promise<CacheSearch> {
  const paths: string[] = [];
  const lacks: string[] = [];
  const list = async (directory: string): Promise<readonly string[]> => {
    const remote = notLocal(directory, mounts);
    if (remote !== undefined) {
      lacks.push(remote);
      return [];
    }
    try {
      return await readdir(join(fsRoot, directory));
    } catch (error) {
      if (!hasCode(error, "ENOENT", "ENOTDIR")) lacks.push(`${directory} cannot be read`);
      return [];
    }
  };
  for (const name of await list("/tmp")) if (/^krb5cc/.test(name)) paths.push(`/tmp/${name}`);
  const users = (await list("/run/user")).filter((name) => /^\d+$/.test(name)).slice(0, MAX_USERS);
  for (const user of users) {
    signal.throwIfAborted();
    for (const name of await list(`/run/user/${user}`)) {
      if (!name.startsWith("krb5cc")) continue;
      const path = `/run/user/${user}/${name}`;
      const tickets = (await list(path)).filter((one) => one.startsWith("tkt")).map((one) => `${path}/${one}`);
      paths.push(...(tickets.length === 0 ? [path] : tickets));
    }
  }
  const found: FoundCache[] = [];
  for (const path of paths.slice(0, MAX_CACHES)) {
    signal.throwIfAborted();
    const read = await readCache(join(fsRoot, path));
    if (read === "refused") lacks.push(`${path} cannot be read`);
    else if (read !== undefined) found.push({ name: `FILE:${path}`, ...read });
  }
  return { found, lacks: [...new Set(lacks)].slice(0, 4), overLimit: Math.max(0, paths.length - MAX_CACHES) };
}

/** Undefined for what is no cache, or has gone. */
async function readCache(path: string): Promise<Pick<FoundCache, "uid" | "cache"> | "refused" | undefined> {
  const buffer = Buffer.alloc(MAX_BYTES);
  try {
    // A pipe or a link that somebody put there holds nobody up.
    const handle = await open(
      path,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
    try {
      const about = await handle.stat();
      if (!about.isFile()) return undefined;
      const { bytesRead } = await handle.read(buffer, 0, MAX_BYTES, 0);
      const cache = parseCcache(buffer.subarray(0, bytesRead));
      return cache === undefined ? undefined : { uid: about.uid, cache };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return hasCode(error, "EACCES", "EPERM") ? "refused" : undefined;
  } finally {
    // It held session keys.
    buffer.fill(0);
  }
}

/** `KEYRING:persistent:%{uid}`, `KCM:`, ... of krb5.conf; undefined: the library's own, FILE:/tmp/krb5cc_%{uid}. Included files come first. */
export function defaultCacheName(texts: readonly string[]): string | undefined {
  let name: string | undefined;
  for (const text of texts) name ??= /^\s*default_ccache_name\s*=\s*(\S+)/m.exec(text)?.[1];
  return name;
}
