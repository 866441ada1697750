import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../src/system/error.ts";
import type { Lab } from "./lab.ts";
import { sambaUser } from "./samba.ts";

/** Options of mount.cifs(8); `true` is an option without a value, `false` leaves a default out. */
export type MountOptions = Readonly<Record<string, string | number | boolean>>;

export interface MountRequest {
  /** Another name for the server than its address; it takes the option `ip`. */
  readonly server?: string;
  readonly share?: string;
  /** Made when it is not there; `/mnt/SHARE` when absent. */
  readonly mountPoint?: string;
  readonly options?: MountOptions;
}

export interface Mounted {
  readonly path: string;
  readonly unc: string;
}

/** Text for `-o`; a later option replaces an earlier one of the same name. */
export function mountOptionText(...layers: readonly MountOptions[]): string {
  const merged: Record<string, string | number | boolean> = Object.assign({}, ...layers);
  return Object.entries(merged)
    .filter(([, value]) => value !== false)
    .map(([key, value]) => (value === true ? key : `${key}=${value}`))
    .join(",");
}

/** Mounts a share of the lab's Samba; it is unmounted at the end of the scenario. */
export async function mountCifs(lab: Lab, request: MountRequest = {}): Promise<Mounted> {
  const share = request.share ?? "share";
  const path = request.mountPoint ?? `/mnt/${share}`;
  const unc = `//${request.server ?? "127.0.0.1"}/${share}`;
  const credentials = join(lab.work, "credentials");
  writeFileSync(credentials, `username=${sambaUser.name}\npassword=${sambaUser.password}\n`, { mode: 0o600 });
  mkdirSync(path, { recursive: true });
  const options = mountOptionText({ credentials, vers: "3.1.1" }, request.options ?? {});
  await mountOnce(lab, unc, path, options).catch((error: unknown) => {
    if (!isGivenUp(error)) throw error;
    return mountOnce(lab, unc, path, options);
  });
  lab.onEnd(`unmount ${path}`, async () => {
    if (isMounted(path)) await unmount(lab, path);
  });
  return { path, unc };
}

async function mountOnce(lab: Lab, unc: string, path: string, options: string): Promise<void> {
  await lab.run(["mount", "-t", "cifs", unc, path, "-o", options], { timeoutMs: 60_000 });
}

/**
 * EHOSTDOWN: the client gives up when a negotiation takes 20 s (server_unresponsive() in fs/smb/client/connect.c), which an emulated
 * processor that attaches probes meanwhile may need.
 */
function isGivenUp(error: unknown): boolean {
  return messageOf(error).includes("mount error(112)");
}

/** Unmounts in the ordinary way; when that does not end in time, at once and from the name space (`umount -f -l`). */
export async function unmount(lab: Lab, path: string): Promise<void> {
  const ran = await lab.run(["umount", path], { timeoutMs: 20_000, anyStatus: true });
  if (ran.status !== 0) await lab.run(["umount", "-f", "-l", path], { timeoutMs: 20_000 });
}

export function isMounted(path: string): boolean {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .some((line) => line.split(" ")[1] === path);
}

/** Copies /proc/fs/cifs/NAME (`DebugData`, `Stats`, `open_files`) into the results. */
export function keepProcCifs(lab: Lab, name: string, as = `cifs-${name}.txt`): string {
  return lab.keep(`/proc/fs/cifs/${name}`, as);
}

/** What cifs.ko says about itself now. */
export function readProcCifs(name: string): string {
  return readFileSync(`/proc/fs/cifs/${name}`, "utf8");
}
