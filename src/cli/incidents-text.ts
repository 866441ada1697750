import type { IncidentJson } from "../daemon/incidents/json.ts";
import { colours as pc } from "../system/colours.ts";
import { left, printable } from "../tools/table-text.ts";

/** `aod incidents` for people. */
export function incidentList(incidents: readonly IncidentJson[]): string {
  if (incidents.length === 0) return "No incidents: nothing has been slow.\n";
  const idWidth = Math.max(2, ...incidents.map((incident) => incident.id.length));
  const header = pc.dim(`${left("ID", idWidth)}  ${left("STATE", 6)}  ${left("TARGET", 24)}  WHAT`);
  const lines = incidents.map((incident) => {
    const state = incident.state === "open" ? pc.red(left("open", 6)) : left("closed", 6);
    return `${left(incident.id, idWidth)}  ${state}  ${left(targetText(incident), 24)}  ${printable(incident.anomalies[0]?.summary ?? "")}`;
  });
  return `${[header, ...lines].join("\n")}\n`;
}

/** `aod incidents ID` for people. */
export function incidentText(incident: IncidentJson): string {
  const why = {
    quiet: "it was quiet again",
    length: "it had lasted long enough",
    end: "the daemon ended",
    snapshot: "its time was over",
    crash: "the daemon had crashed",
  };
  const closed =
    incident.closed === null
      ? pc.red("still open")
      : `${incident.closed}${incident.close_reason === undefined ? "" : `, because ${why[incident.close_reason]}`}`;
  const lines = [
    pc.bold(incident.id),
    field("target", targetText(incident)),
    ...(incident.severity === undefined ? [] : [field("severity", incident.severity)]),
    field("opened", incident.opened),
    field("closed", closed),
    field("bundle", incident.bundle ?? (incident.state === "open" ? "when it closes" : "none")),
    ...(incident.bundle_error === undefined ? [] : [field("", pc.red(incident.bundle_error))]),
    field("anomalies", String(incident.anomalies.length + (incident.more_anomalies ?? 0))),
    ...incident.anomalies.map(({ time, detector, summary }) => `  ${time}  ${detector}  ${printable(summary)}`),
    ...(incident.more_anomalies === undefined ? [] : [`  and ${incident.more_anomalies} more`]),
  ];
  return `${lines.join("\n")}\n`;
}

function targetText({ target }: IncidentJson): string {
  return (
    target.share ?? target.server ?? (target.connection_id === undefined ? "?" : `connection ${target.connection_id}`)
  );
}

function field(name: string, value: string): string {
  return `${pc.cyan(name.padEnd(11))}${value}`;
}
