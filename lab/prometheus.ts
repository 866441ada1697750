import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { unlessAbsent } from "./absent.ts";
import { PrivateApt } from "./apt.ts";
import { runCommand } from "./command.ts";
import { cacheRoot } from "./paths.ts";

export interface Prometheus {
  readonly prometheus: string;
  readonly promtool: string;
}

const suite = "bookworm";

/** Debian's Prometheus, unpacked into the lab's cache and not installed. Fetched when it is not there. */
export async function prometheusPrograms(env: NodeJS.ProcessEnv = process.env): Promise<Prometheus> {
  const cache = cacheRoot(env);
  const directory = join(cache, "prometheus");
  const programs = { prometheus: join(directory, "usr/bin/prometheus"), promtool: join(directory, "usr/bin/promtool") };
  if (await isThere(programs.promtool)) return programs;
  const work = join(cache, `.prometheus.${process.pid}.partial`);
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  const apt = new PrivateApt(join(work, "apt"));
  await apt.update([suite]);
  const { file } = await apt.download("prometheus", work);
  await runCommand(["dpkg-deb", "-x", join(work, file), join(work, "tree")], { timeoutMs: 300_000 });
  await rm(directory, { recursive: true, force: true });
  await rename(join(work, "tree"), directory);
  await rm(work, { recursive: true });
  return programs;
}

async function isThere(path: string): Promise<boolean> {
  return (await unlessAbsent(stat(path))) !== undefined;
}
