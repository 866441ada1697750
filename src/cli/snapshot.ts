import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { loadConfig } from "../config/config.ts";
import { parseDuration } from "../config/units.ts";
import { askDaemon, NoAnswer, NotRunning, tellDaemon } from "../daemon/api-client.ts";
import type { IncidentJson } from "../daemon/incidents/json.ts";
import { snapshotBody } from "../daemon/incidents/snapshot-request.ts";
import { MAX_SNAPSHOT_NS, type SnapshotRequest } from "../daemon/incidents/snapshots.ts";
import { AodError } from "../system/error.ts";
import { version } from "../system/version.ts";
import { type DaemonOptions, daemonDirs, withDaemonOptions } from "./daemon-options.ts";
import { requireRoot } from "./run.ts";

interface Options extends DaemonOptions {
  readonly note?: string;
  readonly for: number;
}

export function build(): Command {
  const command = new Command("snapshot")
    .description("Collects all evidence now, goes on for a time, collects it again, and makes a bundle of it.")
    .option("--note <text>", "why: a sentence that goes into the bundle")
    .addOption(
      new Option("--for <duration>", "how long what happens is recorded, up to 60m")
        .argParser(forOf)
        .default(60e9, "60s"),
    )
    .addHelpText(
      "after",
      `
Examples:
  sudo aod snapshot                                      a minute from now on, and what came before it
  sudo aod snapshot --for 5m --note "ls hangs on /mnt/projects"
  sudo aod snapshot --for 0s                             only what there is now

Where no daemon runs it does the same by itself. Ctrl-C ends the time early; a running daemon goes on with it. The path of the bundle is printed to
standard output. A running daemon also takes one of 60 s on SIGUSR1.`,
    )
    .action(snapshot);
  return withDaemonOptions(command);
}

function forOf(text: string): number {
  const ns = parseDuration(text);
  if (ns === undefined || ns > MAX_SNAPSHOT_NS)
    throw new InvalidArgumentError("expected a duration such as 30s or 5m, at most 60m");
  return ns;
}

async function snapshot({ note, for: forNs, ...options }: Options): Promise<void> {
  const request = { forNs, ...(note === undefined ? {} : { note }) };
  const end = new AbortController();
  const onSignal = (): void => end.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, onSignal);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { runDir } = daemonDirs(options);
  const taken = await byDaemon(runDir, request, say, end.signal).catch(async (error: unknown) => {
    if (!(error instanceof NotRunning)) throw error;
    return await alone(options, request, say, end.signal);
  });
  if (options.json === true) process.stdout.write(`${JSON.stringify(taken)}\n`);
  else if (taken.bundle !== null) process.stdout.write(`${taken.bundle}\n`);
  if (taken.state === "closed" && taken.bundle === null)
    throw new AodError("failed", `there is no bundle: ${taken.bundle_error ?? "aod status may tell why"}`);
}

type Say = (line: string) => void;

async function byDaemon(
  runDir: string,
  request: SnapshotRequest,
  say: Say,
  signal: AbortSignal,
): Promise<IncidentJson> {
  const taken = (await tellDaemon(runDir, "/snapshot", snapshotBody(request))) as IncidentJson;
  say(`the daemon takes snapshot ${taken.id}, ${Math.round(request.forNs / 1e9)} s`);
  const ask = async () => (await askDaemon(runDir, `/incidents/${taken.id}`)) as IncidentJson | undefined;
  const wait = () => sleep(500, undefined, { signal }).catch(() => undefined);
  return await untilClosed(taken, { ask, wait, say, signal });
}

/** Answers in a row that may fail to come: two minutes. The snapshot is the daemon's, and goes on while it is too busy to answer. */
const MAX_UNANSWERED = 12;

export async function untilClosed(
  taken: IncidentJson,
  {
    ask,
    wait,
    say,
    signal,
  }: {
    readonly ask: () => Promise<IncidentJson | undefined>;
    readonly wait: () => Promise<void>;
    readonly say: Say;
    readonly signal: AbortSignal;
  },
): Promise<IncidentJson> {
  let last = taken;
  let unanswered = 0;
  while (last.state === "open") {
    await wait();
    if (signal.aborted) {
      say(`the daemon goes on: aod incidents ${taken.id} shows when it is done`);
      return last;
    }
    try {
      last = (await ask()) ?? last;
      unanswered = 0;
    } catch (error) {
      if (!(error instanceof NoAnswer) || ++unanswered >= MAX_UNANSWERED) throw error;
      if (unanswered === 1) say("the daemon is too busy to answer, and is asked again");
    }
  }
  return last;
}

async function alone(
  { config: file }: DaemonOptions,
  request: SnapshotRequest,
  say: Say,
  signal: AbortSignal,
): Promise<IncidentJson> {
  const { config, source: configSource } = loadConfig(file, process.env);
  requireRoot(process.geteuid?.());
  // Loads the daemon with all its parts: only where it is needed.
  const { snapshotAlone } = await import("../daemon/incidents/snapshot-alone.ts");
  return await snapshotAlone({ config, configSource, version, request, say, signal });
}
