import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../lab/guest/lab.ts";
import type { Duty } from "../request.ts";

const groups = "/run/bench-cgroup";
let mounted = false;

/** Processor time of everything that a daemon consists of, also of programs that have ended. */
export interface DutyMeter {
  /** ns since the meter was made. With counted instructions: one each. */
  read(): Duty;
}

/** Puts a process and all that it has started into a control group of its own: what they start from now on is in it too. */
export async function meterOf(lab: Lab, pid: number, name: string): Promise<DutyMeter> {
  if (!mounted) {
    mkdirSync(groups, { recursive: true });
    await lab.run(["mount", "-t", "cgroup2", "none", groups]);
    mounted = true;
  }
  const group = join(groups, name);
  mkdirSync(group);
  for (const one of descendantsOf(pid)) writeFileSync(join(group, "cgroup.procs"), String(one));
  const members = (): number[] =>
    readFileSync(join(group, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  return {
    read: () => {
      const usec = /^usage_usec (\d+)$/m.exec(readFileSync(join(group, "cpu.stat"), "utf8"))?.[1];
      const processes = members().flatMap((member) => {
        const ns = runtimeNs(member);
        return ns === undefined ? [] : [{ pid: member, name: nameOf(member), ns }];
      });
      return { totalNs: Number(usec) * 1000, processes };
    },
  };
}

/** What was used between two readings: in all, of the processes that lived through it, and of the rest. */
export function dutyBetween(before: Duty, after: Duty): Duty {
  const totalNs = after.totalNs - before.totalNs;
  const lived = after.processes.flatMap(({ pid, name, ns }) => {
    const was = before.processes.find((one) => one.pid === pid);
    return was === undefined ? [] : [{ pid, name, ns: ns - was.ns }];
  });
  const rest = totalNs - lived.reduce((sum, { ns }) => sum + ns, 0);
  return { totalNs, processes: [...lived, { pid: 0, name: "programs that it started", ns: rest }] };
}

function descendantsOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    const stat = textOf(`/proc/${name}/stat`);
    if (stat !== undefined) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const found = [root];
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found;
}

/** Of all its threads: the first number of schedstat (Documentation/scheduler/sched-stats.rst). */
function runtimeNs(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, tid) => {
      const text = textOf(`/proc/${pid}/task/${tid}/schedstat`) ?? "0";
      return sum + Number(text.split(" ")[0]);
    }, 0);
  } catch {
    // It has ended.
    return undefined;
  }
}

/** aod-probe says by its arguments which probe it is. */
export function nameOf(pid: number): string {
  const words = (textOf(`/proc/${pid}/cmdline`) ?? "").split("\0");
  const comm = (textOf(`/proc/${pid}/comm`) ?? "").trim();
  const probe = words[words.indexOf("--probe") + 1];
  if (comm !== "aod-probe") return comm;
  return words.includes("--notify") ? "aod-probe --notify" : `aod-probe ${probe ?? ""}`.trim();
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has ended.
    return undefined;
  }
}
