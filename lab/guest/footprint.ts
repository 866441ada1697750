import { readFileSync } from "node:fs";
import { pidsByComm } from "./proc.ts";

/** What one process takes now. */
export interface ProcessFootprint {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly rssKiB: number;
  readonly rssAnonKiB: number;
  /** CPU time, user and kernel, since its start, and that of its children that ended. */
  readonly cpuSeconds: number;
  readonly childCpuSeconds: number;
}

// CLK_TCK of every Linux that Node runs on.
const ticksPerSecond = 100;

/** A process and all that descend from it. */
export function footprintOf(root: number): ProcessFootprint[] {
  const all = pidsByComm(() => true).flatMap((pid) => footprint(pid) ?? []);
  const family = new Set([root]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

/** Undefined when the process is gone. Fields of /proc/PID/stat by their numbers in proc(5). */
function footprint(pid: number): ProcessFootprint | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const field = (number: number): number => Number(fields[number - 3]);
    const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
    return {
      pid,
      parent: field(4),
      name: stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")),
      rssKiB: kib("VmRSS"),
      rssAnonKiB: kib("RssAnon"),
      cpuSeconds: (field(14) + field(15)) / ticksPerSecond,
      childCpuSeconds: (field(16) + field(17)) / ticksPerSecond,
    };
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
