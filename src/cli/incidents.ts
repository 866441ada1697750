import { Command } from "commander";
import { askDaemon, NotRunning } from "../daemon/api-client.ts";
import { readIndex } from "../daemon/incidents/index-file.ts";
import type { IncidentJson } from "../daemon/incidents/json.ts";
import { AodError } from "../system/error.ts";
import { type DaemonOptions, daemonDirs, withDaemonOptions } from "./daemon-options.ts";
import { incidentList, incidentText } from "./incidents-text.ts";

export function build(): Command {
  const command = new Command("incidents")
    .description("Lists the incidents that this machine remembers, newest last, or shows one.")
    .argument("[id]", "the id of an incident, or the beginning of one")
    .addHelpText(
      "after",
      `
Examples:
  aod incidents
  aod incidents 20261122T130511Z
  aod incidents --json | jq -r 'select(.state == "closed") | .bundle'`,
    )
    .action(incidents);
  return withDaemonOptions(command);
}

async function incidents(id: string | undefined, options: DaemonOptions): Promise<void> {
  const all = await loadIncidents(options);
  const wanted = id === undefined ? all : [pick(all, id)];
  if (options.json === true) {
    process.stdout.write(wanted.map((incident) => `${JSON.stringify(incident)}\n`).join(""));
  } else {
    const [one] = wanted;
    process.stdout.write(id !== undefined && one !== undefined ? incidentText(one) : incidentList(wanted));
  }
}

/** From the daemon; without one, from what it left in the state directory. */
async function loadIncidents(options: DaemonOptions): Promise<readonly IncidentJson[]> {
  const { runDir, stateDir } = daemonDirs(options);
  try {
    return (await askDaemon(runDir, "/incidents")) as readonly IncidentJson[];
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    const left = [...readIndex(stateDir).values()];
    if (left.length === 0) throw error;
    process.stderr.write(`${error.message}\nthis is what it left in ${stateDir}:\n`);
    return left;
  }
}

function pick(all: readonly IncidentJson[], id: string): IncidentJson {
  const exact = all.find((incident) => incident.id === id);
  const starting = all.filter((incident) => incident.id.startsWith(id));
  if (exact !== undefined) return exact;
  const [only] = starting;
  if (only !== undefined && starting.length === 1) return only;
  if (starting.length > 1)
    throw new AodError(
      "failed",
      `${starting.length} incidents begin with ${id}: ${starting.map((incident) => incident.id).join(", ")}`,
    );
  throw new AodError("failed", `there is no incident ${id}: aod incidents lists them`);
}
