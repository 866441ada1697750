/** One line of /proc/PID/mounts. */
export interface Mount {
  /** `//server/share`, `server:/export` */
  readonly source: string;
  readonly target: string;
  /** `cifs`, `smb3`, `nfs`, `nfs4`, ... */
  readonly type: string;
  /** Options without a value have the value `true`. */
  readonly options: Readonly<Record<string, string | true>>;
}

const smbTypes: ReadonlySet<string> = new Set(["cifs", "smb3"]);
const nfsTypes: ReadonlySet<string> = new Set(["nfs", "nfs4"]);

/** Lines that have no source, target and type are left out. */
export function parseMounts(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const [source, target, type, options = ""] = line.split(" ");
    if (source === undefined || target === undefined || type === undefined) continue;
    mounts.push({ source: unescapeOctal(source), target: unescapeOctal(target), type, options: parseOptions(options) });
  }
  return mounts;
}

/** The kernel escapes `,` and `=` inside values (seq_escape), so that the split is exact. */
export function parseOptions(text: string): Record<string, string | true> {
  const options: Record<string, string | true> = Object.create(null);
  for (const option of text.split(",")) {
    const equals = option.indexOf("=");
    if (equals > 0) options[option.slice(0, equals)] = unescapeOctal(option.slice(equals + 1));
    else if (option !== "") options[option] = true;
  }
  return options;
}

/** `\040` and its like, as seq_file's mangling writes white space and backslashes in paths. */
export function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  const run = /(?:\\[0-3][0-7]{2})+/g;
  return text.replace(run, (match) =>
    Buffer.from((match.match(/[0-7]{3}/g) ?? []).map((octal) => Number.parseInt(octal, 8))).toString(),
  );
}

export const isSmb = (mount: Pick<Mount, "type">): boolean => smbTypes.has(mount.type);
export const isNfs = (mount: Pick<Mount, "type">): boolean => nfsTypes.has(mount.type);

/** Addresses and ports of the servers of SMB and NFS mounts, each once. SMB prints `port=` only when it is not 445. */
export function serversOf(mounts: readonly Mount[]): { readonly address: string; readonly port: number }[] {
  const servers = new Map<string, { address: string; port: number }>();
  for (const mount of mounts) {
    const standard = isSmb(mount) ? 445 : isNfs(mount) ? 2049 : undefined;
    const { addr, port } = mount.options;
    if (standard === undefined || typeof addr !== "string") continue;
    const server = { address: addr, port: (typeof port === "string" && Number(port)) || standard };
    servers.set(`${server.address} ${server.port}`, server);
  }
  return [...servers.values()];
}
