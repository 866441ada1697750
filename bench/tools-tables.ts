import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../lab/paths.ts";
import { AodError } from "../src/system/error.ts";
import { contenders, isOurs, type WorkloadName } from "./contenders.ts";
import { whole } from "./numbers.ts";
import { type Stored, stored } from "./results.ts";
import { percent, type ToolFigure, toolFigures } from "./tools.ts";
import type { WorkloadTurns } from "./tools-run.ts";

/** bench/results/tools-KERNEL.json: workloads are measured, and replaced, one by one. */
export type ToolsStored = Stored<Readonly<Partial<Record<WorkloadName, WorkloadTurns>>>>;

/** Kernels whose results are in the documents, the README's first. */
export const documented = ["6.12", "6.1"] as const;
export const documents = ["README.md", "docs/overhead.md"] as const;

const titles: Readonly<Record<WorkloadName, string>> = {
  smb: "work on an SMB mount",
  nfs: "work on an NFS mount",
  ext4: "work on ext4, beside an SMB mount",
};

export function resultOf(kernel: string): ToolsStored | undefined {
  return stored(`tools-${kernel}`);
}

/** The text between the marks of a document; undefined when nothing of the kind is stored. */
export function tableFor(document: (typeof documents)[number], of = resultOf): string {
  const kernels = document === "README.md" ? documented.slice(0, 1) : documented;
  const parts = kernels.flatMap((kernel) => {
    const result = of(kernel);
    return result === undefined ? [] : [document === "README.md" ? brief(result) : full(result)];
  });
  return parts.join("\n\n");
}

function workloadsOf({ result }: ToolsStored): [WorkloadName, WorkloadTurns][] {
  return (Object.keys(titles) as WorkloadName[]).flatMap((workload) => {
    const turns = result[workload];
    return turns === undefined ? [] : [[workload, turns]];
  });
}

const isTool = (name: string): boolean => contenders.some((one) => one.name === name && isOurs(one));
const emphasis = (name: string): string => (isTool(name) ? `**\`${name}\`**` : `\`${name}\``);
const commitOf = ({ commit, changed }: WorkloadTurns): string =>
  changed.length === 0 ? commit.slice(0, 7) : `${commit.slice(0, 7)} with changes`;

function brief(file: ToolsStored): string {
  const tables = workloadsOf(file).map(([workload, { turns, files }]) => {
    const { figures, failed, noise } = toolFigures(turns, files);
    const rows = figures.map(({ contender, more, share }) => [emphasis(contender), percent(share.median), whole(more)]);
    const not = Object.keys(failed).map((name) => [emphasis(name), "not measured", ""]);
    const head = [
      `attached; ${titles[workload]}`,
      `slower (noise ${percent(noise).slice(1)})`,
      "instructions more a file",
    ];
    return markdown(head, [...rows, ...not]);
  });
  return tables.join("\n\n");
}

function full(file: ToolsStored): string {
  return workloadsOf(file)
    .map(([workload, one]) => {
      const { off, noise, figures, failed } = toolFigures(one.turns, one.files);
      const row = ({ contender, perFile, more, share }: ToolFigure): string[] => [
        emphasis(contender),
        whole(perFile.median),
        whole(more),
        percent(share.median),
        `${percent(share.min)} ... ${percent(share.max)}`,
      ];
      const head = ["attached", "instructions a file", "more", "slower", "of the rounds"];
      const nothing = ["nothing", whole(off.median), "", "", `${whole(off.min)} ... ${whole(off.max)}`];
      const not = Object.entries(failed).map(([name, why]) => `\n\n${emphasis(name)} was not measured: ${why}`);
      return [
        `${one.release}, ${titles[workload]}; commit ${commitOf(one)}, ${one.date.slice(0, 10)}; ${one.rounds} rounds of ${one.files} files. `,
        `Neighbouring series with nothing attached differ by up to ${percent(noise).slice(1)}.\n\n`,
        markdown(head, [nothing, ...figures.map(row)]),
        ...not,
      ].join("");
    })
    .join("\n\n");
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

const begin = "<!-- from bench/results/tools-*.json by `npm run bench -- tables` -->";
const end = "<!-- end of it -->";

/** A document with what is between its marks replaced. */
export function withTable(text: string, name: string, content: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new AodError("failed", `${name} has no marks for the table of the tools`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

export function writeTables(): void {
  for (const name of documents) {
    const path = join(repoRoot, name);
    writeFileSync(path, withTable(readFileSync(path, "utf8"), name, tableFor(name)));
  }
}
