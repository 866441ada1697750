import { dirname, resolve } from "node:path";
import { Command } from "commander";
import { install } from "../install/install.ts";
import { layoutOf } from "../install/layout.ts";
import { systemOf } from "../install/system.ts";
import { AodError } from "../system/error.ts";
import { createRunner } from "../system/process.ts";
import { version } from "../system/version.ts";
import { configuredStateDir, requireInstaller } from "./installer.ts";

interface Options {
  readonly root: string;
  readonly start: boolean;
}

export function build(): Command {
  return new Command("install")
    .description("Installs AOD and its service, or brings what is there up to date; may be run again at any time.")
    .option("--root <dir>", "below this directory instead of /; nothing is started", "/")
    .option("--no-start", "do not start or restart the service")
    .addHelpText(
      "after",
      `
Examples:
  sudo bin/aod install               from a built checkout: /usr/local/lib/aod, links in /usr/local/bin, aod.service
  sudo bin/aod install --no-start
  bin/aod install --root /tmp/tree   to look at

The end of it: sudo aod uninstall. What each line of the service is for: docs/service.md.`,
    )
    .action(run);
}

async function run({ root, start }: Options): Promise<void> {
  const layout = layoutOf(resolve(root));
  requireInstaller(layout);
  const source = process.env.AOD_ROOT ?? resolve(import.meta.dirname, "../..");
  if (source === layout.prefix) {
    throw new AodError(
      "usage",
      `this is the installed AOD: start bin/aod install of the newer checkout, not ${dirname(source)}`,
    );
  }
  const stateDir = configuredStateDir(layout);
  // The programs are for everybody, whatever the caller's mask is.
  process.umask(0o022);
  await install({
    layout,
    system: systemOf(layout, createRunner()),
    source,
    version,
    stateDir: stateDir === "/var/lib/aod" ? undefined : stateDir,
    start,
    say: (line) => process.stdout.write(`${line}\n`),
  });
}
