import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

/** A task as /proc/PID/task/TID/{stat,wchan} show it: nothing of this takes a lock that a sleeping task may hold. */
export interface Task {
  readonly pid: number;
  readonly tid: number;
  readonly ppid: number;
  readonly comm: string;
  /** `R`, `S`, `D`, ... */
  readonly state: string;
  /** The kernel function that it sleeps in. */
  readonly wchan?: string;
  /** Owner of the process. */
  readonly uid?: number;
  /** User and system time in USER_HZ ticks. */
  readonly cpuTicks: number;
  /** Ticks since boot. */
  readonly startTicks: number;
  /** No memory of its own: a thread of the kernel. */
  readonly kernel: boolean;
}

export interface TaskList {
  readonly tasks: readonly Task[];
  /** Not looked at, for the limit. */
  readonly more: number;
}

const TASKS_AT_ONCE = 128;

/** All tasks, threads included, at most `limit`; gives other work a turn. What ends meanwhile is left out. */
export async function listTasks(procRoot: string, limit: number, signal?: AbortSignal): Promise<TaskList> {
  const tasks: Task[] = [];
  let more = 0;
  let seen = 0;
  for (const pid of numbersIn(procRoot)) {
    const uid = ownerOf(join(procRoot, pid));
    for (const tid of numbersIn(join(procRoot, pid, "task"))) {
      if (++seen % TASKS_AT_ONCE === 0) await setImmediate();
      signal?.throwIfAborted();
      if (tasks.length >= limit) {
        more += 1;
        continue;
      }
      const directory = join(procRoot, pid, "task", tid);
      const task = parseTask(Number(pid), textIn(join(directory, "stat")));
      if (task === undefined) continue;
      const wchan = textIn(join(directory, "wchan"));
      const sleeps = wchan !== undefined && wchan !== "" && wchan !== "0" ? { wchan } : {};
      tasks.push({ ...task, ...sleeps, ...(uid === undefined ? {} : { uid }) });
    }
  }
  return { tasks, more };
}

const PF_KTHREAD = 0x0020_0000;

/** proc_pid_stat(5). The name, field 2, may hold blanks and parentheses: what follows is counted from its end. */
function parseTask(pid: number, text: string | undefined): Omit<Task, "wchan" | "uid"> | undefined {
  const open = text?.indexOf("(") ?? -1;
  const close = text?.lastIndexOf(")") ?? -1;
  if (text === undefined || open < 0 || close < open) return undefined;
  const [state = "?", ...rest] = text.slice(close + 2).split(" ");
  const field = (number: number): number => Number(rest[number - 4]) || 0;
  return {
    pid,
    tid: Number(text.slice(0, open)) || pid,
    ppid: field(4),
    comm: text.slice(open + 1, close),
    state,
    cpuTicks: field(14) + field(15),
    startTicks: field(22),
    // Bits beyond 2^31 do not matter here.
    kernel: (field(9) & PF_KTHREAD) !== 0,
  };
}

function numbersIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => /^\d+$/.test(name));
  } catch {
    // The process has ended.
    return [];
  }
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // The task has ended, or may not be looked at.
    return undefined;
  }
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}
