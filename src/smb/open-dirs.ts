// /proc/fs/cifs/open_dirs, 7.2 and later: fs/smb/client/cifs_debug.c, cifs_debug_dirs_proc_show(). What the client keeps of directories; an entry has a
// line, a tree's counts stand before its entries.

export interface CachedDirs {
  readonly entries: number;
  readonly dirents: number;
  readonly bytes: number;
  readonly rows: CachedDir[];
}

export interface CachedDir {
  readonly treeId: number;
  readonly sessionId: bigint;
  readonly fileId: bigint;
  /** Absent where it has no lease. */
  readonly leaseKey?: string;
  /** Below the share's root; empty for the root itself. */
  readonly path: string;
  readonly validInfo: boolean;
  readonly validDirents: boolean;
  readonly dirents?: { readonly entries: number; readonly bytes: number };
}

export interface OpenDirs {
  /** One for each tree of the client, also those that keep nothing. */
  readonly trees: readonly CachedDirs[];
  /** Lines that are neither, in order. */
  readonly unknown: readonly string[];
}

/** Never throws. */
export function parseOpenDirs(text: string): OpenDirs {
  const trees: CachedDirs[] = [];
  const unknown: string[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const head = /^Num entries: (\d+), cached_dirents: (\d+) entries, (\d+) bytes$/.exec(line);
    const tree = trees.at(-1);
    const row = head === null ? rowOf(line) : undefined;
    if (head !== null) {
      const [entries = 0, dirents = 0, bytes = 0] = head.slice(1).map(Number);
      trees.push({ entries, dirents, bytes, rows: [] });
    } else if (row !== undefined && tree !== undefined) tree.rows.push(row);
    else unknown.push(line);
  }
  return { trees, unknown };
}

function rowOf(line: string): CachedDir | undefined {
  const [, tree, session, file, key, rest = ""] =
    /^(0x[0-9a-f]+) (0x[0-9a-f]+) (0x[0-9a-f]+) (-|[0-9a-f-]{36}) (.*)$/i.exec(line) ?? [];
  if (tree === undefined || session === undefined || file === undefined || key === undefined) return undefined;
  const [, path = "", info, valid, entries, bytes] =
    /^(.*?)(\tvalid file info)?(, valid dirents)?(?:, dirents: (\d+) entries, (\d+) bytes)?$/.exec(rest) ?? [];
  return {
    treeId: Number(tree),
    sessionId: BigInt(session),
    fileId: BigInt(file),
    ...(key === "-" ? {} : { leaseKey: key }),
    path,
    validInfo: info !== undefined,
    validDirents: valid !== undefined,
    ...(entries === undefined ? {} : { dirents: { entries: Number(entries), bytes: Number(bytes) } }),
  };
}
