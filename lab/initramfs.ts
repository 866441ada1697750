import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { AodError } from "../src/system/error.ts";
import { runCommand } from "./command.ts";
import { bootModules, loadOrder } from "./modules.ts";

const busybox = "/bin/busybox";

/** Writes an initramfs with busybox, the modules on the way to the host's file system, and lab/guest/init. */
export async function buildInitramfs(modulesDirectory: string, workDirectory: string, target: string): Promise<void> {
  const [modulesDep, builtin] = await Promise.all([
    readFile(join(modulesDirectory, "modules.dep"), "utf8"),
    readFile(join(modulesDirectory, "modules.builtin"), "utf8"),
  ]);
  const { files, missing } = loadOrder(bootModules, modulesDep, builtin);
  if (missing.length > 0) throw new AodError("unsupported", `the kernel has no module ${missing.join(", ")}`);

  const root = join(workDirectory, "initramfs");
  await rm(root, { recursive: true, force: true });
  const directories = ["bin", "modules", "dev", "proc", "sys", "lower", "upper", "root", "lab"];
  for (const name of directories) await mkdir(join(root, name), { recursive: true });
  await copyFile(busybox, join(root, "bin", "busybox"));
  await copyFile(join(import.meta.dirname, "guest", "init"), join(root, "init"));
  for (const file of files) await copyFile(join(modulesDirectory, file), join(root, "modules", basename(file)));
  await writeFile(join(root, "modules", "order"), `${files.map((file) => basename(file)).join("\n")}\n`);

  const names = [
    ".",
    ...directories,
    "init",
    "bin/busybox",
    "modules/order",
    ...files.map((file) => `modules/${basename(file)}`),
  ];
  await runCommand(["chmod", "755", join(root, "init"), join(root, "bin", "busybox")]);
  const partial = `${target}.partial`;
  await runCommand(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", "-D", root, "-F", partial], {
    input: `${names.join("\n")}\n`,
  });
  await rm(root, { recursive: true });
  await rename(partial, target);
}
