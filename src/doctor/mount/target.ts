import { AodError } from "../../system/error.ts";

export interface SmbTarget {
  readonly protocol: "smb";
  readonly host: string;
  readonly share: string;
  /** What is mounted of the share: `dir/sub`; empty for all of it. */
  readonly path: string;
  /** Where it is mounted, or is to be. */
  readonly mountPoint?: string;
  /** The server's address in a mount that is there. */
  readonly mountedFrom?: string;
}

export interface NfsTarget {
  readonly protocol: "nfs";
  readonly host: string;
  /** `/srv/data` */
  readonly export: string;
  readonly mountPoint?: string;
  readonly mountedFrom?: string;
}

export type MountTarget = SmbTarget | NfsTarget;

/** `//server/share[/path]`, `\\server\share`, `smb://server/share`; `server:/export`, `[fe80::1]:/export`, `nfs://server/export`. */
export function parseMountTarget(text: string, mountPoint?: string): MountTarget {
  const at = mountPoint === undefined ? {} : { mountPoint };
  const smb = /^(?:smb:\/\/|\/\/|\\\\)([^/\\]+)(?:[/\\]+([^/\\]+)(?:[/\\]+(.*))?)?$/.exec(text);
  if (smb !== null) {
    const [, host = "", share = "", path = ""] = smb;
    if (share === "") throw new AodError("usage", `${text} names no share: //${host}/SHARE`);
    const bare = host.replace(/^.*@/, "").replace(/^\[(.*)\]$/, "$1");
    return { protocol: "smb", host: bare, share, path: path.replaceAll("\\", "/").replace(/\/+$/, ""), ...at };
  }
  const nfs = /^(?:nfs:\/\/([^/]+)(\/.*)|(\[[^\]]+\]|[^/:]+):(\/.*))$/.exec(text);
  if (nfs !== null) {
    const host = (nfs[1] ?? nfs[3] ?? "").replace(/^\[(.*)\]$/, "$1");
    return { protocol: "nfs", host, export: nfs[2] ?? nfs[4] ?? "/", ...at };
  }
  throw new AodError("usage", `${text} is neither //SERVER/SHARE nor SERVER:/EXPORT nor a mount point of SMB or NFS`);
}

/** With the mount point, where there is one. */
export const subjectText = (target: MountTarget): string =>
  `${targetText(target)}${target.mountPoint === undefined ? "" : ` on ${target.mountPoint}`}`;

/** As mount(8) takes it. */
export const targetText = (target: MountTarget): string =>
  target.protocol === "smb"
    ? `//${target.host}/${target.share}${target.path === "" ? "" : `/${target.path}`}`
    : `${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.export}`;
