// What processes hold, by readlink of /proc/PID/{cwd,root,exe,fd/N} and by fdinfo alone: none of it follows a link, so a mount whose server is dead holds nobody up.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { contentOf, linkOf, namesIn } from "../show/files.ts";
import { taskStat, taskUid } from "../system/task-files.ts";
import { type Namespace, namespaceOf, readNamespace } from "./namespaces.ts";

export interface Process {
  readonly pid: number;
  readonly comm: string;
  readonly uid?: number;
  /** Its mount namespace; absent where it may not be known. */
  readonly namespace?: string;
  /** Started by the kernel, without memory or descriptors. */
  readonly kernel: boolean;
  readonly ppid: number;
}

/** A directory or program that a task holds. */
export interface TaskLink {
  readonly process: Process;
  readonly kind: "cwd" | "root" | "exe";
  /** As seen in the task's namespace. */
  readonly path: string;
  /** Of its namespace, where a thread has one of its own. */
  readonly namespace?: string;
}

export interface Descriptor {
  readonly process: Process;
  readonly fd: number;
  readonly path: string;
  /** `mnt_id`: the mount that it was opened through. */
  readonly mount: number;
  /** open(2)'s, as they are now: those that only concern the opening itself are gone. */
  readonly flags: number;
}

/** An inotify or fanotify instance: what it watches ends with the mount and keeps nobody from unmounting. */
export interface Watcher {
  readonly process: Process;
  readonly fd: number;
  readonly kind: "inotify" | "fanotify";
  /** Of the file systems, as mountinfo writes them. */
  readonly devices: readonly string[];
  /** Mount ids, of fanotify. */
  readonly mounts: readonly number[];
}

export interface Looked {
  readonly processes: Process[];
  readonly namespaces: Map<string, Namespace>;
  readonly links: TaskLink[];
  readonly descriptors: Descriptor[];
  readonly watchers: Watcher[];
  /** Processes whose descriptors and directories may not be seen. */
  hidden: number;
  /** Descriptors beyond the limit. */
  more: number;
  /** Ended before everything was looked at. */
  cut: boolean;
}

/** Descriptors of files that are looked at. */
const MAX_DESCRIPTORS = 500_000;
const PROCESSES_AT_ONCE = 32;

export const nothingLookedAt = (): Looked => ({
  processes: [],
  namespaces: new Map(),
  links: [],
  descriptors: [],
  watchers: [],
  hidden: 0,
  more: 0,
  cut: false,
});

