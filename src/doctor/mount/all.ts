import { join } from "node:path";
import { AodError } from "../../system/error.ts";
import { parseMountinfo } from "../../system/mountinfo.ts";
import { isNfs, isSmb, unescapeOctal } from "../../system/mounts.ts";
import { namesOf, textOf } from "../files.ts";
import type { Machine } from "../machine.ts";
import { type MountOptions, parseMountOptions } from "./options.ts";
import { type MountTarget, parseMountTarget } from "./target.ts";

/** A mount that is there, or that a file of the system asks for. */
export interface KnownMount {
  readonly target: MountTarget;
  readonly options: MountOptions;
  /** `mounted`, `/etc/fstab`, `/etc/systemd/system/mnt-data.mount` */
  readonly from: string;
}

/** What the kernel tells of a mount goes beyond what was asked for: these say how the server is spoken to. */
const told: ReadonlySet<string> = new Set([
  ...["vers", "port", "sec", "seal", "sign", "username", "domain", "multichannel", "max_channels", "multiuser", "rdma"],
  ...["proto", "mountport", "mountproto", "nolock", "minorversion", "xprtsec", "mountvers"],
]);

/** Every SMB and NFS mount of this machine: those that are there, of fstab, of systemd's units; each mount point once, with what was asked for. */
export async function knownMounts(machine: Machine, signal: AbortSignal): Promise<readonly KnownMount[]> {
  const [mounted, fstab, units] = await Promise.all([
    ofKernel(machine, signal),
    ofFstab(machine, signal),
    ofUnits(machine, signal),
  ]);
  const byPlace = new Map<string, KnownMount>();
  for (const mount of [...units, ...fstab, ...mounted]) {
    const place = mount.target.mountPoint ?? "";
    const asked = byPlace.get(place);
    byPlace.set(place, asked === undefined ? mount : joined(asked, mount));
  }
  return [...byPlace.values()];
}

/** The file has the credentials, the kernel has the address. A mount point that has something else now is that. */
function joined(asked: KnownMount, later: KnownMount): KnownMount {
  if (later.target.protocol !== asked.target.protocol || later.target.host !== asked.target.host) return later;
  const { mountedFrom } = later.target;
  const target = mountedFrom === undefined ? asked.target : { ...asked.target, mountedFrom };
  return { target, options: asked.options, from: `${asked.from}, ${later.from}` };
}

async function ofKernel({ procRoot }: Machine, signal: AbortSignal): Promise<KnownMount[]> {
  const all = parseMountinfo((await textOf(join(procRoot, "self/mountinfo"), signal)) ?? "");
  return all.flatMap((mount) => {
    const { source, target, type, options } = mount;
    if (!isSmb({ type }) && !isNfs({ type })) return [];
    const kept = Object.entries(options).filter(([name]) => told.has(name));
    const text = kept.map(([name, value]) => (value === true ? name : `${name}=${value}`)).join(",");
    const known = mountOf(source, target, text, "mounted");
    return known.map((one) =>
      typeof options.addr === "string" ? { ...one, target: { ...one.target, mountedFrom: options.addr } } : one,
    );
  });
}

/** fstab(5). */
async function ofFstab({ fsRoot }: Machine, signal: AbortSignal): Promise<KnownMount[]> {
  const text = (await textOf(join(fsRoot, "etc/fstab"), signal)) ?? "";
  return text.split("\n").flatMap((line) => {
    const [source = "", target = "", type = "", options = ""] = line.trim().split(/\s+/);
    if (source.startsWith("#") || (!isSmb({ type }) && !isNfs({ type }))) return [];
    return mountOf(unescapeOctal(source), unescapeOctal(target), unescapeOctal(options), "/etc/fstab");
  });
}

const unitFolders = ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

/** systemd.mount(5): of files of one name the first folder's counts. */
async function ofUnits({ fsRoot }: Machine, signal: AbortSignal): Promise<KnownMount[]> {
  const seen = new Set<string>();
  const found: KnownMount[] = [];
  for (const folder of unitFolders) {
    for (const name of (await namesOf(join(fsRoot, folder))).filter((one) => one.endsWith(".mount"))) {
      if (seen.has(name)) continue;
      seen.add(name);
      const text = (await textOf(join(fsRoot, folder, name), signal)) ?? "";
      const [, section = ""] = /^\[Mount\]\s*$([\s\S]*?)(?=^\[|(?![\s\S]))/m.exec(text) ?? [];
      const value = (key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(section)?.[1]?.trim() ?? "";
      const type = value("Type");
      if (isSmb({ type }) || isNfs({ type }))
        found.push(...mountOf(value("What"), value("Where"), value("Options"), `/${folder}/${name}`));
    }
  }
  return found;
}

/** What is no source of SMB or NFS is left out: the file system's own program says what is wrong with it. */
function mountOf(source: string, target: string, options: string, from: string): KnownMount[] {
  try {
    return [{ target: parseMountTarget(source, target), options: parseMountOptions(options), from }];
  } catch (error) {
    if (error instanceof AodError && error.code === "usage") return [];
    throw error;
  }
}
