// bench/results/lab-passes.json: the last pass of each scenario on each kernel with the same settings, with the commit that it was seen at.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { hasCode } from "../src/system/proc.ts";
import type { TreeState } from "./matrix.ts";
import type { Verdict } from "./run.ts";

export interface Pass {
  readonly scenario: string;
  readonly kernel: string;
  readonly release: string;
  /** Those that were changed; absent when none was. */
  readonly set?: Readonly<Record<string, string>>;
  readonly commit: string;
  /** Hash of what differed from the commit; absent when nothing did. */
  readonly dirty?: string;
  readonly date: string;
  readonly tookMs: number;
}

/** Adds those that passed, with these settings, to the file: each in the place of the same scenario's on the same kernel with the same settings. */
export async function recordPasses(
  file: string,
  verdicts: readonly Verdict[],
  { commit, dirty }: TreeState,
  date: Date,
  set: Readonly<Record<string, string>> = {},
): Promise<readonly Pass[]> {
  const fresh = verdicts.flatMap(({ scenario, kernel, release, failure, tookMs }): Pass[] =>
    failure === undefined
      ? [
          {
            scenario,
            kernel,
            release,
            ...(Object.keys(set).length === 0 ? {} : { set }),
            commit,
            ...(dirty === undefined ? {} : { dirty }),
            date: date.toISOString(),
            tookMs: Math.round(tookMs),
          },
        ]
      : [],
  );
  const nameOf = ({ scenario, kernel, set }: Pass): string =>
    [scenario, kernel, ...Object.entries(set ?? {}).map(([key, value]) => `${key}=${value}`)].join(" ");
  const replaced = new Set(fresh.map(nameOf));
  const kept = (await readPasses(file)).filter((pass) => !replaced.has(nameOf(pass)));
  const all = [...kept, ...fresh].sort((a, b) => nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }));
  await mkdir(dirname(file), { recursive: true });
  // A line each: two people's passes seldom meet in a merge.
  await writeFile(file, `[\n${all.map((pass) => ` ${JSON.stringify(pass)}`).join(",\n")}\n]\n`);
  return all;
}

async function readPasses(file: string): Promise<readonly Pass[]> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Pass[];
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