/** Fills `looked` with what every process holds; what it has found stays there when the signal ends it. */
export async function lookAtProcesses(procRoot: string, looked: Looked, signal?: AbortSignal): Promise<void> {
  looked.cut = true;
  const ours = new Set([process.pid, ...sudoAbove(procRoot, process.ppid)]);
  let seen = 0;
  const pids = (namesIn(procRoot) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
  for (const pid of pids.sort((a, b) => a - b)) {
    if (ours.has(pid)) continue;
    if (signal?.aborted === true) return;
    lookAt(join(procRoot, String(pid)), pid, looked);
    if (++seen % PROCESSES_AT_ONCE === 0) await setImmediate();
  }
  looked.cut = false;
}

/** sudo(8) waits for us, where we were called, and ends with us. */
function sudoAbove(procRoot: string, pid: number): number[] {
  const stat = taskStat({ pid, tid: pid, directory: join(procRoot, String(pid)) });
  return stat?.comm === "sudo" ? [pid, ...sudoAbove(procRoot, stat.ppid)] : [];
}

function lookAt(directory: string, pid: number, looked: Looked): void {
  const task = { pid, tid: pid, directory };
  const stat = taskStat(task);
  if (stat === undefined) return;
  const namespace = namespaceOf(directory);
  const uid = taskUid(task);
  const process: Process = {
    pid,
    comm: stat.comm,
    ...(uid === undefined ? {} : { uid }),
    ...(namespace === undefined ? {} : { namespace }),
    kernel: stat.kernel,
    ppid: stat.ppid,
  };
  looked.processes.push(process);
  if (namespace !== undefined && !looked.namespaces.has(namespace))
    looked.namespaces.set(namespace, readNamespace(directory, namespace, pid, stat.comm));
  // Threads of the kernel have no descriptors, and the machine's own root.
  if (stat.kernel) return;
  const seen = new Set<string>();
  for (const kind of ["cwd", "root", "exe"] as const) addLink(looked, process, kind, directory, undefined, seen);
  const threads = (namesIn(join(directory, "task")) ?? []).filter((tid) => tid !== String(pid));
  for (const tid of threads) {
    const thread = join(directory, "task", tid);
    const own = namespaceOf(thread);
    if (own !== undefined && !looked.namespaces.has(own))
      looked.namespaces.set(own, readNamespace(thread, own, pid, stat.comm));
    for (const kind of ["cwd", "root"] as const) addLink(looked, process, kind, thread, own, seen);
  }
  // A leader that has ended before its threads has no descriptors any more.
  const first = stat.state === "Z" && threads[0] !== undefined ? join(directory, "task", threads[0]) : directory;
  if (!lookAtDescriptors(first, process, looked)) looked.hidden += 1;
}

function addLink(
  looked: Looked,
  process: Process,
  kind: TaskLink["kind"],
  directory: string,
  thread: string | undefined,
  seen: Set<string>,
): void {
  const path = linkOf(join(directory, kind));
  const namespace = thread ?? process.namespace;
  const key = `${kind} ${namespace} ${path}`;
  if (path === undefined || seen.has(key)) return;
  seen.add(key);
  looked.links.push({ process, kind, path, ...(namespace === undefined ? {} : { namespace }) });
}

/** False where they may not be seen. */
function lookAtDescriptors(directory: string, process: Process, looked: Looked): boolean {
  let names: readonly string[];
  try {
    names = readdirSync(join(directory, "fd"));
  } catch {
    // It has ended meanwhile, or belongs to another user.
    return taskStat({ pid: process.pid, tid: process.pid, directory }) === undefined;
  }
  for (const name of names) {
    const path = linkOf(join(directory, "fd", name));
    if (path === undefined) continue;
    const watches =
      path === "anon_inode:inotify" ? "inotify" : path === "anon_inode:[fanotify]" ? "fanotify" : undefined;
    if (watches === undefined && !path.startsWith("/")) continue;
    if (looked.descriptors.length + looked.watchers.length >= MAX_DESCRIPTORS) {
      looked.more += 1;
      continue;
    }
    const info = contentOf(join(directory, "fdinfo", name));
    if (info === undefined) continue;
    if (watches !== undefined) looked.watchers.push({ process, fd: Number(name), kind: watches, ...watchedOf(info) });
    else looked.descriptors.push({ process, fd: Number(name), path, ...placeOf(info) });
  }
  return true;
}

function placeOf(info: string): Pick<Descriptor, "mount" | "flags"> {
  const flags = /^flags:\s+([0-7]+)$/m.exec(info)?.[1] ?? "0";
  return { mount: Number(/^mnt_id:\s+(\d+)$/m.exec(info)?.[1] ?? Number.NaN), flags: Number.parseInt(flags, 8) };
}

/** fs/notify/fdinfo.c: devices are there as the kernel keeps them, major << 20 | minor, in hexadecimal. */
function watchedOf(info: string): Pick<Watcher, "devices" | "mounts"> {
  const devices = [...info.matchAll(/\bsdev:([0-9a-f]+)/g)].map(([, hex = "0"]) => {
    const device = Number.parseInt(hex, 16);
    return `${Math.floor(device / 2 ** 20)}:${device % 2 ** 20}`;
  });
  const mounts = [...info.matchAll(/^fanotify mnt_id:([0-9a-f]+)/gm)].map(([, hex = "0"]) => Number.parseInt(hex, 16));
  return { devices: [...new Set(devices)], mounts };
}
