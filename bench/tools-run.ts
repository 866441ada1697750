import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureKernel } from "../lab/cache.ts";
import { kernelLine } from "../lab/kernels.ts";
import { cacheRoot, repoRoot } from "../lab/paths.ts";
import { AodError } from "../src/system/error.ts";
import { contenders, type WorkloadName } from "./contenders.ts";
import { say, tryInGuest } from "./guest.ts";
import { ensureHeaders } from "./headers.ts";
import { requirePrograms } from "./programs.ts";
import type { ToolTurn } from "./request.ts";
import { type ProductState, productState } from "./results.ts";

const bootLimitMs = 1_500_000;
const bootsWithoutResult = 2;

export interface ToolsAsked {
  readonly kernel: string;
  readonly workload: WorkloadName;
  /** All of the workload when empty. */
  readonly contenders: readonly string[];
  readonly rounds: number;
  readonly files: number;
}

/** All turns of a workload on a kernel. */
export interface WorkloadTurns extends ProductState {
  readonly release: string;
  readonly date: string;
  readonly rounds: number;
  readonly files: number;
  readonly turns: readonly ToolTurn[];
}

/**
 * Boots as often as it takes: a contender with which the guest did not come to its end has failed, and the next boot does the rest. What is
 * done is kept below build/ and is not done again for the same commit; changed files are not told apart.
 */
export async function measureTools(asked: ToolsAsked): Promise<WorkloadTurns> {
  const { kernel: line, workload, rounds, files } = asked;
  const fit = contenders.filter(({ workloads }) => workloads.includes(workload));
  const chosen = fit.filter(({ name }) => asked.contenders.length === 0 || asked.contenders.includes(name));
  requirePrograms(chosen.flatMap(({ needs }) => needs ?? []));
  const kernel = await ensureKernel(cacheRoot(process.env), kernelLine(line), say);
  const needsHeaders = chosen.some(({ needs }) => needs === "nfsslower-bpfcc");
  const env = needsHeaders ? { AOD_BENCH_KERNEL_SOURCE: await ensureHeaders(kernel, say) } : {};
  const state = await productState();
  const kept = new Kept(`tools-${line}-${workload}`, JSON.stringify({ ...state, rounds, files }));
  let fruitless = 0;
  for (;;) {
    const done = new Set(kept.turns.map(({ contender }) => contender));
    const rest = chosen.map(({ name }) => name).filter((name) => !done.has(name));
    if (rest.length === 0) break;
    const request = { kind: "tools", workload, contenders: rest, rounds, files } as const;
    const options = { icount: true, idleWaits: true, timeLimitMs: bootLimitMs, env };
    const { out, failure } = await tryInGuest(line, request, options);
    const turns = read<ToolTurn[]>(join(out, "turns.json")) ?? [];
    kept.add(turns);
    if (failure === undefined) continue;
    say(failure);
    fruitless = turns.length === 0 ? fruitless + 1 : 0;
    const underway = read<string>(join(out, "underway.json"));
    if (underway !== undefined && !turns.some(({ contender }) => contender === underway)) {
      const why = failure.replace(/\s+/g, " ").slice(0, 200);
      kept.add([{ contender: underway, before: [], attached: [], after: [], startNs: 0, failed: why }]);
    } else if (fruitless === bootsWithoutResult) throw new AodError("failed", failure);
  }
  const names = chosen.map(({ name }) => name);
  const turns = kept.turns.filter(({ contender }) => names.includes(contender));
  const order = (turn: ToolTurn): number => names.indexOf(turn.contender);
  return {
    ...state,
    release: kernel.release,
    date: new Date().toISOString(),
    rounds,
    files,
    turns: turns.toSorted((a, b) => order(a) - order(b)),
  };
}

/** Turns of an earlier, interrupted run of the same state with the same numbers. */
class Kept {
  readonly #path: string;
  readonly #key: string;
  #turns: ToolTurn[];

  constructor(name: string, key: string) {
    this.#path = join(repoRoot, "build", "bench", `${name}.json`);
    this.#key = key;
    const before = read<{ key: string; turns: ToolTurn[] }>(this.#path);
    this.#turns = before?.key === key ? before.turns : [];
    if (this.#turns.length > 0) say(`kept from before: ${this.#turns.map(({ contender }) => contender).join(", ")}`);
  }

  get turns(): readonly ToolTurn[] {
    return this.#turns;
  }

  add(turns: readonly ToolTurn[]): void {
    this.#turns.push(...turns);
    mkdirSync(join(repoRoot, "build", "bench"), { recursive: true });
    writeFileSync(this.#path, JSON.stringify({ key: this.#key, turns: this.#turns }));
  }
}

export function forgetKept(kernel: string, workload: WorkloadName): void {
  rmSync(join(repoRoot, "build", "bench", `tools-${kernel}-${workload}.json`), { force: true });
}

function read<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : undefined;
}
