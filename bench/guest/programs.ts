import type { Lab } from "../../lab/guest/lab.ts";
import type { ProgramCost } from "../request.ts";

interface Shown {
  readonly id: number;
  readonly name?: string;
  readonly run_time_ns?: number;
  readonly run_cnt?: number;
  readonly recursion_misses?: number;
}

// The clock of a guest with counted instructions leaps while it waits for the host.
const timeoutMs = 3_600_000;

async function shown(lab: Lab): Promise<readonly Shown[]> {
  const { stdout } = await lab.run(["bpftool", "-j", "prog", "show"], { timeoutMs });
  return JSON.parse(stdout) as Shown[];
}

/** Ids of all BPF programs that are loaded. */
export async function programIds(lab: Lab): Promise<ReadonlySet<number>> {
  return new Set((await shown(lab)).map(({ id }) => id));
}

export type Snapshot = ReadonlyMap<number, ProgramCost>;

/** What the kernel's statistics say of all programs but those in `others`. */
export async function programCosts(lab: Lab, others: ReadonlySet<number>): Promise<Snapshot> {
  const programs = (await shown(lab)).filter(({ id }) => !others.has(id));
  return new Map(
    programs.map((program) => [
      program.id,
      {
        name: program.name ?? String(program.id),
        runs: program.run_cnt ?? 0,
        ns: program.run_time_ns ?? 0,
        recursionMisses: program.recursion_misses ?? 0,
      },
    ]),
  );
}

/** The differences, of programs that ran. */
export function costsBetween(before: Snapshot, after: Snapshot): ProgramCost[] {
  return [...after]
    .map(([id, { name, runs, ns, recursionMisses }]) => {
      const was = before.get(id);
      return {
        name,
        runs: runs - (was?.runs ?? 0),
        ns: ns - (was?.ns ?? 0),
        recursionMisses: recursionMisses - (was?.recursionMisses ?? 0),
      };
    })
    .filter(({ runs, recursionMisses }) => runs > 0 || recursionMisses > 0);
}
