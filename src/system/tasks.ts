import { statSync } from "node:fs";
import {
  eachTask,
  eachTaskStat,
  type TaskPlace,
  type TaskStat,
  taskComm,
  taskWaitsIn,
  taskWchan,
} from "./task-files.ts";

/** A task as /proc/PID/task/TID/{stat,wchan} show it. */
export interface Task extends TaskStat {
  readonly pid: number;
  readonly tid: number;
  /** The kernel function that it sleeps in. */
  readonly wchan?: string;
  /** Owner of the process. */
  readonly uid?: number;
}

export interface TaskList {
  readonly tasks: readonly Task[];
  /** Not looked at, for the limit. */
  readonly more: number;
}

/** All tasks, at most `limit`. What ends meanwhile is left out. */
export async function listTasks(procRoot: string, limit: number, signal?: AbortSignal): Promise<TaskList> {
  const tasks: Task[] = [];
  let more = 0;
  let owner: { readonly pid: number; readonly uid: number | undefined } | undefined;
  const look = (place: TaskPlace, stat: TaskStat): void => {
    if (tasks.length >= limit) {
      more += 1;
      return;
    }
    const { pid, tid } = place;
    if (owner?.pid !== pid) owner = { pid, uid: ownerOf(`${procRoot}/${pid}`) };
    const { uid } = owner;
    const wchan = taskWchan(place);
    const sleeps = wchan === undefined ? {} : { wchan };
    tasks.push({ pid, tid, ...stat, ...sleeps, ...(uid === undefined ? {} : { uid }) });
  };
  await eachTaskStat(procRoot, look, signal);
  return { tasks, more };
}

/** A task in uninterruptible sleep; the kernel's killable sleep is one. */
export interface SleepingHard extends TaskPlace {
  readonly comm: string;
}

/** All tasks in state D. */
export async function tasksSleepingHard(procRoot: string, signal?: AbortSignal): Promise<readonly SleepingHard[]> {
  const found: SleepingHard[] = [];
  const look = (place: TaskPlace, { state, comm }: TaskStat): void => {
    if (state === "D") found.push({ ...place, comm });
  };
  await eachTaskStat(procRoot, look, signal);
  return found;
}

/** A task and the kernel function that it sleeps in. */
export interface SleepingTask {
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly wchan: string;
}

/** Every task that sleeps in one of the functions, interruptibly or not. */
export async function tasksSleepingIn(
  functions: ReadonlySet<string>,
  procRoot = "/proc",
): Promise<readonly SleepingTask[]> {
  const found: SleepingTask[] = [];
  const look = (place: TaskPlace): void => {
    const wchan = taskWaitsIn(place);
    if (wchan === undefined || !functions.has(wchan)) return;
    found.push({ pid: place.pid, tid: place.tid, comm: taskComm(place) ?? "", wchan });
  };
  await eachTask(procRoot, look);
  return found;
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    // The process has ended.
    return undefined;
  }
}
