import { existsSync } from "node:fs";
import { Command } from "commander";
import { headerOf, RECORD_OPS } from "../record/header.ts";
import { LiveWorld } from "../record/live-world.ts";
import { refuseNetworkMount } from "../record/network-mount.ts";
import { Recorder } from "../record/recorder.ts";
import { salvage } from "../record/salvage.ts";
import { createRecording } from "../record/writer.ts";
import { nearest } from "../smb/nearest.ts";
import { AodError } from "../system/error.ts";
import { nativePaths } from "../system/paths.ts";
import { number } from "../tools/arguments.ts";
import { Ending } from "../tools/ending.ts";
import { moduleAppears, requireSupport } from "../tools/live.ts";
import { RecordRun } from "../tools/record-ops.ts";
import { type Recordable, recordableNames, recordables } from "../tools/recordable.ts";
import { size } from "./bundle-text.ts";
import { eventsCommand } from "./record-events.ts";
import { packetsCommand } from "./record-packets.ts";
import { endLines, helloLines, showJson, showLines } from "./record-text.ts";

const MIB = 1024 ** 2;
const DEFAULT_MAX_MIB = 1024;

interface OpsOptions {
  readonly duration?: number;
  readonly params?: true;
  readonly max: number;
}

/** `aod record`: makes recordings, and shows what is in one of operations. */
export function build(): Command {
  const command = new Command("record").description(
    "Keep in a file what happens: operations for --replay and aod replay, the kernel's trace events, packets",
  );
  // Before the commands below it are made: they inherit both, and the caller prints what went wrong.
  command.exitOverride().configureOutput({ outputError: () => {} });
  command
    .command("ops <file> [probes...]")
    .description(`every operation, from ${recordableNames.join(", ")}; without a name from all whose module is loaded`)
    .option("-d, --duration <SECONDS>", "end after this many seconds of tracing", number("seconds", 0))
    .option("--params", "also what each SMB request asks for: names of files and directories are among it")
    .option("--max <MIB>", "end when the file has this many MiB", number("MiB", 1), DEFAULT_MAX_MIB)
    .action(ops);
  for (const one of [eventsCommand(), packetsCommand()]) command.addCommand(one.copyInheritedSettings(command));
  command
    .command("show <file>")
    .description("what a recording is of, how long it is, and what it lacks")
    .option("--json", "as one line")
    .action(show);
  command
    .command("salvage <file> <new>")
    .description("copy what holds together of a recording that is cut off or damaged")
    .action(salvaging);
  return command.addHelpText(
    "after",
    `
Examples:
  aod record ops /var/tmp/slow.aodrec -d 60    everything that happens within a minute
  aod record ops ops.aodrec smb_wire --params  SMB requests with what they ask for, until Ctrl-C
  aod record show ops.aodrec
  sudo aod record events --for 30s -o trace.dat           what the kernel's trace points say; aod decode reads it
  sudo aod record events -e cifs -e 'nfs4:nfs4_*' -o t.dat
  sudo aod record packets --for 1m -o trace.pcap          headers of the packets of all mounts; aod packets reads it
  aod smbslower 100 --replay ops.aodrec        the tool, on what was recorded
  aod replay ops.aodrec                        what the daemon would have noticed

A recording of operations holds names of tasks, servers and shares, with --params those of files; no passwords, no contents of files. It is
readable by its owner alone.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not supported here.`,
  );
}

async function ops(file: string, names: readonly string[], options: OpsOptions): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`aod record: ${line}\n`);
  const asked = names.map(findProbe);
  const world = new LiveWorld();
  refuseNetworkMount(file, world.readProc, process.cwd());
  requireSupport();
  const what = asked.length > 0 ? [...new Set(asked)] : recordables.filter(({ codec }) => isHere(codec));
  const [first] = what;
  if (first === undefined) {
    throw new AodError("failed", "neither the cifs nor the nfs module is loaded: mount something, or name the probes");
  }
  const ending = new Ending(options.duration);
  try {
    for (const { codec } of what) if (!(await moduleAppears(codec.module, ending, say))) return;
    const recordOptions = { params: options.params ?? false };
    const probes = what.map(({ codec, args }) => ({ ...pick(codec), args: [...args(recordOptions)] }));
    const writer = createRecording(file, headerOf(RECORD_OPS, probes, world.start), { fileBytes: options.max * MIB });
    const recorder = new Recorder(writer, () => world.at);
    world.recordWith(recorder);
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const run = new RecordRun(what, recordOptions, world, recorder, {
      hello: (hello) => {
        for (const line of helloLines(hello)) say(line);
        // The slowest to attach is part of it too.
        if (run.probes.every(({ hello, exit }) => hello ?? exit)) ending.start();
      },
      exit: (name, { message }) => {
        say(`${name}: ${message}`);
        if (run.probes.every(({ exit }) => exit !== undefined)) end();
      },
      beat: () => {
        if (!writer.full && writer.failure === undefined) return;
        if (writer.full) say(`${file} has ${options.max} MiB now`);
        end();
      },
    });
    await Promise.race([over, ending.reached]);
    await run.end();
    for (const line of endLines(file, run.probes, writer)) say(line);
    await run.stop();
    throwIfFailed(file, run, writer.failure);
  } finally {
    ending.dispose();
  }
}

function pick({ name, module }: Recordable["codec"]): { readonly name: string; readonly module: string } {
  return { name, module };
}

function isHere({ module, object }: Recordable["codec"]): boolean {
  return existsSync(`/sys/module/${module}`) && existsSync(nativePaths().object(object));
}

function findProbe(name: string): Recordable {
  const found = recordables.find(({ codec }) => codec.name === name);
  if (found !== undefined) return found;
  const near = nearest(name, recordableNames);
  const hint = near === undefined ? `the probes are ${recordableNames.join(", ")}` : `did you mean "${near}"?`;
  throw new AodError("usage", `there is no probe "${name}": ${hint}`);
}

function throwIfFailed(file: string, { probes }: RecordRun, failure: string | undefined): void {
  if (failure !== undefined) throw new AodError("failed", `${file} is cut off: ${failure}`);
  if (probes.some(({ hello }) => hello !== undefined)) return;
  const unsupported = probes.some(({ exit }) => exit?.unsupported === true);
  if (probes.every(({ exit }) => exit !== undefined && !exit.requested)) {
    throw new AodError(unsupported ? "unsupported" : "failed", "no probe could be attached");
  }
}

function show(file: string, { json }: { readonly json?: true }): void {
  if (json) process.stdout.write(`${JSON.stringify(showJson(file))}\n`);
  else for (const line of showLines(file)) process.stdout.write(`${line}\n`);
}

async function salvaging(file: string, target: string): Promise<void> {
  const { chunks, seconds, why, bytes } = await salvage(file, target);
  const kept = `${target} holds ${chunks} pieces of ${seconds.toFixed(1)} s (${size(bytes)})`;
  process.stdout.write(`${kept}: ${why === undefined ? `${file} was whole` : `${file} ${why}`}\n`);
}
