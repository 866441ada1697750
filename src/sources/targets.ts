import type { ObservedTarget } from "../detect/observation.ts";
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
