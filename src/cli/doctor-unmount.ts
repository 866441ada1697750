import { join } from "node:path";
import { Command } from "commander";
import { type Machine, thisMachine } from "../doctor/machine.ts";
import { examineUnmount } from "../doctor/unmount/unmount.ts";
import { type DoctorOptions, doctorExits, tell, withDoctorOptions } from "./doctor-output.ts";

interface Options extends DoctorOptions {
  readonly root?: string;
}

export function buildUnmount(): Command {
  return withDoctorOptions(new Command("unmount"))
    .description("Who keeps a mount from being unmounted: processes, mounts, devices, the kernel, other namespaces.")
    .argument("<path>", "the mount point")
    .option("--root <dir>", "of a captured tree: <dir>/proc and <dir>/sys in place of the machine's own")
    .addHelpText(
      "after",
      `
Examples:
  sudo aod doctor unmount /mnt/share
  sudo aod doctor unmount /mnt/share --json | jq '.holders[] | {kind, pid, path}'

It reads /proc and /sys alone and does not touch the mount: it answers while the server is dead. Only root sees what all processes hold.

${doctorExits}`,
    )
    .action(async (path: string, options: Options) =>
      tell([await examineUnmount(machineAt(options.root), path, process.cwd())], options),
    );
}

function machineAt(root: string | undefined): Machine {
  const machine = thisMachine();
  if (root === undefined) return machine;
  return { ...machine, procRoot: join(root, "proc"), sysRoot: join(root, "sys"), fsRoot: root };
}
