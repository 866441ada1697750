import { Command } from "commander";
import { buildHost } from "./doctor-host.ts";
import { buildKerberos } from "./doctor-kerberos.ts";
import { buildMount } from "./doctor-mount.ts";
import { doctorExits } from "./doctor-output.ts";
import { buildUnmount } from "./doctor-unmount.ts";

export function build(): Command {
  const command = new Command("doctor").description("Finds out what is wrong, step by step, and says what to do.");
  command.exitOverride().configureOutput({ outputError: () => {} });
  for (const subcommand of [buildHost(), buildMount(), buildKerberos(), buildUnmount()]) command.addCommand(subcommand);
  return command.addHelpText(
    "after",
    `
Examples:
  aod doctor host
  sudo aod doctor mount //server/share -o vers=3.1.1,credentials=/etc/smb.cred
  sudo aod doctor kerberos /mnt/data
  sudo aod doctor unmount /mnt/share
  aod doctor host --json | jq .verdict

Each step has what was seen, what that means and what to do; the verdict names a cause of docs/causes.md.

${doctorExits}`,
  );
}
