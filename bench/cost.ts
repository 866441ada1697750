import { groupBy, median, type Summary, sum, summary, table, whole } from "./numbers.ts";
import type { ProgramCost, Round, RoundsResult, SetName } from "./request.ts";
import { workloadFigures } from "./workload.ts";

/** Limits of the cost of `ours`: a share of `hash`, and guest instructions per request on 6.12. */
export const limits = { ofHash: 0.45, instructions: 1600 } as const;

export interface SetCost {
  readonly set: SetName;
  /** Guest instructions per request, with the statistics' own. */
  readonly instructions: Summary;
  readonly runsPerRequest: number;
  /** Without what an empty program shows for each run: the statistics' own cost. */
  readonly net: number;
  /** What the whole guest executes more than with nothing attached, statistics off: what they leave out, the trampolines, is in it. */
  readonly whole: number;
  readonly recursionMisses: number;
  /** Per program: runs per request, and instructions per run. Of the last round. */
  readonly programs: readonly { readonly name: string; readonly runs: number; readonly each: number }[];
}

export interface CostFigures {
  readonly sets: readonly SetCost[];
  /** ours / hash */
  readonly ofHash: number;
  /** Rounds in which ours did not count exactly what /proc/fs/cifs/Stats counted. */
  readonly miscounted: number;
}

const nsOf = (programs: readonly ProgramCost[]): number => sum(programs.map(({ ns }) => ns));
const runsOf = (programs: readonly ProgramCost[]): number => sum(programs.map(({ runs }) => runs));

export function costFigures(result: RoundsResult): CostFigures {
  const rounds = result.rounds.filter(({ set, statistics }) => statistics && set !== "off");
  const times = workloadFigures({ ...result, rounds: result.rounds.filter(({ statistics }) => !statistics) }).sets;
  const empty = rounds.filter(({ set }) => set === "empty");
  const emptyRun = median(empty.map(({ programs }) => nsOf(programs) / runsOf(programs)));
  const sets = [...groupBy(rounds, ({ set }) => set)].map(([set, own]) =>
    setCost(set, own, emptyRun, times.find((time) => time.set === set)?.more ?? Number.NaN),
  );
  const of = (name: SetName): number => sets.find(({ set }) => set === name)?.instructions.median ?? Number.NaN;
  return {
    sets,
    ofHash: of("ours") / of("hash"),
    miscounted: rounds.filter(({ counted, requests }) => counted !== undefined && counted !== requests).length,
  };
}

function setCost(set: SetName, rounds: readonly Round[], emptyRun: number, whole: number): SetCost {
  const instructions = summary(rounds.map(({ programs, requests }) => nsOf(programs) / requests));
  const runsPerRequest = median(rounds.map(({ programs, requests }) => runsOf(programs) / requests));
  const last = rounds.at(-1);
  return {
    set,
    instructions,
    runsPerRequest,
    net: instructions.median - runsPerRequest * emptyRun,
    whole,
    recursionMisses: sum(rounds.flatMap(({ programs }) => programs.map((program) => program.recursionMisses))),
    programs: (last?.programs ?? []).map(({ name, runs, ns }) => ({
      name,
      runs: runs / (last?.requests ?? Number.NaN),
      each: ns / runs,
    })),
  };
}

export function costText(figures: CostFigures): string {
  const head = ["set", "instructions/request", "min", "max", "runs/request", "net of statistics", "whole guest"];
  const rows = figures.sets.map(({ set, instructions, runsPerRequest, net, whole: more }) => [
    set,
    whole(instructions.median),
    whole(instructions.min),
    whole(instructions.max),
    runsPerRequest.toFixed(2),
    whole(net),
    whole(more),
  ]);
  const programs = figures.sets
    .filter(({ set }) => set === "ours")
    .flatMap((set) => set.programs)
    .map(({ name, runs, each }) => [name, whole(each), runs.toFixed(2), whole(each * runs)]);
  return [
    table([head, ...rows]),
    "",
    table([["ours", "instructions/run", "runs/request", "instructions/request"], ...programs]),
    "",
    `ours / hash: ${figures.ofHash.toFixed(3)} (limit ${limits.ofHash})`,
    figures.miscounted === 0
      ? "ours counted exactly the requests of /proc/fs/cifs/Stats in every round"
      : `ours counted other numbers than /proc/fs/cifs/Stats in ${figures.miscounted} rounds`,
  ].join("\n");
}
