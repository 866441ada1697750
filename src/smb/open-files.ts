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

/** All that the kernel tells of a handle. */
export interface OpenFileDetails extends OpenFileRow {
  /** The server's number of the handle. */
  readonly fileId?: bigint;
  /** open(2)'s flags. */
  readonly flags?: number;
  readonly references?: number;
  /** The last component of its path. */
  readonly name: string;
  /** 7.2 and later: `RHW`, any of these letters, or `NONE`. */
  readonly lease?: string;
  /** `-` when there is none. */
  readonly leaseKey?: string;
  /** Of the request that opened it; kernels for debugging. */
  readonly mid?: bigint;
}

export interface OpenFiles {
  readonly rows: readonly OpenFileRow[];
  /** Lines that are no row, and rows before the names of their columns. */
  readonly unknown: number;
}

export interface OpenFileList {
  readonly files: readonly OpenFileDetails[];
  readonly unknown: readonly string[];
}

/** Never throws. Names of files are not taken out of it. */
export function parseOpenFiles(text: string): OpenFiles {
  const rows: OpenFileRow[] = [];
  const unknown = eachRow(text, (line, columns) => {
    const row = rowOf(line.split(" "), columns);
    if (row !== undefined) rows.push(row);
    return row !== undefined;
  });
  return { rows, unknown: unknown.length };
}

/** Never throws. */
export function listOpenFiles(text: string): OpenFileList {
  const files: OpenFileDetails[] = [];
  const unknown = eachRow(text, (line, columns) => {
    const file = detailsOf(line, columns);
    if (file !== undefined) files.push(file);
    return file !== undefined;
  });
  return { files, unknown };
}

/** Returns the lines that are no row. */
function eachRow(text: string, take: (line: string, columns: Columns) => boolean): string[] {
  const unknown: string[] = [];
  let columns: Columns | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("# <")) columns = columnsOf(line);
    if (line === "" || line.startsWith("#")) continue;
    if (columns === undefined || !take(line, columns)) unknown.push(line);
  }
  return unknown;
}

/** The columns before the name, and those after it, which has blanks itself. */
interface Columns {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const tree = "tree id";

function columnsOf(line: string): Columns {
  const names = [...line.matchAll(/<([^>]+)>/g)].map(([, name = ""]) => (name === "sess id" ? "ses id" : name));
  const at = names.indexOf("filename");
  return at < 0 ? { before: names, after: [] } : { before: names.slice(0, at), after: names.slice(at + 1) };
}

const isCount = (number: number): boolean => Number.isSafeInteger(number) && number >= 0;

function rowOf(fields: readonly string[], { before }: Columns): OpenFileRow | undefined {
  const of = (name: string): string | undefined => fields[before.indexOf(name)];
  const [treeId = Number.NaN, pid = Number.NaN, uid = Number.NaN] = [tree, "pid", "uid"].map((name) =>
    Number(of(name)),
  );
  if (![treeId, pid, uid].every(isCount)) return undefined;
  const sessionId = hexOf(of("ses id"));
  return { treeId, ...(sessionId === undefined ? {} : { sessionId }), pid, uid };
}

function hexOf(text: string | undefined): bigint | undefined {
  return text !== undefined && /^0x[0-9a-f]{1,16}$/.test(text) ? BigInt(text) : undefined;
}

function detailsOf(line: string, columns: Columns): OpenFileDetails | undefined {
  const fields = line.split(" ");
  const row = rowOf(fields, columns);
  const { before, after } = columns;
  if (row === undefined || fields.length < before.length + after.length + 1) return undefined;
  const ends = fields.length - after.length;
  const of = (name: string): string | undefined => {
    const first = before.indexOf(name);
    const last = after.indexOf(name);
    return first >= 0 ? fields[first] : last >= 0 ? fields[ends + last] : undefined;
  };
  const fileId = hexOf(of("persistent fid"));
  const [flags = Number.NaN, references = Number.NaN] = [Number(of("flags")), Number(of("count"))];
  const [lease, leaseKey, mid] = [of("lease"), of("lease-key"), of("mid")];
  return {
    ...row,
    ...(fileId === undefined ? {} : { fileId }),
    ...(isCount(flags) ? { flags } : {}),
    ...(Number.isSafeInteger(references) ? { references } : {}),
    name: fields.slice(before.length, ends).join(" "),
    ...(lease === undefined ? {} : { lease }),
    ...(leaseKey === undefined ? {} : { leaseKey }),
    ...(mid !== undefined && /^\d{1,20}$/.test(mid) ? { mid: BigInt(mid) } : {}),
  };
}
