import { groupBy, type Summary, summary, table, whole } from "./numbers.ts";
import type { ToolsResult } from "./request.ts";

export interface ToolFigure {
  readonly contender: string;
  /** Guest ns per file: as many instructions of everything that the guest does, server and tool included. */
  readonly perFile: Summary;
  /** Median of the rounds, each against the `off` of its turn. */
  readonly share: number;
  readonly shareOfRounds: Summary;
}

export function toolFigures({ rounds }: ToolsResult): readonly ToolFigure[] {
  const byContender = groupBy(rounds, ({ contender }) => contender);
  const perFile = (contender: string): number[] =>
    (byContender.get(contender) ?? []).map(({ elapsedNs, files }) => elapsedNs / files);
  const off = perFile("off");
  return [...byContender.keys()].map((contender) => {
    const own = perFile(contender);
    const shares = summary(own.map((value, i) => value / (off[i] ?? Number.NaN) - 1));
    return { contender, perFile: summary(own), share: shares.median, shareOfRounds: shares };
  });
}

const percent = (share: number): string => `${share < 0 ? "-" : "+"}${Math.abs(100 * share).toFixed(1)} %`;

export function toolsText(figures: readonly ToolFigure[], { failed }: ToolsResult): string {
  const head = ["attached", "instructions/file", "more than off", "min", "max"];
  const rows = figures.map(({ contender, perFile, share, shareOfRounds }) =>
    contender === "off"
      ? [contender, whole(perFile.median), "", `(spread ${percent((perFile.max - perFile.min) / perFile.median)})`, ""]
      : [contender, whole(perFile.median), percent(share), percent(shareOfRounds.min), percent(shareOfRounds.max)],
  );
  const not = Object.entries(failed).map(([name, why]) => `${name}: not measured: ${why}`);
  return [table([head, ...rows]), ...not].join("\n");
}
