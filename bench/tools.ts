import { type Summary, summary, table, whole } from "./numbers.ts";
import type { ToolRound, ToolTurn } from "./request.ts";

export interface ToolFigure {
  readonly contender: string;
  /** Guest ns per file: as many instructions of everything that the guest does, server and tool included. */
  readonly perFile: Summary;
  /** Median of the rounds, less that of the rounds around them with nothing attached. */
  readonly more: number;
  /** Each round against the median of the rounds around it with nothing attached. */
  readonly share: Summary;
}

export interface ToolFigures {
  /** Nothing attached, all rounds. */
  readonly off: Summary;
  /** What two neighbouring series with nothing attached differ by, as a share: less than this is not a difference. Worst of the turns. */
  readonly noise: number;
  readonly figures: readonly ToolFigure[];
  readonly failed: Readonly<Record<string, string>>;
}

export function toolFigures(turns: readonly ToolTurn[], files: number): ToolFigures {
  const perFile = (rounds: readonly ToolRound[]): number[] => rounds.map(({ elapsedNs }) => elapsedNs / files);
  const measured = turns.filter(({ failed }) => failed === undefined);
  const figures = measured.map(({ contender, before, attached, after }) => {
    const off = summary(perFile([...before, ...after])).median;
    const own = perFile(attached);
    const values = summary(own);
    return {
      contender,
      perFile: values,
      more: values.median - off,
      share: summary(own.map((value) => value / off - 1)),
    };
  });
  const drifts = measured.map(({ before, after }) =>
    Math.abs(summary(perFile(after)).median / summary(perFile(before)).median - 1),
  );
  return {
    off: summary(measured.flatMap(({ before, after }) => perFile([...before, ...after]))),
    noise: Math.max(...drifts),
    figures,
    failed: Object.fromEntries(turns.flatMap(({ contender, failed }) => (failed ? [[contender, failed]] : []))),
  };
}

/** 0.0123 -> "+1.2 %" */
export const percent = (share: number): string => `${share < 0 ? "-" : "+"}${Math.abs(100 * share).toFixed(1)} %`;

/** For the terminal. */
export function toolsText({ off, noise, figures, failed }: ToolFigures): string {
  const head = ["attached", "instructions/file", "more", "slower", "min", "max"];
  const rows = figures.map(({ contender, perFile, more, share }) => [
    contender,
    whole(perFile.median),
    whole(more),
    percent(share.median),
    percent(share.min),
    percent(share.max),
  ]);
  const not = Object.entries(failed).map(([name, why]) => `${name}: not measured: ${why}`);
  return [
    table([head, ["(nothing)", whole(off.median)], ...rows]),
    `neighbouring series with nothing attached differ by up to ${percent(noise)}`,
    ...not,
  ].join("\n");
}
