import { once } from "node:events";
import { createReadStream } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import type { Item } from "../decode/item.ts";
import { itemJson, totalsJson } from "../decode/json.ts";
import { playRecording } from "../decode/recording.ts";
import { kindOf, kindOfBytes, linesOf, ofBundle, reported } from "../decode/source.ts";
import { heading, itemText, totalsText } from "../decode/text.ts";
import { type Filter, Timeline } from "../decode/timeline.ts";
import { findProcedure, procedureNames } from "../nfs/procedures.ts";
import { findNfsStatus } from "../nfs/status.ts";
import { commandName, commandNames, findCommand } from "../smb/commands.ts";
import { findStatus, statusName } from "../smb/status.ts";
import { errnoName, findErrno } from "../system/errno.ts";
import { AodError } from "../system/error.ts";
import { integer } from "../tools/arguments.ts";

interface Options {
  readonly pid?: number;
  readonly comm?: string;
  readonly command?: ReadonlySet<string>;
  readonly errors?: true;
  readonly status?: ReadonlySet<string>;
  readonly json?: true;
}

/** `aod decode`: works without root and without the daemon. */
export function build(): Command {
  return new Command("decode")
    .description("Make a readable time line of a trace of the SMB and NFS clients.")
    .argument(
      "<file>",
      "a trace.dat, a bundle, a recording, or the text of trace-cmd report or trace_pipe; - is standard input",
    )
    .option("-p, --pid <PID>", "only of this task", integer("the number of a process", 1))
    .option("--comm <NAME>", "only of tasks of this name")
    .option(
      "-c, --command <NAME>",
      "only calls with this SMB command or NFS procedure; may be repeated, or a list",
      commandsOf,
    )
    .option("--errors", "only what failed")
    .option(
      "-s, --status <STATUS>",
      "only with this NTSTATUS, NFS status or errno, by name or number; may be repeated, or a list",
      statusesOf,
    )
    .option("--json", "one object a line: requests, calls, events, and a summary")
    .addHelpText(
      "after",
      `
Examples:
  aod decode trace.dat                                          of trace-cmd record or aod record events
  aod decode trace.dat --errors
  aod decode 20261122T130511Z-hang.tar.zst -p 4711              kernel events of a bundle
  sudo cat /sys/kernel/tracing/trace_pipe | aod decode -        while it happens
  aod decode trace.dat --json | jq 'select(.type == "request" and .latency_us > 100000)'

A line for each call into the client, with the requests that it sent below it; a request without a call has a line of its own. Calls and requests come when
they have ended. What has no end in the trace comes last.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not supported here (trace-cmd is needed to read a trace.dat).`,
    )
    .action(decode);
}

function commandsOf(text: string, before: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  const names = new Set(before);
  for (const part of text.split(",")) {
    const smb = findCommand(part);
    const nfs = findProcedure(part);
    if (smb.ok) names.add(commandName(smb.code));
    if (nfs.ok) names.add(nfs.name);
    if (smb.ok || nfs.ok) continue;
    const near = smb.suggestion ?? nfs.suggestion;
    const known = `the commands are ${commandNames.map((name) => name.replace("SMB2_", "")).join(", ")}; the procedures ${procedureNames.join(", ")}`;
    throw new InvalidArgumentError(
      `there is no command "${part}": ${near === undefined ? known : `did you mean "${near}"?`}`,
    );
  }
  return names;
}

function statusesOf(text: string, before: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  const names = new Set(before);
  for (const part of text.split(",")) {
    const errno = findErrno(part);
    const nt = findStatus(part);
    const nfs = findNfsStatus(part);
    if (errno.ok) names.add(errnoName(errno.code));
    if (nt.ok && nt.code > 0xffff) names.add(statusName(nt.code));
    if (nfs.ok)
      names.add(
        part
          .trim()
          .toUpperCase()
          .replace(/^NFS[34]?ERR_/, ""),
      );
    if (errno.ok || nt.ok || nfs.ok) continue;
    const near =
      /^nt|^status/i.test(part) && !nt.ok ? nt.suggestion : (errno.suggestion ?? (nt.ok ? undefined : nt.suggestion));
    throw new InvalidArgumentError(
      `there is no status "${part}": ${near === undefined ? "give an NTSTATUS, NFS status or errno by name or number" : `did you mean "${near}"?`}`,
    );
  }
  return names;
}

async function decode(file: string, { json, command, status, ...rest }: Options): Promise<void> {
  const filter: Filter = {
    ...rest,
    ...(command === undefined ? {} : { commands: command }),
    ...(status === undefined ? {} : { statuses: status }),
  };
  const out: string[] = [];
  let headed = json === true;
  const emit = (item: Item): void => {
    if (!headed) out.push(`${heading}\n`);
    headed = true;
    out.push(...(json === true ? [itemJson(item)] : itemText(item).map((line) => `${line}\n`)));
  };
  const timeline = new Timeline(filter, emit);
  // Whoever follows trace_pipe ends it with Ctrl-C, and wants the summary.
  let over = false;
  const stop = (): void => {
    over = true;
    process.stdin.destroy();
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const flush = async (): Promise<void> => {
    if (out.length > 0) await write(out.splice(0).join(""));
  };
  try {
    if (file !== "-" && kindOf(file) === "recording") {
      timeline.totals.lostEvents += await playRecording(file, (item) => timeline.give(item), flush);
    } else {
      for await (const line of source(file)) {
        timeline.line(line);
        await flush();
        if (over) break;
      }
    }
  } catch (error) {
    if (!over) throw error;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
  timeline.finish();
  await flush();
  await write(json === true ? totalsJson(timeline.totals) : `${totalsText(timeline.totals).join("\n")}\n`);
  if (timeline.totals.events === 0 && timeline.totals.unknownLines > 0)
    throw new AodError("usage", `${file === "-" ? "standard input" : file} holds no line of a trace`);
}

async function* source(file: string): AsyncGenerator<string> {
  const note = (line: string): void => void process.stderr.write(`aod decode: ${line}\n`);
  if (file === "-") {
    process.stdin.setEncoding("utf8");
    let first = true;
    for await (const line of linesOf(process.stdin)) {
      if (first && kindOfBytes(Buffer.from(line.slice(0, 16), "latin1")) !== "text")
        throw new AodError(
          "usage",
          "standard input is no text: give the file's name, a trace.dat is not read from a pipe",
        );
      first = false;
      yield line;
    }
    return;
  }
  const kind = kindOf(file);
  if (kind === "trace.dat") yield* reported(file);
  else if (kind === "bundle") yield* ofBundle(file, note);
  else yield* linesOf(createReadStream(file, { encoding: "utf8" }));
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}
