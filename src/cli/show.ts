import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { askDaemon } from "../daemon/api-client.ts";
import type { SeenRequests } from "../daemon/requests.ts";
import { type Subject, subjects } from "../show/row.ts";
import { notesOf, rowsOf } from "../show/show.ts";
import { readState } from "../show/state.ts";
import { subjectJson, subjectText } from "../show/text.ts";
import { nearest } from "../smb/nearest.ts";
import { AodError } from "../system/error.ts";
import { number } from "../tools/arguments.ts";
import { type DaemonOptions, daemonDirs } from "./daemon-options.ts";

interface Options extends DaemonOptions {
  readonly watch?: number | true;
  readonly all?: true;
  readonly root?: string;
}

export function build(): Command {
  return new Command("show")
    .description(
      "What the kernel's SMB and NFS clients say of themselves: connections, sessions, shares, requests, files, caches.",
    )
    .argument("[subjects...]", `any of ${subjects.join(", ")}; all when absent`, namedSubjects)
    .option("--json", "one JSON object a line")
    .option(
      "--watch [seconds]",
      "again and again, every 2 seconds unless told otherwise; Ctrl-C ends it",
      number("seconds", 0.2),
    )
    .option("--all", "lists open files also where there are more than 10,000")
    .option("--root <dir>", "of a captured tree: <dir>/proc and <dir>/sys in place of the machine's own")
    .option("--config <file>", "the daemon's configuration, for its directories")
    .addHelpText(
      "after",
      `
Examples:
  aod show                                  everything
  sudo aod show servers shares              connections and shares, with their open files
  aod show requests --watch                 what is in flight
  aod show servers --json | jq 'select(.problems != [])'

It reads files of /proc and /sys and nothing below a mount: it answers while a server is dead. The age of a request comes from the daemon, where it
runs. DebugData, open files and RPC tasks may only be read by root on most systems; what may not be read is said.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 neither client is there.`,
    )
    .action(show);
}

function namedSubjects(name: string, before: readonly Subject[] = []): readonly Subject[] {
  const found = subjects.find((subject) => subject === name);
  if (found !== undefined) return [...before, found];
  const near = nearest(name, subjects);
  throw new InvalidArgumentError(
    `There is no ${name}: ${near === undefined ? `there are ${subjects.join(", ")}` : `did you mean ${near}`}.`,
  );
}

async function show(chosen: readonly Subject[], options: Options): Promise<void> {
  const wanted = chosen.length === 0 ? subjects : chosen;
  if (options.watch === undefined) return once(wanted, options);
  const end = new AbortController();
  const stop = (): void => end.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    for (;;) {
      if (process.stdout.isTTY && options.json !== true) process.stdout.write("\x1b[H\x1b[2J");
      await once(wanted, options);
      await sleep((options.watch === true ? 2 : options.watch) * 1000, undefined, { signal: end.signal });
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

async function once(wanted: readonly Subject[], options: Options): Promise<void> {
  const seen = options.root === undefined ? await seenRequests(options) : undefined;
  const state = readState({ root: options.root ?? "" }, seen, options.all === true);
  if (
    state.data === undefined &&
    state.stats === undefined &&
    state.mounts.length === 0 &&
    options.watch === undefined
  ) {
    throw new AodError(
      "unsupported",
      "neither the SMB nor the NFS client is there: the module cifs is not loaded, and no NFS mount is seen",
    );
  }
  for (const subject of wanted) {
    const rows = rowsOf(subject, state);
    const notes = notesOf(subject, state);
    process.stdout.write(options.json === true ? subjectJson(subject, rows, notes) : subjectText(subject, rows, notes));
  }
}

/** Undefined where no daemon runs or its probe does not; then the age of requests is not known, which is said. */
async function seenRequests(options: Options): Promise<SeenRequests | undefined> {
  try {
    return (await askDaemon(daemonDirs(options).runDir, "/requests")) as SeenRequests | undefined;
  } catch (error) {
    if (error instanceof AodError && error.code === "failed") return undefined;
    throw error;
  }
}
