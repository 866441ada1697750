import { resolve } from "node:path";
import { Command } from "commander";
import { putBack } from "../flight-recorder/put-back.ts";
import { layoutOf } from "../install/layout.ts";
import { systemOf } from "../install/system.ts";
import { uninstall } from "../install/uninstall.ts";
import { AodError } from "../system/error.ts";
import { createRunner } from "../system/process.ts";
import { configuredStateDir, requireInstaller } from "./installer.ts";

interface Options {
  readonly root: string;
  readonly purge?: boolean;
}

export function build(): Command {
  return new Command("uninstall")
    .description(
      "Stops the service and removes what aod install made. Bundles stay, and a configuration that you wrote.",
    )
    .option("--root <dir>", "below this directory instead of /; nothing is stopped", "/")
    .option("--purge", "remove bundles and configuration too")
    .addHelpText(
      "after",
      `
Examples:
  sudo aod uninstall
  sudo aod uninstall --purge`,
    )
    .action(run);
}

const nothing = { done: [], failed: [] };

async function run({ root, purge = false }: Options): Promise<void> {
  const layout = layoutOf(resolve(root));
  requireInstaller(layout);
  const stateDir = stateDirOf(layout);
  const here = layout.root === "/";
  await uninstall({
    layout,
    system: systemOf(layout, createRunner()),
    stateDir,
    purge,
    putBack: () => (here ? putBack({ procRoot: "/proc", sysRoot: "/sys", stateDir }) : nothing),
    say: (line) => process.stdout.write(`${line}\n`),
  });
}

/** A configuration that is wrong must not keep anybody from removing AOD. */
function stateDirOf(layout: ReturnType<typeof layoutOf>): string {
  try {
    return configuredStateDir(layout);
  } catch (error) {
    if (!(error instanceof AodError)) throw error;
    process.stderr.write(`aod: ${error.message}\naod: bundles are looked for in /var/lib/aod\n`);
    return "/var/lib/aod";
  }
}
