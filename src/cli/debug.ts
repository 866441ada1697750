import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { type Explained, explain } from "../dmesg/explain.ts";
import { type Folded, fold, keyOf } from "../dmesg/fold.ts";
import { logLine } from "../dmesg/lines.ts";
import { foldedJson, foldedText } from "../dmesg/text.ts";
import { systemClock } from "../system/clock.ts";
import { AodError, messageOf } from "../system/error.ts";
import { openKernelLog, type RecordReader } from "../system/kernel-log.ts";
import { KernelLogFollower } from "../system/kernel-log-follower.ts";
import { keeperCommand, switchCommands } from "./debug-switches.ts";

interface DmesgOptions {
  readonly follow?: true;
  readonly json?: true;
  readonly file?: string;
}

const KMSG = "/dev/kmsg";
/** More than the kernel's buffer holds at its usual size. */
const MAX_RECORDS = 200_000;
const POLL_MS = 300;
/** A message that comes again sooner is only counted; then it is told again, with how often it came. */
const QUIET_US = 10e6;

export function build(): Command {
  const command = new Command("debug").description(
    "What the kernel's SMB and NFS clients write for debugging, and how to have more of it.",
  );
  command.exitOverride().configureOutput({ outputError: () => {} });
  command
    .command("dmesg")
    .description("SMB and NFS messages of the kernel's log, each with what it means; what is said again is folded")
    .option("-f, --follow", "then what comes, until Ctrl-C")
    .option("--json", "one JSON object a line")
    .option(
      "--file <file>",
      "a saved log in place of the kernel's: of dmesg, journalctl -k or syslog; - is standard input",
    )
    .action(dmesg);
  for (const one of switchCommands()) command.addCommand(one.copyInheritedSettings(command));
  command.addCommand(keeperCommand().copyInheritedSettings(command), { hidden: true });
  return command.addHelpText(
    "after",
    `
Examples:
  sudo aod debug on --smb --for 2m
  sudo aod debug status
  sudo aod debug dmesg
  sudo aod debug dmesg --follow
  journalctl -k -b -1 | aod debug dmesg --file -

Exit status: 0 done, 1 failed, 2 wrong usage.`,
  );
}

async function dmesg({ follow, json, file }: DmesgOptions): Promise<void> {
  if (file !== undefined && follow === true) throw new AodError("usage", "--file and --follow exclude each other");
  const show = json === true ? foldedJson : foldedText;
  if (file !== undefined) {
    const lines = textOf(file).split("\n").map(logLine);
    const messages = lines.flatMap(({ text, timeUs }) => explainedAt(text, timeUs));
    for (const one of fold(messages)) process.stdout.write(show(one));
    if (messages.length === 0)
      process.stderr.write("aod debug dmesg: the file has no message of the SMB or NFS client\n");
    return;
  }
  const follower = new KernelLogFollower(openLog());
  const end = new AbortController();
  const stop = (): void => end.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const { records } = await follower.read(MAX_RECORDS, end.signal);
    const messages = records.flatMap(({ message, timeUs }) => explainedAt(message, timeUs));
    for (const one of fold(messages)) process.stdout.write(show(one, wallOfUs));
    if (messages.length === 0)
      process.stderr.write("aod debug dmesg: the kernel's log has no message of the SMB or NFS client\n");
    if (follow === true) await followOn(follower, (one) => process.stdout.write(show(one, wallOfUs)), end.signal);
  } catch (error) {
    if (!end.signal.aborted) throw error;
  } finally {
    follower.close();
    process.off("SIGINT", stop).off("SIGTERM", stop);
    if (follower.lost > 0)
      process.stderr.write(`aod debug dmesg: ${follower.lost} lines were overwritten before they could be read\n`);
  }
}

async function followOn(follower: KernelLogFollower, show: (one: Folded) => void, signal: AbortSignal): Promise<void> {
  const repeated = new Map<string, Folded>();
  for (;;) {
    const { records } = await follower.read(MAX_RECORDS, signal);
    for (const { message, timeUs } of records) {
      for (const one of explainedAt(message, timeUs)) takeNext(one, repeated, show);
    }
    tellQuiet(repeated, show);
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** The first is told at once, what follows soon is counted. */
function takeNext(
  { message, timeUs }: { readonly message: Explained; readonly timeUs: number },
  repeated: Map<string, Folded>,
  show: (one: Folded) => void,
): void {
  const key = keyOf(message);
  const counted = repeated.get(key);
  if (counted === undefined) {
    show({ message, fromUs: timeUs, toUs: timeUs, count: 1 });
    repeated.set(key, { message, fromUs: timeUs, toUs: timeUs, count: 0 });
    return;
  }
  counted.count++;
  counted.toUs = timeUs;
}

function tellQuiet(repeated: Map<string, Folded>, show: (one: Folded) => void): void {
  const nowUs = systemClock.nowNs() / 1000;
  for (const [key, one] of repeated) {
    if (nowUs - (one.fromUs ?? 0) < QUIET_US) continue;
    repeated.delete(key);
    if (one.count > 0) show(one);
  }
}

function explainedAt<Time extends number | undefined>(text: string, timeUs: Time) {
  const message = explain(text);
  return message === undefined
    ? []
    : [
        { message, ...(timeUs === undefined ? {} : { timeUs }) } as {
          message: Explained;
          timeUs: Exclude<Time, undefined>;
        },
      ];
}

/** The kernel's clock of its log is within ms of CLOCK_MONOTONIC, which stands while the machine sleeps. */
const wallOfUs = (us: number): number => systemClock.wallMs() - (systemClock.nowNs() / 1e6 - us / 1000);

function openLog(): RecordReader {
  try {
    return openKernelLog(KMSG);
  } catch (error) {
    throw new AodError(
      "failed",
      `${KMSG} cannot be opened (${messageOf(error)}): run this as root, or give a saved log with --file`,
      { cause: error },
    );
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new AodError("failed", `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
