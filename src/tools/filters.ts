import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { OpBase, Waiter } from "../probe/op.ts";
import { AodError } from "../system/error.ts";
import { type MountInfo, mountOf, parseMountinfo } from "../system/mountinfo.ts";
import { isNfs, isSmb } from "../system/mounts.ts";
import type { Target, World } from "./op.ts";
import type { CommonOptions } from "./options.ts";

export type Protocol = "smb" | "nfs";

/** Whether something may be shown, by the options of all tools. */
export interface Filters {
  readonly op: (op: OpBase, target: Target) => boolean;
  readonly waiter: (waiter: Waiter, target: Target) => boolean;
  /** Whether the target matters: looking it up may read a file. */
  readonly byTarget: boolean;
}

/** Resolves what was given: user names, cgroup paths, the mount. Throws a usage error on what does not exist here. */
export function filtersOf<Op extends OpBase>(
  options: CommonOptions<Op>,
  protocol: Protocol,
  world: World,
  cwd: string,
): Filters {
  const { pid, comm, share, server } = options;
  if (pid !== undefined && options.replay === undefined) requireProcess(pid, world);
  const uid = options.uid === undefined ? undefined : uidOf(options.uid);
  const cgroup = options.cgroup === undefined ? undefined : cgroupOf(options.cgroup);
  const mount = options.mount === undefined ? undefined : networkMount(options.mount, protocol, world, cwd);
  const byTarget = share !== undefined || server !== undefined || mount !== undefined;
  const target = (to: Target): boolean =>
    (share === undefined || isShare(share, to)) &&
    (server === undefined || isServer(server, to)) &&
    (mount === undefined || isOn(mount, to));
  return {
    byTarget,
    op: (op, to) =>
      (pid === undefined || op.pid === pid) &&
      (comm === undefined || op.comm === comm) &&
      (uid === undefined || op.uid === uid) &&
      (cgroup === undefined || op.cgroupId === cgroup) &&
      (!byTarget || target(to)),
    waiter: (waiter, to) =>
      (pid === undefined || waiter.pid === pid) &&
      (comm === undefined || waiter.comm === comm) &&
      // Of a task that waits neither user nor cgroup is known.
      uid === undefined &&
      cgroup === undefined &&
      (!byTarget || target(to)),
  };
}

function requireProcess(pid: number, world: World): void {
  const status = world.readProc(`${pid}/status`);
  if (status === undefined) throw new AodError("usage", `there is no process ${pid}`);
  const tgid = Number(/^Tgid:\s+(\d+)$/m.exec(status)?.[1] ?? pid);
  if (tgid !== pid) throw new AodError("usage", `${pid} is a thread of process ${tgid}: -p takes the process`);
}

function uidOf(user: string): number {
  if (/^\d{1,10}$/.test(user)) return Number(user);
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${user}:`));
  const uid = line?.split(":")[2];
  if (uid === undefined) throw new AodError("usage", `there is no user "${user}" in /etc/passwd: give its number`);
  return Number(uid);
}

const CGROUPS = "/sys/fs/cgroup";

/** The id of a cgroup (v2) is the inode number of its directory. */
function cgroupOf(given: string): bigint {
  if (/^\d{1,19}$/.test(given)) return BigInt(given);
  const path = given.startsWith(`${CGROUPS}/`) || given === CGROUPS ? given : join(CGROUPS, given);
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) throw new AodError("usage", `there is no cgroup "${given}" below ${CGROUPS}`);
  return stat.ino;
}

function networkMount(path: string, protocol: Protocol, world: World, cwd: string): MountInfo {
  const mount = mountOf(path, parseMountinfo(world.readProc("self/mountinfo") ?? ""), cwd);
  const wanted = protocol === "smb" ? "an SMB" : "an NFS";
  if (mount === undefined) throw new AodError("usage", `nothing is mounted at ${path}`);
  if (protocol === "smb" ? isSmb(mount) : isNfs(mount)) return mount;
  throw new AodError("usage", `${path} is not on ${wanted} mount: it is on ${mount.type} at ${mount.target}`);
}

/** `//host/share`, `\\host\share` or `share`; `host:/export` or `/export`. */
function isShare(given: string, { share }: Target): boolean {
  if (share === undefined) return false;
  const [wanted, here] = [plainName(given), plainName(share)];
  return here === wanted || here.endsWith(`:${wanted}`) || (!wanted.startsWith("/") && here.endsWith(`/${wanted}`));
}

function isServer(given: string, { server, address }: Target): boolean {
  const wanted = given.toLowerCase();
  return server?.toLowerCase() === wanted || address?.toLowerCase() === wanted;
}

/** By device where the op knows its own, else by share: a mount's source may go on below the share. */
function isOn(mount: MountInfo, { device, share }: Target): boolean {
  if (device !== undefined) return device === mount.device;
  if (share === undefined) return false;
  const [source, here] = [plainName(mount.source), plainName(share)];
  return source === here || source.startsWith(`${here}/`);
}

function plainName(name: string): string {
  return name
    .replaceAll("\\", "/")
    .replace(/^\/\/+/, "")
    .replace(/(?<=.)\/+$/, "")
    .toLowerCase();
}
