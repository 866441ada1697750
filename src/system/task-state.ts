import { readdirSync, readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { hasCode } from "./proc.ts";

/** A task in uninterruptible sleep; the kernel's killable sleep is one. */
export interface SleepingHard {
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
}

const TASKS_AT_ONCE = 128;

export interface TaskScan {
  readonly tasks: readonly SleepingHard[];
  /** Tasks that were looked at. */
  readonly seen: number;
}

/**
 * All tasks in state D. Reads /proc/PID/task/TID/stat, which waits for no lock that a sleeping task may hold; gives other work a turn every 128 tasks. A
 * task that ends meanwhile is left out.
 */
export async function tasksSleepingHard(procRoot: string, signal?: AbortSignal): Promise<TaskScan> {
  const tasks: SleepingHard[] = [];
  let seen = 0;
  for (const pid of numbersIn(procRoot)) {
    for (const tid of numbersIn(`${procRoot}/${pid}/task`)) {
      const stat = parseStat(textIn(`${procRoot}/${pid}/task/${tid}/stat`) ?? "");
      if (stat?.state === "D") tasks.push({ pid, tid, comm: stat.comm });
      if (++seen % TASKS_AT_ONCE === 0) {
        signal?.throwIfAborted();
        await setImmediate();
      }
    }
  }
  return { tasks, seen };
}

/** `TID (COMM) STATE ...`; the name may hold brackets and blanks. */
export function parseStat(text: string): { readonly comm: string; readonly state: string } | undefined {
  const [, comm, state] = /^\d+ \((.*)\) (\S)(?: |$)/s.exec(text.trimEnd()) ?? [];
  return comm === undefined || state === undefined ? undefined : { comm, state };
}

export interface StackFrame {
  readonly function: string;
  /** Absent for what is not in a module. */
  readonly module?: string;
}

/** `[<0>] function+0x12/0x34 [module]`, innermost first. Lines that are none are left out. */
export function parseStack(text: string): readonly StackFrame[] {
  return text.split("\n").flatMap((line) => {
    const [, name, module] = /^\[<[0-9a-f]+>\] ([^\s+]+)(?:\+\S+)?(?: \[([^\]]+)\])?$/.exec(line.trim()) ?? [];
    if (name === undefined) return [];
    return [{ function: name, ...(module === undefined ? {} : { module }) }];
  });
}

/** The kernel stack of a task; `refused`: it may not be read. Undefined when the task has ended. */
export function taskStack(procRoot: string, pid: number, tid: number): readonly StackFrame[] | "refused" | undefined {
  try {
    return parseStack(readFileSync(`${procRoot}/${pid}/task/${tid}/stack`, "utf8"));
  } catch (error) {
    // ENOENT also: a kernel without CONFIG_STACKTRACE.
    return hasCode(error, "EPERM", "EACCES", "ENOENT") ? "refused" : undefined;
  }
}

/** The function that a task sleeps in, without what a compiler appended; undefined when that is not told. */
export function taskWchan(procRoot: string, pid: number, tid: number): string | undefined {
  const name = textIn(`${procRoot}/${pid}/task/${tid}/wchan`)?.split(".", 1)[0];
  return name === undefined || name === "" || name === "0" ? undefined : name;
}

/** Real user id. */
export function taskUid(procRoot: string, pid: number, tid: number): number | undefined {
  const uid = /^Uid:\s+(\d+)/m.exec(textIn(`${procRoot}/${pid}/task/${tid}/status`) ?? "")?.[1];
  return uid === undefined ? undefined : Number(uid);
}

function numbersIn(directory: string): readonly number[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    // The process has ended.
    return [];
  }
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The task has ended.
    return undefined;
  }
}
