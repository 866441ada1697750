import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Say } from "./cache.ts";
import { ensureKernel } from "./cache.ts";
import { runCommand } from "./command.ts";
import { kernelLine, kernelLines } from "./kernels.ts";
import { cacheRoot, repoRoot, runsRoot } from "./paths.ts";
import { defaultMachine, type MachineOptions } from "./qemu.ts";
import { loadScenarios, runGroup, runsOn, type Verdict } from "./run.ts";
import type { Scenario } from "./scenario.ts";

/** The state of the checkout that results belong to. */
export interface TreeState {
  readonly commit: string;
  /** Hash of what differs from the commit, files that git does not know included; absent when nothing does. */
  readonly dirty?: string;
}

export async function treeState(): Promise<TreeState> {
  const git = (args: readonly string[]): Promise<string> => runCommand(["git", "-C", repoRoot, ...args]);
  const commit = (await git(["rev-parse", "HEAD"])).trim();
  // What earlier runs left is no part of what is tried.
  const but = ["--", ".", ":!bench/results"];
  const difference = await git(["diff", "HEAD", "--binary", ...but]);
  const unknown = (await git(["ls-files", "-z", "--others", "--exclude-standard", ...but])).split("\0");
  const files = unknown.filter(Boolean).sort();
  if (difference === "" && files.length === 0) return { commit };
  const hash = createHash("sha256").update(difference);
  for (const name of files) hash.update(`\0${name}\0`).update(await readFile(join(repoRoot, name)));
  return { commit, dirty: hash.digest("hex").slice(0, 12) };
}

/** Name of a tree state in paths: short commit, and the hash of what differs. */
function treeKey(tree: TreeState): string {
  return tree.commit.slice(0, 12) + (tree.dirty === undefined ? "" : `-${tree.dirty}`);
}

export interface MatrixOptions {
  /** Scenarios of `npm test` only, or all. */
  readonly thinOnly: boolean;
  readonly kernels?: readonly string[];
  /** Passes of the same tree state are not made again, and each new one is kept at once. */
  readonly resume: boolean;
  readonly say: Say;
}

/** Scenarios of one kernel that share a boot. */
export const groupSize = 5;

/** Runs scenarios on kernels, a few in each boot. */
export async function runMatrix(options: MatrixOptions): Promise<Verdict[]> {
  const tree = await treeState();
  const scenarios = (await loadScenarios()).filter((scenario) => !options.thinOnly || scenario.thin === true);
  const verdicts: Verdict[] = [];
  for (const name of options.kernels ?? kernelLines.map((line) => line.name)) {
    const open: Scenario[] = [];
    for (const scenario of scenarios.filter((candidate) => runsOn(candidate, name))) {
      const kept = options.resume ? await keptPass(tree, name, scenario.name) : undefined;
      if (kept === undefined) open.push(scenario);
      else verdicts.push(kept);
    }
    if (open.length === 0) continue;
    const kernel = await ensureKernel(cacheRoot(process.env), kernelLine(name), options.say);
    for (const group of groupsOf(open)) {
      const machine = machineFor(group, defaultMachine);
      const result = await runGroup({ kernel, machine, scenarios: group, say: options.say });
      for (const verdict of result.verdicts) await keep(tree, verdict);
      verdicts.push(...result.verdicts);
    }
  }
  return verdicts;
}

/** Scenarios that share a boot: of one preemption model and one PID 1, and not too many; none that must be alone. */
export function groupsOf(scenarios: readonly Scenario[]): Scenario[][] {
  const kindOf = ({ preempt, init, alone, name }: Scenario): string =>
    `${preempt} ${init} ${alone === undefined ? "" : name}`;
  return [...new Set(scenarios.map(kindOf))].flatMap((kind) => {
    const same = scenarios.filter((scenario) => kindOf(scenario) === kind);
    const groups = Math.ceil(same.length / groupSize);
    return Array.from({ length: groups }, (_, n) => same.slice(n * groupSize, (n + 1) * groupSize));
  });
}

/** The machine with what the scenarios need of it, unless it says otherwise itself. */
export function machineFor(scenarios: readonly Scenario[], machine: MachineOptions): MachineOptions {
  const { preempt, init } = scenarios[0] ?? {};
  return {
    ...machine,
    ...(preempt === undefined || machine.preempt !== undefined ? {} : { preempt }),
    ...(init === undefined ? {} : { init }),
  };
}

function resultFile(tree: TreeState, kernel: string, scenario: string): string {
  return join(runsRoot, "results", treeKey(tree), `${kernel}-${scenario}.json`);
}

async function keptPass(tree: TreeState, kernel: string, scenario: string): Promise<Verdict | undefined> {
  const text = await readFile(resultFile(tree, kernel, scenario), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const verdict = JSON.parse(text) as Verdict;
  return verdict.failure === undefined ? verdict : undefined;
}

async function keep(tree: TreeState, verdict: Verdict): Promise<void> {
  const file = resultFile(tree, verdict.kernel, verdict.scenario);
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, `${JSON.stringify(verdict, null, 1)}\n`);
}

/** Writes bench/results/lab-DATE-COMMIT.json and returns its path. Directories of this machine stay out of it. */
export async function writeSummary(verdicts: readonly Verdict[], date: Date): Promise<string> {
  const tree = await treeState();
  const summary = {
    date: date.toISOString(),
    ...tree,
    passed: verdicts.filter((verdict) => verdict.failure === undefined).length,
    failed: verdicts.filter((verdict) => verdict.failure !== undefined).length,
    results: verdicts.map(({ scenario, kernel, release, tookMs, failure }) => ({
      scenario,
      kernel,
      release,
      result: failure === undefined ? "pass" : "fail",
      tookMs: Math.round(tookMs),
    })),
  };
  const directory = join(repoRoot, "bench", "results");
  await mkdir(directory, { recursive: true });
  const file = join(directory, `lab-${date.toISOString().slice(0, 10)}-${tree.commit.slice(0, 12)}.json`);
  await writeFile(file, `${JSON.stringify(summary, null, 1)}\n`);
  return file;
}
