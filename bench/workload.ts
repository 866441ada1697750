import { groupBy, type Summary, summary, table, whole } from "./numbers.ts";
import type { Round, RoundsResult, SetName } from "./request.ts";

export interface SetTime {
  readonly set: SetName;
  /** Guest ns per request: as many instructions of everything that the guest does, the server included. */
  readonly perRequest: Summary;
  /** Difference of the medians to `off`: per request, and as a share. */
  readonly more: number;
  readonly share: number;
  /** The same for each round against the `off` of its turn. */
  readonly shareOfRounds: Summary;
  readonly idleShare: number;
}

export interface WorkloadFigures {
  readonly sets: readonly SetTime[];
  /** Spread of `off`: (max - min) / median. */
  readonly spread: number;
}

const perRequest = ({ elapsedNs, requests }: Round): number => elapsedNs / requests;

export function workloadFigures({ rounds }: RoundsResult): WorkloadFigures {
  const bySet = groupBy(rounds, ({ set }) => set);
  const offRounds = (bySet.get("off") ?? []).map(perRequest);
  const off = summary(offRounds);
  const sets = [...bySet].map(([set, own]) => {
    const times = own.map(perRequest);
    const shares = times.map((time, i) => time / (offRounds[i] ?? Number.NaN) - 1);
    const own_ = summary(times);
    return {
      set,
      perRequest: own_,
      more: own_.median - off.median,
      share: own_.median / off.median - 1,
      shareOfRounds: summary(shares),
      idleShare: Math.max(...own.map(({ idleNs, elapsedNs }) => idleNs / elapsedNs)),
    };
  });
  return { sets, spread: (off.max - off.min) / off.median };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

export function workloadText(figures: WorkloadFigures): string {
  const head = ["set", "median/request", "min", "max", "more than off", "", "per round, min", "max", "idle at most"];
  const rows = figures.sets.map(({ set, perRequest, more, share, shareOfRounds, idleShare }) => [
    set,
    whole(perRequest.median),
    whole(perRequest.min),
    whole(perRequest.max),
    whole(more),
    percent(share),
    percent(shareOfRounds.min),
    percent(shareOfRounds.max),
    percent(idleShare),
  ]);
  return [
    table([head, ...rows]),
    "",
    `guest instructions per request, everything in the guest; spread of off (max - min): ${percent(figures.spread)}`,
  ].join("\n");
}
