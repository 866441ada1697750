import { readdirSync, readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";

// Of the files of a task only those are read here that take no lock which a sleeping task may hold (docs/architecture.md, rule 1).

export interface TaskPlace {
  readonly pid: number;
  readonly tid: number;
  /** /proc/PID/task/TID */
  readonly directory: string;
}

const TASKS_AT_ONCE = 128;

/** Every task, threads included; gives other work a turn every 128 tasks. */
export async function eachTask(
  procRoot: string,
  visit: (task: TaskPlace) => void,
  signal?: AbortSignal,
): Promise<void> {
  let seen = 0;
  for (const pid of numbersIn(procRoot)) {
    for (const tid of numbersIn(`${procRoot}/${pid}/task`)) {
      signal?.throwIfAborted();
      visit({ pid, tid, directory: `${procRoot}/${pid}/task/${tid}` });
      if (++seen % TASKS_AT_ONCE === 0) await setImmediate();
    }
  }
}

/** Every task with its stat. Most processes have one thread, and say so there: their directory of threads is not read, which halves the work. */
export async function eachTaskStat(
  procRoot: string,
  visit: (task: TaskPlace, stat: TaskStat) => void,
  signal?: AbortSignal,
): Promise<void> {
  let seen = 0;
  for (const pid of numbersIn(procRoot)) {
    const threads = `${procRoot}/${pid}/task`;
    const look = (tid: number): TaskStat | undefined => {
      signal?.throwIfAborted();
      const place = { pid, tid, directory: `${threads}/${tid}` };
      const stat = taskStat(place);
      if (stat !== undefined) visit(place, stat);
      return stat;
    };
    if (look(pid)?.threads !== 1) for (const tid of numbersIn(threads)) if (tid !== pid) look(tid);
    if (++seen % TASKS_AT_ONCE === 0) await setImmediate();
  }
}

/** What a task's `stat` says. */
export interface TaskStat {
  readonly ppid: number;
  readonly comm: string;
  /** `R`, `S`, `D`, ... */
  readonly state: string;
  /** User and system time in USER_HZ ticks. */
  readonly cpuTicks: number;
  /** Ticks since boot. */
  readonly startTicks: number;
  /** No memory of its own: a thread of the kernel. */
  readonly kernel: boolean;
  /** Of its process; 0 where that is not told. */
  readonly threads: number;
}

const PF_KTHREAD = 0x0020_0000;

/** Undefined when the task has ended. */
export function taskStat({ directory }: TaskPlace): TaskStat | undefined {
  return parseTaskStat(textIn(`${directory}/stat`) ?? "");
}

/** proc_pid_stat(5). The name, field 2, may hold blanks and parentheses: what follows is counted from its end. */
export function parseTaskStat(text: string): TaskStat | undefined {
  const [begin, end] = [text.indexOf(" (") + 2, text.lastIndexOf(") ")];
  const state = text[end + 2] ?? " ";
  if (begin < 2 || end < begin || state.trim() === "") return undefined;
  // Up to field 22.
  const fields = text
    .slice(end + 4)
    .trimEnd()
    .split(" ", 19);
  const field = (number: number): number => Number(fields[number - 4]) || 0;
  return {
    ppid: field(4),
    comm: text.slice(begin, end),
    state,
    cpuTicks: field(14) + field(15),
    startTicks: field(22),
    // Bits beyond 2^31 do not matter here.
    kernel: (field(9) & PF_KTHREAD) !== 0,
    threads: field(20),
  };
}

/** The function that a task sleeps in, as the kernel says it; undefined when that is not told. */
export function taskWchan({ directory }: TaskPlace): string | undefined {
  const name = textIn(`${directory}/wchan`);
  return name === undefined || name === "" || name === "0" ? undefined : name;
}

/** The same without what a compiler that split the function appended: `.part.0` or the like. */
export function taskWaitsIn(task: TaskPlace): string | undefined {
  return taskWchan(task)?.split(".", 1)[0];
}

/** A task's name; undefined when it has ended. */
export function taskComm({ directory }: TaskPlace): string | undefined {
  return textIn(`${directory}/comm`)?.replace(/\n$/, "");
}

/** How long it has run, and how often: the same at two looks when it has slept all the time. Undefined where the kernel does not tell. */
export function taskRan({ directory }: TaskPlace): string | undefined {
  return textIn(`${directory}/schedstat`);
}

/** Real user id. */
export function taskUid({ directory }: TaskPlace): number | undefined {
  const uid = /^Uid:\s+(\d+)/m.exec(textIn(`${directory}/status`) ?? "")?.[1];
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
    // The task has ended, or may not be looked at.
    return undefined;
  }
}
