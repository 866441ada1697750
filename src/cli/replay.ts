import { Command } from "commander";
import { loadConfig } from "../config/config.ts";
import type { IncidentJson } from "../daemon/incidents/json.ts";
import { type ReplayCounts, replayDaemon } from "../daemon/replay.ts";
import { openRecording } from "../record/reader.ts";
import { printable } from "../tools/table-text.ts";

interface Options {
  readonly config?: string;
  readonly json?: true;
}

/** `aod replay`: works without root and without the daemon. */
export function build(): Command {
  return new Command("replay")
    .description("Show what the daemon would have noticed of a recording.")
    .argument("<file>", "what `aod record ops`, `aod run --record` or --record of a tool has kept")
    .option("--config <file>", "configuration (default: $AOD_CONFIG, else /etc/aod/aod.yaml when it is there)")
    .option("--json", "one incident a line, as of `aod incidents --json`")
    .addHelpText(
      "after",
      `
Examples:
  aod replay ops.aodrec                          incidents by the rules of this machine's daemon
  aod replay ops.aodrec --config ./stricter.yaml by other rules: does this configuration notice it?
  aod replay ops.aodrec --json

No bundle is made: of the evidence a recording holds the operations alone. A recording of a tool or a daemon has only what that run asked its
probe for.

Exit status: 0 done, 1 failed, 2 wrong usage.`,
    )
    .action(run);
}

async function run(file: string, { config: path, json }: Options): Promise<void> {
  const { config } = loadConfig(path, process.env);
  const recording = openRecording(file);
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    const counts = await replayDaemon(recording, config, {
      ...(json ? {} : { opened: (incident) => out(openedLine(incident)) }),
      closed: (incident) => {
        for (const line of json ? [JSON.stringify(incident)] : closedLines(incident)) out(line);
      },
    });
    process.stderr.write(`aod replay: ${summaryOf(counts)}\n`);
  } finally {
    recording.close();
  }
}

/** `13:05:11.123 opened 20261122T130511Z-latency-0001 \\host\share: what was seen` */
function openedLine({ id, opened, target, anomalies }: IncidentJson): string {
  const where = target.share ?? target.server;
  const what = anomalies[0]?.summary ?? "";
  return printable(`${timeOf(opened)} opened ${id}${where === undefined ? "" : ` ${where}`}: ${what}`);
}

function closedLines({ id, closed, close_reason: reason, anomalies, more_anomalies: more }: IncidentJson): string[] {
  const further = anomalies.slice(1).map(({ time, detector, summary }) => `  ${timeOf(time)} ${detector}: ${summary}`);
  const count = anomalies.length + (more ?? 0);
  const head = `${timeOf(closed ?? "")} closed ${id} (${reason ?? ""}): ${count} ${count === 1 ? "anomaly" : "anomalies"}`;
  return [head, ...further].map(printable);
}

function timeOf(time: string): string {
  return time.slice(11, 23);
}

function summaryOf({ incidents, anomalies, dropped, ghosts, lost }: ReplayCounts): string {
  const parts = [
    `${incidents} ${incidents === 1 ? "incident" : "incidents"}`,
    `${anomalies} ${anomalies === 1 ? "anomaly" : "anomalies"}, repeated ones included`,
    ...(dropped === 0 ? [] : [`${dropped} opened none`]),
    ...(ghosts === 0 ? [] : [`${ghosts} hangs that the client knew nothing of`]),
    `lost: ${lost === 0 ? "nothing" : `${lost} recorded pieces`}`,
  ];
  return parts.join("; ");
}
