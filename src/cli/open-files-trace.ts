import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Namespace, namespaceOf, readNamespace } from "../holders/namespaces.ts";
import type { Place } from "../open-files/look.ts";
import { counted } from "../open-files/text.ts";
import { type OpenedFile, OpenTrace, tracedCalls } from "../open-files/trace.ts";
import { contentOf, namesIn } from "../show/files.ts";
import { AodError } from "../system/error.ts";
import { type MountInfo, mountOf } from "../system/mountinfo.ts";
import { isNfs, isSmb } from "../system/mounts.ts";
import { type StreamEnd, startStream } from "../system/stream.ts";
import { printable } from "../tools/table-text.ts";

/** ms that strace has to let go of the process. */
const LET_GO_MS = 5000;
const MAX_LINE = 16_384;
const MAX_LISTED = 50;

/** Traces a process for a while, and prints what it opened on SMB and NFS mounts and never closed. */
export async function traceOpens(
  place: Place,
  pid: number,
  seconds: number,
  mount: MountInfo | undefined,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const directory = join(place.procRoot, String(pid));
  const comm = contentOf(join(directory, "comm"))?.trimEnd();
  if (comm === undefined) throw new AodError("failed", `there is no process ${pid}`);
  const tids = (namesIn(join(directory, "task")) ?? []).map(Number);
  const trace = new OpenTrace(concerning(readNamespace(directory, namespaceOf(directory) ?? "", pid, comm), mount));
  trace.begin(pid, tids);
  const began = place.clock.wallMs() / 1000;
  const ended = Promise.withResolvers<StreamEnd>();
  const strace = startStream(
    [
      "strace",
      "-f",
      "-y",
      "-ttt",
      "-s",
      "0",
      "-e",
      "signal=none",
      "-e",
      `trace=${tracedCalls}`,
      "-o",
      // Standard output is a socket here, which strace cannot open by its name, and only with -o is the task on every line.
      "|cat",
      "-p",
      String(pid),
    ],
    { maxLine: MAX_LINE, awaited: true, onLine: (line) => trace.take(line), onEnd: ended.resolve },
  );
  process.stderr.write(
    `tracing ${printable(comm)} (${pid}) by strace for ${seconds} s: its calls that open and close are slower meanwhile\n`,
  );
  const over = sleep(seconds * 1000, undefined, { signal }).catch(() => {});
  const early = await Promise.race([ended.promise, over.then(() => undefined)]);
  if (early === undefined) {
    strace.stop("SIGINT");
    await Promise.race([ended.promise, sleep(LET_GO_MS)]);
    strace.stop();
  }
  if (early?.missing === true)
    throw new AodError("unsupported", "strace is not installed: install it to trace a process");
  // Status 0: the process has ended.
  if (early !== undefined && !early.reason.startsWith("exit status 0"))
    throw new AodError("failed", `strace could not trace ${pid}: ${early.reason}`);
  const tookSeconds = place.clock.wallMs() / 1000 - began;
  process.stdout.write(
    json ? jsonOf(trace, pid, comm, began, tookSeconds) : textOf(trace, pid, comm, began, tookSeconds),
  );
}

/** Paths on SMB and NFS mounts, or on the one that was named, as the process sees them. */
function concerning({ mounts }: Namespace, wanted: MountInfo | undefined): (path: string) => boolean {
  return (path) => {
    const mount = mountOf(path, mounts, "/");
    if (mount === undefined) return false;
    return wanted === undefined ? isSmb(mount) || isNfs(mount) : mount.device === wanted.device;
  };
}

const fdsOf = ({ descriptors }: OpenedFile): number[] => [...descriptors].map((key) => Number(key.split(" ")[1]));

function textOf(trace: OpenTrace, pid: number, comm: string, began: number, seconds: number): string {
  const { files, left, closedBefore, unknown } = trace;
  const lines = [
    `${printable(comm)} (${pid}), ${seconds.toFixed(1)} s: ${files.length} opened, ${files.length - left.length} closed, ${left.length} not closed` +
      (closedBefore > 0 ? `, ${closedBefore} closed that were open before` : ""),
  ];
  const groups = [...Map.groupBy(left, ({ path, flags }) => `${path}\0${flags}`).values()].sort(
    (a, b) => b.length - a.length,
  );
  for (const some of groups.slice(0, MAX_LISTED)) {
    const [first] = some;
    if (first === undefined) continue;
    const at = some.map(({ opened }) => opened - began);
    const when =
      some.length === 1 ? `after ${at[0]?.toFixed(2)} s` : `from ${at[0]?.toFixed(2)} s to ${at.at(-1)?.toFixed(2)} s`;
    lines.push(
      `  ${String(some.length).padStart(4)}  ${printable(first.path)}  ${first.flags}  fd ${some.flatMap(fdsOf).slice(0, 8).join(", ")}  ${when}`,
    );
  }
  if (groups.length > MAX_LISTED) lines.push(`  and ${counted(groups.length - MAX_LISTED, "further file")}`);
  if (unknown > 0) lines.push(`(${unknown} lines of strace are not known here)`);
  return `${lines.join("\n")}\n`;
}

/** A line for each handle, then one for the whole. */
function jsonOf(trace: OpenTrace, pid: number, comm: string, began: number, seconds: number): string {
  const rows = trace.files.map((file) => ({
    path: file.path,
    flags: file.flags.split("|"),
    tid: file.tid,
    opened_s: rounded(file.opened - began),
    ...(file.closed === undefined ? { fds: fdsOf(file) } : { closed_s: rounded(file.closed - began) }),
    state: file.closed === undefined ? "open" : "closed",
  }));
  const whole = {
    pid,
    comm,
    seconds: rounded(seconds),
    opened: trace.files.length,
    left: trace.left.length,
    closed_before: trace.closedBefore,
    failed: trace.failed,
    unknown_lines: trace.unknown,
  };
  return [...rows, whole].map((row) => `${JSON.stringify(row)}\n`).join("");
}

const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000;
