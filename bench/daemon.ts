import { groupBy, median, type Summary, summary, table, whole } from "./numbers.ts";
import type { DaemonResult, DaemonRound, Load } from "./request.ts";

/** The daemon may slow the workload by this share, or by less than what rounds without it differ by. */
export const slowLimit = 0.03;

export interface DaemonFigure {
  readonly load: Load;
  readonly set: DaemonRound["set"];
  /** Guest instructions per request, of everything in the guest. */
  readonly perRequest: Summary;
  /** Of the median, more than `off`. */
  readonly share: number;
  /** Of each round, to the round without the daemon right before it. */
  readonly shareOfRounds: Summary;
  /** What the processes used of the processor, as a share of the round; median of the rounds. */
  readonly userSide: readonly { readonly name: string; readonly share: number }[];
  /** States of the packet ring at the ends of the rounds. */
  readonly packets: readonly string[];
}

export interface DaemonFigures {
  readonly figures: readonly DaemonFigure[];
  /** (max - min) / median of the rounds without the daemon. */
  readonly spread: Readonly<Record<string, number>>;
  readonly losses: DaemonResult["losses"];
}

const perRequest = ({ elapsedNs, requests }: DaemonRound): number => elapsedNs / requests;

export function daemonFigures({ rounds, losses }: DaemonResult): DaemonFigures {
  const spread: Record<string, number> = {};
  const figures = [...groupBy(rounds, ({ load }) => load)].flatMap(([load, own]) => {
    const offRounds = own.filter(({ set }) => set === "off").map(perRequest);
    const off = summary(offRounds);
    spread[load] = (off.max - off.min) / off.median;
    return [...groupBy(own, ({ set }) => set)].map(([set, those]): DaemonFigure => {
      const times = those.map(perRequest);
      return {
        load,
        set,
        perRequest: summary(times),
        share: median(times) / off.median - 1,
        shareOfRounds: summary(times.map((time, i) => time / (offRounds[i] ?? Number.NaN) - 1)),
        userSide: userSide(those),
        packets: [...new Set(those.flatMap(({ packets = [] }) => packets))],
      };
    });
  });
  return { figures, spread, losses };
}

function userSide(rounds: readonly DaemonRound[]): DaemonFigure["userSide"] {
  const parts = rounds.flatMap(({ duty, elapsedNs }) =>
    (duty?.processes ?? []).map(({ name, ns }) => ({ name, share: ns / elapsedNs })),
  );
  return [...groupBy(parts, ({ name }) => name)]
    .map(([name, those]) => ({ name, share: median(those.map(({ share }) => share)) }))
    .sort((a, b) => b.share - a.share);
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

export function daemonText({ figures, spread, losses }: DaemonFigures): string {
  const head = ["load, set", "median/request", "min", "max", "more", "of the rounds, min", "max", "packet ring"];
  const rows = figures.map(({ load, set, perRequest: own, share, shareOfRounds, packets }) => [
    `${load}, ${set}`,
    ...[own.median, own.min, own.max].map(whole),
    percent(share),
    percent(shareOfRounds.min),
    percent(shareOfRounds.max),
    packets.join(", "),
  ]);
  const users = figures
    .filter(({ set }) => set !== "off")
    .map(
      ({ load, set, userSide: parts }) =>
        `${load}, ${set}: ${parts.map(({ name, share }) => `${name} ${percent(share)}`).join(", ")}`,
    );
  const spreads = Object.entries(spread).map(([load, share]) => `${load} ${percent(share)}`);
  const lost = Object.entries(losses).map(([kind, count]) => `${kind} ${count}`);
  return [
    table([head, ...rows]),
    "",
    "guest instructions per request, everything in the guest; of them in the daemon's processes:",
    ...users,
    `spread of off (max - min): ${spreads.join(", ")}; limit ${percent(slowLimit)} or the spread`,
    `losses of the probes: ${lost.length === 0 ? "none" : lost.join(", ")}`,
  ].join("\n");
}
