// /proc/fs/cifs/open_files: fs/smb/client/cifs_debug.c, cifs_debug_files_proc_show(). Its version stayed 1 while columns came and went, so the line that
// names them decides.

export interface OpenFileRow {
  readonly treeId: number;
  /** Absent on 5.10. */
  readonly sessionId?: bigint;
  /** tgid of who opened it. */
  readonly pid: number;
  readonly uid: number;
}

export interface OpenFiles {
  readonly rows: readonly OpenFileRow[];
  /** Lines that are no row, and rows before the names of their columns. */
  readonly unknown: number;
}

/** Never throws. Names of files are not taken out of it. */
export function parseOpenFiles(text: string): OpenFiles {
  const rows: OpenFileRow[] = [];
  let columns: Columns | undefined;
  let unknown = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith("# <")) columns = columnsOf(line);
    if (line === "" || line.startsWith("#")) continue;
    const row = columns === undefined ? undefined : rowOf(line, columns);
    if (row === undefined) unknown++;
    else rows.push(row);
  }
  return { rows, unknown };
}

interface Columns {
  readonly tree: number;
  readonly session: number;
  readonly pid: number;
  readonly uid: number;
}

function columnsOf(line: string): Columns {
  const names = [...line.matchAll(/<([^>]+)>/g)].map(([, name]) => name);
  const at = (...wanted: string[]): number => names.findIndex((name) => name !== undefined && wanted.includes(name));
  return { tree: at("tree id"), session: at("ses id", "sess id"), pid: at("pid"), uid: at("uid") };
}

function rowOf(line: string, { tree, session, pid, uid }: Columns): OpenFileRow | undefined {
  // The name, which may have blanks, comes after all of them.
  const fields = line.split(" ");
  const treeId = Number(fields[tree]);
  const owner = Number(fields[pid]);
  const user = Number(fields[uid]);
  if (![treeId, owner, user].every((number) => Number.isSafeInteger(number) && number >= 0)) return undefined;
  const hex = fields[session] ?? "";
  const sessionId = /^0x[0-9a-f]{1,16}$/.test(hex) ? { sessionId: BigInt(hex) } : {};
  return { treeId, ...sessionId, pid: owner, uid: user };
}
