import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, extname, join, relative } from "node:path";
import { AodError } from "../src/system/error.ts";
import { PrivateApt, sha256Of } from "./apt.ts";
import { runCommand } from "./command.ts";
import { buildInitramfs } from "./initramfs.ts";
import { choosePackage, type KernelLine, packagesOf } from "./kernels.ts";
import { withLock } from "./lock.ts";
import { keptModulePaths } from "./modules.ts";

/** A kernel that is ready to boot. All paths are absolute and, through 9p, the same inside the guest. */
export interface BootKernel {
  readonly line: string;
  readonly package: string;
  /** What `uname -r` will say. */
  readonly release: string;
  readonly image: string;
  readonly initramfs: string;
  readonly modules: string;
}

/** What is kept beside an unpacked kernel. */
interface Receipt {
  readonly package: string;
  readonly debs: readonly { readonly file: string; readonly sha256: string }[];
  readonly release: string;
  readonly imageSha256: string;
}

export type Say = (line: string) => void;

const lockWaitSeconds = 900;

/**
 * The kernel of a line from the cache; fetches it when there is none, or when `refresh` asks for the newest.
 * A cached kernel needs no network.
 */
export async function ensureKernel(
  cache: string,
  line: KernelLine,
  say: Say,
  options: { readonly refresh?: boolean } = {},
): Promise<BootKernel> {
  await mkdir(cache, { recursive: true });
  return withLock(join(cache, "lock"), lockWaitSeconds, async () => {
    let directory = await cachedDirectory(cache, line);
    if (directory === undefined || options.refresh === true) directory = await fetchKernel(cache, line, say, directory);
    return bootKernel(line, directory);
  });
}

/** A finished kernel has a receipt; the newest one of the line wins. */
async function cachedDirectory(cache: string, line: KernelLine): Promise<string | undefined> {
  const finished: string[] = [];
  for (const name of await readdir(cache)) {
    if (choosePackage(line, [name]) !== undefined && (await exists(join(cache, name, "receipt.json")))) {
      finished.push(name);
    }
  }
  const newest = choosePackage(line, finished);
  return newest === undefined ? undefined : join(cache, newest);
}

async function fetchKernel(cache: string, line: KernelLine, say: Say, cached: string | undefined): Promise<string> {
  const apt = new PrivateApt(join(cache, "apt"));
  say(`reading the package lists of ${line.suites.join(", ")}`);
  await apt.update(line.suites);
  const known = await apt.kernelPackages();
  const name = choosePackage(line, known);
  if (name === undefined) {
    throw new AodError("failed", `no package of kernel ${line.name} in ${line.suites.join(", ")} at the host's mirror`);
  }
  const directory = join(cache, name);
  if (directory === cached) return directory;
  // A line whose suite went on keeps what it has.
  if (cached !== undefined && choosePackage(line, [basename(cached), name]) === basename(cached)) return cached;

  const work = join(cache, `.${name}.partial`);
  const tree = join(work, "tree");
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  const debs: { file: string; sha256: string }[] = [];
  for (const part of packagesOf(name, known)) {
    say(`downloading ${part}`);
    const { file, bytes, sha256 } = await apt.download(part, work);
    say(`unpacking ${file} (${Math.round(bytes / 1e6)} MB)`);
    await runCommand(["dpkg-deb", "-x", join(work, file), tree], { timeoutMs: 300_000 });
    await rm(join(work, file));
    debs.push({ file, sha256 });
  }
  const release = await arrange(tree, work);
  const imageSha256 = await sha256Of(join(work, `vmlinuz-${release}`));
  const receipt: Receipt = { package: name, debs, release, imageSha256 };
  await writeFile(join(work, "receipt.json"), `${JSON.stringify(receipt, null, 1)}\n`);
  await rm(directory, { recursive: true, force: true });
  await rename(work, directory);
  return directory;
}

/** Takes image and modules out of the unpacked tree, decompresses the modules that are kept, writes modules.dep. Returns the release. */
async function arrange(tree: string, work: string): Promise<string> {
  const libModules = (await exists(join(tree, "usr/lib/modules"))) ? "usr/lib/modules" : "lib/modules";
  const release = (await readdir(join(tree, libModules)))[0];
  if (release === undefined) throw new AodError("failed", `the packages of ${basename(work)} hold no modules`);
  const from = join(tree, libModules, release);
  // Split packages have both beside the modules, without the release in the name.
  for (const file of ["vmlinuz", "config"]) {
    const inBoot = join(tree, "boot", `${file}-${release}`);
    await rename((await exists(inBoot)) ? inBoot : join(from, file), join(work, `${file}-${release}`));
  }
  // depmod -b wants lib/modules/RELEASE below the base directory.
  const to = join(work, "lib/modules", release);
  await mkdir(join(work, "lib/modules"), { recursive: true });
  await rename(from, to);
  await rm(tree, { recursive: true });

  const compressed: string[] = [];
  for (const entry of await readdir(to, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.ko(\.\w+)?$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    if (!keptModulePaths.some((kept) => kept.test(relative(to, path)))) await rm(path);
    else if (!entry.name.endsWith(".ko")) compressed.push(path);
  }
  await decompress(compressed);
  await runCommand(["depmod", "-b", work, release]);
  return release;
}

const decompressors: Readonly<Record<string, readonly string[]>> = {
  ".xz": ["xz", "-d", "--"],
  ".zst": ["zstd", "-d", "-q", "--rm", "--"],
};

async function decompress(paths: readonly string[]): Promise<void> {
  const batch = 100;
  const batches: string[][] = [];
  for (const ending of new Set(paths.map((path) => extname(path)))) {
    const decompressor = decompressors[ending];
    if (decompressor === undefined) throw new AodError("unsupported", `modules are compressed as ${ending}`);
    const same = paths.filter((path) => path.endsWith(ending));
    for (let start = 0; start < same.length; start += batch)
      batches.push([...decompressor, ...same.slice(start, start + batch)]);
  }
  const worker = async (): Promise<void> => {
    for (let next = batches.shift(); next !== undefined; next = batches.shift()) {
      await runCommand(next, { timeoutMs: 300_000 });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

async function bootKernel(line: KernelLine, directory: string): Promise<BootKernel> {
  const receipt = JSON.parse(await readFile(join(directory, "receipt.json"), "utf8")) as Receipt;
  const image = join(directory, `vmlinuz-${receipt.release}`);
  const found = await sha256Of(image);
  if (found !== receipt.imageSha256) {
    throw new AodError("failed", `${image} has changed since it was unpacked; remove ${directory} and fetch again`);
  }
  const modules = join(directory, "lib/modules", receipt.release);
  const initramfs = join(directory, `initramfs-${await initHash()}`);
  if (!(await exists(initramfs))) await buildInitramfs(modules, directory, initramfs);
  return { line: line.name, package: receipt.package, release: receipt.release, image, initramfs, modules };
}

/** The initramfs carries lab/guest/init: another version of that file needs another initramfs. */
async function initHash(): Promise<string> {
  const sources = ["guest/init", "initramfs.ts", "modules.ts"];
  const hash = createHash("sha256");
  for (const source of sources) hash.update(await readFile(join(import.meta.dirname, source)));
  return hash.digest("hex").slice(0, 12);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
