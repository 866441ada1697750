import { cp, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { PrivateApt } from "../lab/apt.ts";
import type { BootKernel, Say } from "../lab/cache.ts";
import { runCommand } from "../lab/command.ts";
import { kernelLine } from "../lab/kernels.ts";
import { cacheRoot } from "../lab/paths.ts";

/**
 * A tree of the kernel's headers for bpfcc, which compiles its programs when it starts. Debian splits it in two packages, for the
 * architecture and in common; bpfcc takes one path, so they are laid over each other. Kept in the cache of the lab.
 */
export async function ensureHeaders(kernel: BootKernel, say: Say): Promise<string> {
  const cache = cacheRoot(process.env);
  const directory = join(cache, `linux-headers-${kernel.release}`);
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
  await rename(join(work, "merged"), directory);
  await rm(work, { recursive: true });
  return directory;
}
