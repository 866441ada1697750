import type { ObservedTarget } from "../detect/observation.ts";
import { type MountInfo, mountOf } from "../system/mountinfo.ts";
import { isNfs, isSmb, type Mount } from "../system/mounts.ts";

/** What a network mount goes to; undefined for any other. */
export function targetOfMount(mount: Pick<Mount, "source" | "type" | "options">): ObservedTarget | undefined {
  const { addr } = mount.options;
  const address = typeof addr === "string" ? { address: addr } : {};
  if (isSmb(mount)) {
    const [server, share] = mount.source.split(/[\\/]+/).filter((part) => part !== "");
    const named = server === undefined ? {} : { server };
    return {
      protocol: "smb",
      ...named,
      ...address,
      ...(share === undefined ? {} : { share: `\\\\${server}\\${share}` }),
    };
  }
  if (!isNfs(mount)) return undefined;
  return { protocol: "nfs", ...nfsDevice(mount.source), ...address };
}

/** `server:/path`, `[fe80::1]:/path` */
export function nfsDevice(device: string): { readonly server?: string; readonly export?: string } {
  const [, literal, name, path] = /^(?:\[([^\]]+)\]|([^:/]+)):(\/.*)$/.exec(device) ?? [];
  const server = literal ?? name;
  return { ...(server === undefined ? {} : { server }), ...(path === undefined ? {} : { export: path }) };
}

/** The server of `\\server\share`. */
export function serverOfShare(share: string): string | undefined {
  return /^\\\\([^\\]+)\\/.exec(share)?.[1];
}

/**
 * Why a path may not be touched: it lies on a file system that a server or a process stands behind, or the mounts are not known. Undefined: it is on
 * this machine alone.
 */
export function notLocal(path: string, mounts: readonly MountInfo[]): string | undefined {
  const mount = mountOf(path, mounts, "/");
  if (mount === undefined) return mounts.length === 0 ? "the mounts are not known" : undefined;
  const remote = isSmb(mount) || isNfs(mount) || /^(?:fuse|9p|ceph|afs|glusterfs|lustre|gpfs|beegfs)/.test(mount.type);
  return remote ? `${path} is on ${mount.type}: it is not looked at` : undefined;
}
