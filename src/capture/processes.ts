import { listTasks, type Task } from "../system/tasks.ts";
import type { Capture } from "./capture.ts";
import { captureProgram } from "./program-file.ts";

const MAX_TASKS = 16_384;

/**
 * Who runs and where each task sleeps. The list is made by the daemon itself, from files that never wait. Arguments can wait for a task that
 * hangs, so ps(1) reads them, which is killed when it does; secrets among them are taken out.
 */
export const processes: Capture = {
  name: "process-list",
  summary: "all tasks with their state and the kernel function that they sleep in; arguments of processes",
  phases: ["open", "close"],
  limitBytes: 4 * 1024 * 1024,
  async *collect(context) {
    const { tasks, more } = await listTasks(context.procRoot, MAX_TASKS, context.signal);
    context.lost("tasks.over-limit", more);
    const name = "tasks.ndjson";
    const source = `${context.procRoot}/PID/task/TID/{stat,wchan}`;
    if (tasks.length === 0) yield { name, source, status: "failed", reason: "no task is visible" };
    else yield { name, source, content: tasks.map((task) => `${JSON.stringify(lineOf(task))}\n`).join("") };
    const columns = "pid=PID,ppid=PPID,uid=UID,stat=STAT,etimes=SECONDS,rss=RSS,wchan:32=WCHAN,args=ARGS";
    const argv = ["ps", "-ww", "-e", "-o", columns] as const;
    yield await captureProgram(context, { name: "processes.txt", argv, limitBytes: 1024 * 1024 });
  },
};

function lineOf({ cpuTicks, startTicks, kernel, ...facts }: Task) {
  return { ...facts, cpu_ticks: cpuTicks, start_ticks: startTicks, ...(kernel ? { kernel } : {}) };
}
