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

/** Of SMB or NFS by its type, and no mount can be made of it. */
export interface WrongEntry {
  /** `//files on /mnt/a` */
  readonly subject: string;
  /** `/etc/fstab`, `/etc/systemd/system/mnt-data.mount` */
  readonly from: string;
  readonly why: string;
  readonly fix: string;
}

export interface KnownMounts {
  /** Each mount point once. */
  readonly mounts: readonly KnownMount[];
  readonly wrong: readonly WrongEntry[];
}

/** What a line of a table or a unit says. */
interface Entry {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: string;
  readonly from: string;
}

/** What the kernel tells of a mount goes beyond what was asked for: these say how the server is spoken to. */
const told: ReadonlySet<string> = new Set([
  ...["vers", "port", "sec", "seal", "sign", "username", "domain", "multichannel", "max_channels", "multiuser", "rdma"],
  ...["proto", "mountport", "mountproto", "nolock", "minorversion", "xprtsec", "mountvers"],
]);

/** Every SMB and NFS mount of this machine: those that are there, of fstab, of systemd's units, with what was asked for. */
export async function knownMounts(machine: Machine, signal: AbortSignal): Promise<KnownMounts> {
  const [mounted, fstab, units] = await Promise.all([
    ofKernel(machine, signal),
    ofFstab(machine, signal),
    ofUnits(machine, signal),
  ]);
  const byPlace = new Map<string, KnownMount>();
  const wrong: WrongEntry[] = [];
  for (const entry of [...units, ...fstab]) {
    const read = mountOf(entry);
    if ("why" in read) wrong.push(read);
    else add(byPlace, read);
  }
  for (const mount of mounted) add(byPlace, mount);
  return { mounts: [...byPlace.values()], wrong };
}

function add(byPlace: Map<string, KnownMount>, mount: KnownMount): void {
  const place = mount.target.mountPoint ?? "";
  const asked = byPlace.get(place);
  byPlace.set(place, asked === undefined ? mount : joined(asked, mount));
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
    const known = mountOf({ source, target, type, options: text, from: "mounted" });
    // What is mounted is right for its file system, whatever its source says.
    if ("why" in known) return [];
    return typeof options.addr === "string"
      ? { ...known, target: { ...known.target, mountedFrom: options.addr } }
      : known;
  });
}

/** fstab(5). */
async function ofFstab({ fsRoot }: Machine, signal: AbortSignal): Promise<Entry[]> {
  const text = (await textOf(join(fsRoot, "etc/fstab"), signal)) ?? "";
  return text.split("\n").flatMap((line) => {
    const [source = "", target = "", type = "", options = ""] = line.trim().split(/\s+/);
    if (source.startsWith("#") || (!isSmb({ type }) && !isNfs({ type }))) return [];
    const [from, at, text] = [source, target, options].map(unescapeOctal);
    return { source: from ?? "", target: at ?? "", type, options: text ?? "", from: "/etc/fstab" };
  });
}

const unitFolders = ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

/** systemd.mount(5): of files of one name the first folder's counts. */
async function ofUnits({ fsRoot }: Machine, signal: AbortSignal): Promise<Entry[]> {
  const seen = new Set<string>();
  const found: Entry[] = [];
  for (const folder of unitFolders) {
    for (const name of (await namesOf(join(fsRoot, folder))).filter((one) => one.endsWith(".mount"))) {
      if (seen.has(name)) continue;
      seen.add(name);
      const text = (await textOf(join(fsRoot, folder, name), signal)) ?? "";
      const [, section = ""] = /^\[Mount\]\s*$([\s\S]*?)(?=^\[|(?![\s\S]))/m.exec(text) ?? [];
      const value = (key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(section)?.[1]?.trim() ?? "";
      const type = value("Type");
      if (isSmb({ type }) || isNfs({ type }))
        found.push({
          source: value("What"),
          target: value("Where"),
          type,
          options: value("Options"),
          from: `/${folder}/${name}`,
        });
    }
  }
  return found;
}

function mountOf({ source, target, type, options, from }: Entry): KnownMount | WrongEntry {
  const protocol = isSmb({ type }) ? "smb" : "nfs";
  const form = protocol === "smb" ? "//SERVER/SHARE" : "SERVER:/EXPORT";
  const wrong = (why: string): WrongEntry => ({
    subject: `${source || "nothing"} on ${target}`,
    from,
    why,
    fix: `write ${form} where it says ${source || "nothing"}, or another type than ${type}`,
  });
  try {
    const parsed = parseMountTarget(source, target);
    if (parsed.protocol !== protocol) return wrong(`${source} is no source for the type ${type}, which takes ${form}`);
    return { target: parsed, options: parseMountOptions(options), from };
  } catch (error) {
    if (error instanceof AodError && error.code === "usage") return wrong(error.message);
    throw error;
  }
}
