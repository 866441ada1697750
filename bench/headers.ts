import { cp, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PrivateApt } from "../lab/apt.ts";
import type { BootKernel, Say } from "../lab/cache.ts";
import { runCommand } from "../lab/command.ts";
import { kernelLine } from "../lab/kernels.ts";
import { cacheRoot } from "../lab/paths.ts";
import { opaqueStructs, withStructs } from "./opaque.ts";

const bccLibrary = "/usr/lib/x86_64-linux-gnu/libbcc.so.0";

/**
 * A tree of the kernel's headers for bpfcc, which compiles its programs when it starts. Debian splits it in two packages, for the
 * architecture and in common; bpfcc takes one path, so they are laid over each other. Kept in the cache of the lab.
 */
export async function ensureHeaders(kernel: BootKernel, say: Say): Promise<string> {
  const cache = cacheRoot(process.env);
  const directory = join(cache, `bpfcc-headers-${kernel.release}`);
  if (await stat(directory).catch(() => undefined)) return directory;
  const common = `linux-headers-${kernel.release.replace(/-(cloud-)?amd64$/, "")}-common`;
  const work = `${directory}.partial`;
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, "merged"), { recursive: true });
  const apt = new PrivateApt(join(cache, "apt", "headers"));
  await apt.update(kernelLine(kernel.line).suites);
  for (const name of [common, `linux-headers-${kernel.release}`]) {
    say(`downloading ${name}`);
    const { file } = await apt.download(name, work);
    await runCommand(["dpkg-deb", "-x", join(work, file), join(work, "tree")], { timeoutMs: 300_000 });
    await cp(join(work, "tree/usr/src", name), join(work, "merged"), {
      recursive: true,
      verbatimSymlinks: true,
      force: true,
      filter: (path) => !/\/(Makefile|scripts|tools)$/.test(path),
    });
  }
  await completeFor(join(work, "merged"), say);
  await rename(join(work, "merged"), directory);
  await rm(work, { recursive: true });
  return directory;
}

/**
 * bpfcc brings a uapi/linux/bpf.h of its own that stands in for the kernel's; where the kernel is newer, linux/bpf.h asks for structs
 * that it lacks, and nothing compiles. They are only asked for their size.
 */
async function completeFor(tree: string, say: Say): Promise<void> {
  const library = (await readFile(bccLibrary)).toString("latin1");
  const missing = opaqueStructs(await readFile(join(tree, "include/uapi/linux/bpf.h"), "utf8")).filter(
    ({ name }) => !library.includes(`struct ${name} {`),
  );
  if (missing.length === 0) return;
  say(`for bpfcc the headers define ${missing.map(({ name }) => name).join(", ")}`);
  const path = join(tree, "include/linux/bpf.h");
  await writeFile(path, withStructs(await readFile(path, "utf8"), missing));
}
