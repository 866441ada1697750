import { readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { chooseEvents, eventsOf } from "../flight-recorder/event-names.ts";
import { type EventLosses, EventRecording } from "../flight-recorder/event-recording.ts";
import { removeLeftovers, tracefsIn } from "../flight-recorder/trace-instance.ts";
import { refuseNetworkMount } from "../record/network-mount.ts";
import { AodError, messageOf } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import { number } from "../tools/arguments.ts";
import { Ending } from "../tools/ending.ts";
import { size } from "./bundle-text.ts";
import { durationArgument } from "./duration.ts";

interface Options {
  readonly event?: readonly string[];
  readonly for?: number;
  readonly size: number;
  readonly out: string;
}

const MIB = 1024 ** 2;
const BUFFER_KIB = 4096;
const POLL_MS = 200;

export function eventsCommand(): Command {
  return new Command("events")
    .description(
      "the kernel's trace events of cifs, nfs, nfs4 and sunrpc, into a file for aod decode and trace-cmd report",
    )
    .option(
      "-e, --event <NAME>",
      "a system (cifs), an event (cifs:smb3_reconnect) or a pattern (smb3_cmd_*) in their place; may be repeated",
      collect,
    )
    .option(
      "--for <DURATION>",
      "end after this time, such as 30s, 5m or a number of seconds; without it at Ctrl-C",
      durationArgument(24 * 3600e9),
    )
    .option("--size <MIB>", "end when the file has this many MiB", number("MiB", 1), 512)
    .option("-o, --out <FILE>", "a new file, for its owner alone", "aod-events.dat")
    .action(recordEvents);
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(",")];
}

async function recordEvents({ event = [], for: forNs, size: maxMib, out }: Options): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`aod record: ${line}\n`);
  if (process.geteuid?.() !== 0)
    throw new AodError("failed", "the kernel gives its trace events to root alone: run it as root, or with sudo");
  const tracefs = tracefsIn("/sys");
  if (tracefs === undefined) {
    const how = "mount -t tracefs tracefs /sys/kernel/tracing";
    throw new AodError(
      "unsupported",
      `there is no tracefs at /sys/kernel/tracing: mount it (${how}), or the kernel has none`,
    );
  }
  const events = chooseEvents(eventsOf(tracefs), event);
  const file = resolve(out);
  refuseNetworkMount(file, (path) => readFileSync(`/proc/${path}`, "utf8"), process.cwd());
  const roots = { sysRoot: "/sys", procRoot: "/proc" };
  for (const name of removeLeftovers(roots).removed)
    say(`removed the tracefs instance ${name} of a process that was killed`);
  const ending = new Ending(forNs === undefined ? undefined : forNs / 1e9, ["SIGHUP"]);
  const recording = begin({ ...roots, tracefs, events, file, pid: process.pid, maxBytes: maxMib * MIB });
  try {
    const { enabled, failed } = recording.instance;
    for (const [name, why] of failed) say(`${name} cannot be switched on: ${why}`);
    if (enabled.length === 0) throw new AodError("failed", "no event could be switched on");
    say(`${enabled.length} kinds of events are recorded${forNs === undefined ? " until Ctrl-C" : ""}`);
    ending.start();
    let over = false;
    void ending.reached.then(() => {
      over = true;
    });
    while (!over && !recording.full) {
      await Promise.race([ending.reached, sleep(POLL_MS)]);
      recording.beat();
    }
    if (recording.full) say(`${out} has ${maxMib} MiB now`);
    const losses = await recording.end();
    say(`${out}: ${size(recording.bytes)}, lost: ${lossText(losses)}`);
    say(`aod decode ${out} reads it; trace-cmd report -i ${out} too`);
  } catch (error) {
    rmSync(file, { force: true });
    throw error instanceof AodError ? error : new AodError("failed", `${out}: ${messageOf(error)}`, { cause: error });
  } finally {
    ending.dispose();
    const left = recording.remove();
    if (left !== undefined) say(`the tracefs instance cannot be removed: ${left}`);
  }
}

function begin(options: Omit<ConstructorParameters<typeof EventRecording>[0], "bufferKib">): EventRecording {
  try {
    return new EventRecording({ ...options, bufferKib: BUFFER_KIB });
  } catch (error) {
    if (hasCode(error, "EEXIST"))
      throw new AodError("usage", `${options.file} is there already: name a new file with -o, or remove it`);
    const why = hasCode(error, "EPERM", "EACCES", "EROFS") ? ` (lockdown, or a sandbox)` : "";
    throw new AodError("failed", `events cannot be recorded: ${messageOf(error)}${why}`, { cause: error });
  }
}

function lossText({ overwritten, unknown, dropped }: EventLosses): string {
  const parts = [
    ...(overwritten > 0 ? [`${overwritten} events overwritten in the kernel's ring`] : []),
    ...(unknown > 0 ? [`${unknown} times events that the kernel does not count`] : []),
    ...(dropped > 0 ? [`${dropped} events that did not get into the ring`] : []),
  ];
  return parts.length === 0 ? "nothing" : parts.join(", ");
}
