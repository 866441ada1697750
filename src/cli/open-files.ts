import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { thisMachine } from "../doctor/machine.ts";
import { mountAt } from "../holders/mount-at.ts";
import { namespaceOf, readNamespace } from "../holders/namespaces.ts";
import { Growth, growthText } from "../open-files/growth.ts";
import { lookOnce, lookUntilClear, type Place, type Wanted } from "../open-files/look.ts";
import { HandleStates } from "../open-files/states.ts";
import { openFilesJson, openFilesText } from "../open-files/text.ts";
import { contentOf } from "../show/files.ts";
import { formatWall } from "../system/clock.ts";
import { AodError } from "../system/error.ts";
import { isNfs, isSmb } from "../system/mounts.ts";
import { integer, number } from "../tools/arguments.ts";
import { traceOpens } from "./open-files-trace.ts";

interface Options {
  readonly json?: true;
  readonly watch?: number | true;
  readonly trace?: number;
  readonly for: number;
  readonly wait: number;
  readonly all?: true;
  readonly root?: string;
}

export function build(): Command {
  return new Command("open-files")
    .description(
      "Files open on SMB and NFS mounts: each handle on the server with whose it is, which nobody has, whose number grows.",
    )
    .argument("[mount]", "mount point; all SMB and NFS mounts when absent")
    .option("--json", "one JSON object a line")
    .option(
      "--watch [seconds]",
      "again and again, every 5 seconds unless told otherwise, with what grows; Ctrl-C ends it",
      number("seconds", 0.2),
    )
    .option(
      "--trace <pid>",
      "the opens and closes of this process joined: which it never closes (strace)",
      integer("a process id", 1),
    )
    .option("--for <seconds>", "how long it is traced", number("seconds", 0.1), 10)
    .option(
      "--wait <seconds>",
      "how long a handle that nobody has is looked at again, to tell one that the client keeps from a leak",
      number("seconds", 0),
      5,
    )
    .option("--all", "lists handles also where there are more than 10,000")
    .option("--root <dir>", "of a captured tree: <dir>/proc and <dir>/sys in place of the machine's own")
    .addHelpText(
      "after",
      `
Examples:
  sudo aod open-files                      every handle, with its process and descriptor
  sudo aod open-files /mnt/share --watch   whose number grows
  sudo aod open-files --trace 4711 --for 30
  sudo aod open-files --json | jq 'select(.state == "leaked")'

It reads /proc and /sys and touches no mount: it answers while the server is dead. Handles, and the descriptors of other users, are for root.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not supported here.`,
    )
    .action(openFiles);
}

async function openFiles(path: string | undefined, options: Options): Promise<void> {
  const place = placeAt(options.root);
  const wanted = wantedOf(place, path, options);
  const end = new AbortController();
  const stop = (): void => end.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    if (options.trace !== undefined)
      await traceOpens(place, options.trace, options.for, wanted.mount, options.json === true, end.signal);
    else if (options.watch !== undefined) await watch(place, wanted, options, end.signal);
    else {
      const shown = await lookUntilClear(place, wanted, options.wait, end.signal);
      process.stdout.write((options.json === true ? openFilesJson : openFilesText)(shown, commIn(place)));
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

async function watch(place: Place, wanted: Wanted, options: Options, signal: AbortSignal): Promise<void> {
  const states = new HandleStates();
  const growth = new Growth();
  for (;;) {
    const shown = await lookOnce(place, states, wanted, signal);
    const owners = growth.take(shown);
    const time = formatWall(place.clock.wallMs());
    if (options.json === true) {
      for (const owner of owners) process.stdout.write(`${JSON.stringify({ time, ...owner })}\n`);
      for (const note of shown.notes) process.stdout.write(`${JSON.stringify({ time, note })}\n`);
    } else process.stdout.write(growthText(owners, time.slice(11, 19), shown.notes));
    await sleep((options.watch === true || options.watch === undefined ? 5 : options.watch) * 1000, undefined, {
      signal,
    });
  }
}

function placeAt(root: string | undefined): Place {
  const machine = thisMachine();
  return root === undefined ? machine : { ...machine, procRoot: join(root, "proc"), sysRoot: join(root, "sys") };
}

function wantedOf({ procRoot }: Place, path: string | undefined, options: Options): Wanted {
  const all = options.all === true;
  if (path === undefined) return { all };
  const self = join(procRoot, "self");
  const mount = mountAt(
    path,
    readNamespace(self, namespaceOf(self) ?? "", process.pid, "aod").mounts,
    process.cwd(),
    "open-files",
  );
  if (!isSmb(mount) && !isNfs(mount))
    throw new AodError("usage", `${mount.target} is no SMB or NFS mount: it is ${mount.type}`);
  return { mount, all };
}

const commIn =
  ({ procRoot }: Place) =>
  (pid: number): string | undefined =>
    contentOf(join(procRoot, String(pid), "comm"))?.trimEnd();
