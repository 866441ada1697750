import { Command } from "commander";
import { askDaemon } from "../daemon/api-client.ts";
import type { Status } from "../daemon/status.ts";
import { type DaemonOptions, daemonDirs, withDaemonOptions } from "./daemon-options.ts";
import { statusText } from "./status-text.ts";

export function build(): Command {
  const command = new Command("status")
    .description("Shows what the daemon sees and does: probes, losses, targets, open incidents, bundles.")
    .addHelpText(
      "after",
      `
Examples:
  aod status
  aod status --json | jq .probes`,
    )
    .action(status);
  return withDaemonOptions(command);
}

async function status(options: DaemonOptions): Promise<void> {
  const answer = (await askDaemon(daemonDirs(options).runDir, "/status")) as Status;
  process.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : statusText(answer));
}
