import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import { askDaemonText, NotRunning } from "../daemon/api-client.ts";
import { intervalReport, sinceReports } from "../iostat/compare.ts";
import { jsonLines } from "../iostat/json.ts";
import { type Reading, type ReadingTexts, readingOf, takeTexts } from "../iostat/reading.ts";
import { recordReadings, replayReadings } from "../iostat/recording.ts";
import type { Report } from "../iostat/report.ts";
import { reportText } from "../iostat/text.ts";
import { systemClock } from "../system/clock.ts";
import { AodError } from "../system/error.ts";
import { integer, number } from "../tools/arguments.ts";
import { type DaemonOptions, daemonDirs } from "./daemon-options.ts";

interface Options extends DaemonOptions {
  readonly k?: true;
  readonly m?: true;
  readonly x?: true;
  readonly y?: true;
  readonly record?: string;
  readonly replay?: string;
}

export function build(): Command {
  return new Command("smbiostat")
    .description(
      "Input and output of SMB shares and NFS mounts: requests, bytes, times, errors, as iostat and nfsiostat do.",
    )
    .argument(
      "[interval]",
      "seconds between reports; without it one report since the counters began",
      number("seconds", 0.1),
    )
    .argument("[count]", "how many reports", integer("a number of reports, at least 1", 1))
    .option("-k", "kilobytes (1024 bytes); the default")
    .option("-m", "megabytes")
    .option("-x", "each command of each target: count, errors, mean, p50, p99, worst")
    .option("-y", "without the first report, which is since the counters began")
    .option("--json", "one JSON object a line for each target")
    .option("--record <file>", "keep what was read, for --replay")
    .addOption(new Option("--replay <file>", "print what a recording saw").conflicts(["record"]))
    .option("--config <file>", "the daemon's configuration, for its directories")
    .addHelpText(
      "after",
      `
Examples:
  smbiostat 2            every two seconds
  smbiostat -x -y 5 3    three reports of five seconds, command by command
  smbiostat --json 1 10 | jq 'select(.protocol == "smb") | [.target, .reads_per_s]'

It reads /proc/fs/cifs/Stats, DebugData and /proc/self/mountstats, and nothing below a mount: it answers while a server is dead. p50 and p99 come from
the daemon, where it runs. Counters that have gone back (mounted again, Stats cleared) are said, never shown as negative numbers.

Exit status: 0 done, 1 failed, 2 wrong usage.`,
    )
    .action(smbiostat);
}

async function smbiostat(interval: number | undefined, count: number | undefined, options: Options): Promise<void> {
  if (options.k === true && options.m === true) throw new AodError("usage", "-k and -m exclude each other");
  if (options.replay !== undefined) return replay(replayReadings(options.replay), options);
  const recorder = options.record === undefined ? undefined : recordReadings(options.record);
  const end = new AbortController();
  const stop = (): void => end.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    let before: Reading | undefined;
    const fromNs = systemClock.nowNs();
    // -y leaves the first report out, not one of those that were asked for.
    const reports = interval === undefined ? 1 : (count ?? Number.POSITIVE_INFINITY) + Number(options.y === true);
    for (let n = 0; n < reports; n++) {
      const texts = takeTexts("/proc", systemClock, await metricsOf(options));
      recorder?.take(texts);
      const now = readingOf(texts);
      show(before, now, options);
      before = now;
      if (interval === undefined || n + 1 >= reports) break;
      const nextNs = fromNs + (n + 1) * interval * 1e9;
      await sleep(Math.max(0, (nextNs - systemClock.nowNs()) / 1e6), undefined, { signal: end.signal });
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
  } finally {
    recorder?.close();
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function replay(all: readonly ReadingTexts[], options: Options): void {
  let before: Reading | undefined;
  for (const texts of all) {
    const now = readingOf(texts);
    show(before, now, options);
    before = now;
  }
}

function show(before: Reading | undefined, now: Reading, options: Options): void {
  if (before === undefined && options.y === true) return;
  const reports: readonly Report[] = before === undefined ? sinceReports(now) : [intervalReport(now, before)];
  if (reports.every(({ targets, notes }) => targets.length + notes.length === 0)) {
    process.stderr.write("smbiostat: there is no SMB share and no NFS mount\n");
    return;
  }
  const text = { unit: options.m === true ? ("M" as const) : ("k" as const), extended: options.x === true };
  for (const report of reports)
    process.stdout.write(options.json === true ? jsonLines(report) : reportText(report, text));
}

/** Undefined where no daemon runs, or it may not be asked: there are no percentiles then. */
async function metricsOf(options: Options): Promise<string | undefined> {
  try {
    return await askDaemonText(daemonDirs(options).runDir, "/metrics");
  } catch (error) {
    if (error instanceof NotRunning || (error instanceof AodError && error.code === "failed")) return undefined;
    throw error;
  }
}
