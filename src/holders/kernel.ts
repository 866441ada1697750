// What the kernel itself holds of a mount, without a process: loop devices, swap, exports, file systems on top of it. All of it stands in files of /proc and /sys.
import { join } from "node:path";
import { contentOf, namesIn } from "../show/files.ts";
import type { MountInfo } from "../system/mountinfo.ts";
import { unescapeOctal } from "../system/mounts.ts";

/** A loop device. Asked for by its ioctl the kernel would look at the file, on the server; sysfs only tells its name. */
export interface Loop {
  readonly device: string;
  readonly path: string;
}

export function loops(sysRoot: string): readonly Loop[] {
  return (namesIn(join(sysRoot, "block")) ?? [])
    .filter((name) => /^loop\d+$/.test(name))
    .flatMap((name) => {
      const path = contentOf(join(sysRoot, "block", name, "loop/backing_file"))?.replace(/\n$/, "");
      return path === undefined || path === "" ? [] : [{ device: `/dev/${name}`, path }];
    });
}

/** Files that are swap space. */
export function swapFiles(procRoot: string): readonly string[] {
  return (contentOf(join(procRoot, "swaps")) ?? "").split("\n").flatMap((line) => {
    const [path = "", type] = line.split(/\s+/);
    return type === "file" ? [unescapeOctal(path)] : [];
  });
}

export interface Export {
  readonly path: string;
  readonly client: string;
}

/** What the kernel's NFS server has looked up for a client: it holds the directory until that is flushed. */
export function exportsOf(procRoot: string): readonly Export[] {
  const text = contentOf(join(procRoot, "fs/nfsd/exports")) ?? contentOf(join(procRoot, "fs/nfs/exports")) ?? "";
  return text.split("\n").flatMap((line) => {
    const [, path, client] = /^(\/\S*)\s+([^\s(]+)/.exec(line) ?? [];
    return path === undefined || client === undefined ? [] : [{ path: unescapeOctal(path), client }];
  });
}

/** A file system that lies on directories of another one. */
export interface Layer {
  readonly mount: MountInfo;
  /** The directory that it uses. */
  readonly path: string;
  /** ecryptfs holds the mount itself; overlay has its own clone of it, so the mount goes and the file system stays. */
  readonly holdsMount: boolean;
}

export function layersOf(mounts: readonly MountInfo[]): readonly Layer[] {
  return mounts.flatMap((mount): Layer[] => {
    if (mount.type === "ecryptfs") return [{ mount, path: mount.source, holdsMount: true }];
    if (mount.type !== "overlay") return [];
    return ["lowerdir", "lowerdir+", "datadir+", "upperdir", "workdir"].flatMap((name) => {
      const value = mount.options[name];
      // `:` between directories; one of a name is written with a backslash.
      const paths = typeof value === "string" ? value.split(/(?<!\\):+/) : [];
      return paths.map((path) => ({ mount, path: path.replaceAll("\\:", ":"), holdsMount: false }));
    });
  });
}

/** The directory in which fscache keeps files: the kernel holds its mount while cachefilesd(8) runs. */
export function cacheDirectory(fsRoot: string): string | undefined {
  return /^\s*dir\s+(\/.*\S)/m.exec(contentOf(join(fsRoot, "etc/cachefilesd.conf")) ?? "")?.[1];
}
