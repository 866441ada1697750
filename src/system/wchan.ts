import { readdirSync, readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";

/** A task and the kernel function that it sleeps in. */
export interface SleepingTask {
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly wchan: string;
}

const TASKS_AT_ONCE = 256;

/**
 * Every task that sleeps in one of the functions. Reads /proc/PID/task/TID/wchan and comm, which take no lock that a sleeping task may
 * hold; gives other work a turn every 256 tasks. A task that ends meanwhile is left out.
 */
export async function tasksSleepingIn(
  functions: ReadonlySet<string>,
  procRoot = "/proc",
): Promise<readonly SleepingTask[]> {
  const found: SleepingTask[] = [];
  let seen = 0;
  for (const pid of numbersIn(procRoot)) {
    for (const tid of numbersIn(`${procRoot}/${pid}/task`)) {
      const directory = `${procRoot}/${pid}/task/${tid}`;
      // A function that the compiler split shows as name.part.0 or the like.
      const wchan = textIn(`${directory}/wchan`)?.split(".", 1)[0];
      if (wchan !== undefined && functions.has(wchan)) {
        found.push({ pid, tid, comm: taskComm(pid, tid, procRoot) ?? "", wchan });
      }
      if (++seen % TASKS_AT_ONCE === 0) await setImmediate();
    }
  }
  return found;
}

/** A task's name; undefined when it has ended. */
export function taskComm(pid: number, tid: number, procRoot = "/proc"): string | undefined {
  return textIn(`${procRoot}/${pid}/task/${tid}/comm`)?.replace(/\n$/, "");
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
