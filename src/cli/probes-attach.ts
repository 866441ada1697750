import { Command } from "commander";
import { tellDaemon } from "../daemon/api-client.ts";
import type { ProbeStatus } from "../daemon/status.ts";
import { printable } from "../tools/table-text.ts";
import { type DaemonOptions, daemonDirs, withDaemonOptions } from "./daemon-options.ts";

/** `aod probes detach` and `aod probes attach`: of the running daemon. */
export function buildAttach(attach: boolean): Command {
  const command = new Command(attach ? "attach" : "detach").description(
    attach
      ? "Has the running daemon attach its probes again."
      : "Has the running daemon let the kernel modules go that its probes pin, until attach or its next start: then they can be unloaded.",
  );
  return withDaemonOptions(command).action(async (options: DaemonOptions) => {
    const probes = (await tellDaemon(daemonDirs(options).runDir, "/probes", { attach })) as readonly ProbeStatus[];
    for (const probe of probes)
      process.stdout.write(options.json === true ? `${JSON.stringify(probe)}\n` : lineOf(probe));
  });
}

function lineOf({ name, state, why }: ProbeStatus): string {
  return `${name} ${state}${why === undefined ? "" : `: ${printable(why)}`}\n`;
}
