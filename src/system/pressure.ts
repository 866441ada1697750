// How busy the machine is: Documentation/accounting/psi.rst, proc_stat(5), proc_meminfo(5).

/** Counters as they stand; what a kernel does not tell is absent. */
export interface PressureCounters {
  /** USER_HZ ticks of all CPUs together. */
  readonly cpu?: { readonly busy: number; readonly iowait: number; readonly total: number };
  readonly tasksBlocked?: number;
  /** KiB by the kernel's names. */
  readonly memory: ReadonlyMap<string, number>;
  /** µs in which some, in which all tasks waited: `cpu some`, `io full`, ... */
  readonly stalled: ReadonlyMap<string, number>;
}

const wanted: ReadonlySet<string> = new Set(["MemTotal", "MemAvailable", "Dirty", "Writeback"]);

/** Texts of /proc/stat, /proc/meminfo and /proc/pressure/{cpu,memory,io}; undefined: there is none. Never throws. */
export function parsePressureCounters(texts: {
  readonly stat: string | undefined;
  readonly meminfo: string | undefined;
  readonly pressure: Readonly<Record<string, string | undefined>>;
}): PressureCounters {
  const memory = new Map<string, number>();
  for (const [, name = "", value] of (texts.meminfo ?? "").matchAll(/^(\w+):\s+(\d+)/gm)) {
    if (wanted.has(name)) memory.set(name, Number(value));
  }
  const stalled = new Map<string, number>();
  for (const [resource, text = ""] of Object.entries(texts.pressure)) {
    for (const [, kind, total] of text.matchAll(/^(some|full) .*\btotal=(\d+)/gm)) {
      stalled.set(`${resource} ${kind}`, Number(total));
    }
  }
  const blocked = /^procs_blocked (\d+)/m.exec(texts.stat ?? "")?.[1];
  const cpu = cpuOf(texts.stat ?? "");
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(blocked === undefined ? {} : { tasksBlocked: Number(blocked) }),
    memory,
    stalled,
  };
}

function cpuOf(stat: string): PressureCounters["cpu"] {
  const [, numbers] = /^cpu\s+([\d ]+)/m.exec(stat) ?? [];
  if (numbers === undefined) return undefined;
  // user nice system idle iowait irq softirq steal; guest is in user.
  const ticks = numbers.trim().split(/\s+/).slice(0, 8).map(Number);
  const total = ticks.reduce((sum, one) => sum + one, 0);
  const [, , , idle = 0, iowait = 0] = ticks;
  return { busy: total - idle - iowait, iowait, total };
}
