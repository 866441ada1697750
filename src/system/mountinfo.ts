// /proc/PID/mountinfo: proc_pid_mountinfo(5). Reading it touches no mount.
import { isAbsolute, normalize, resolve } from "node:path";
import { parseOptions, unescapeOctal } from "./mounts.ts";

export interface MountInfo {
  /** Of the mount, unique on the machine: the `mnt_id` of /proc/PID/fdinfo. */
  readonly id: number;
  /** Of the mount that it lies on. */
  readonly parent: number;
  /** Peer group: what is mounted on one of the group is mounted on all. Absent: not shared. */
  readonly shared?: number;
  /** The group whose mounts it takes over. */
  readonly master?: number;
  /** `//server/share`, `server:/export` */
  readonly source: string;
  /** Mount point. */
  readonly target: string;
  /** What of the file system is mounted there: `/`, or a directory of it for a bind mount. */
  readonly root: string;
  readonly type: string;
  /** st_dev: `0:45` */
  readonly device: string;
  /** Of the file system: `vers`, `addr`, ... Options without a value have the value `true`. */
  readonly options: Readonly<Record<string, string | true>>;
}

/** In the order of mounting. Lines that are none are left out. */
export function parseMountinfo(text: string): readonly MountInfo[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after] = line.split(" - ", 2);
    const [id, parent, device, root, target, , ...optional] = before.split(" ");
    const [type, source, options = ""] = after?.split(" ") ?? [];
    if (device === undefined || root === undefined || target === undefined) return [];
    if (type === undefined || source === undefined) return [];
    return [
      {
        id: Number(id),
        parent: Number(parent),
        ...groupOf(optional, "shared"),
        ...groupOf(optional, "master"),
        source: unescapeOctal(source),
        target: unescapeOctal(target),
        root: unescapeOctal(root),
        type,
        device,
        options: parseOptions(options),
      },
    ];
  });
}

/** `shared:2`, `master:1` */
function groupOf<Name extends "shared" | "master">(
  fields: readonly string[],
  name: Name,
): { readonly [Key in Name]?: number } {
  const group = Number(fields.find((field) => field.startsWith(`${name}:`))?.slice(name.length + 1));
  return Number.isSafeInteger(group) ? ({ [name]: group } as { readonly [Key in Name]?: number }) : {};
}

/**
 * The mount that a path lies on, by names alone: nothing of the path is looked at, so a server that is down holds nobody up, and
 * symbolic links are not followed. Where several are mounted on one point it is the last.
 */
export function mountOf(path: string, mounts: readonly MountInfo[], cwd: string): MountInfo | undefined {
  const whole = isAbsolute(path) ? normalize(path) : resolve(cwd, path);
  const wanted = whole.length > 1 ? whole.replace(/\/+$/, "") : whole;
  let found: MountInfo | undefined;
  for (const mount of mounts) {
    const within = mount.target === "/" || wanted === mount.target || wanted.startsWith(`${mount.target}/`);
    if (within && mount.target.length >= (found?.target.length ?? 0)) found = mount;
  }
  return found;
}
