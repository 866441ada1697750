// One test per scenario and kernel: the thin set in `npm test`; all of them, resumable, with AOD_TEST_FULL=1.
// AOD_TEST_RECORD=1 keeps a summary under bench/results/.
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { after, describe, test } from "node:test";
import { kernelLines, thinKernels } from "./kernels.ts";
import { runMatrix, writeSummary } from "./matrix.ts";
import { loadScenarios, runsOn, type Verdict } from "./run.ts";

const full = process.env["AOD_TEST_FULL"] === "1";
const record = process.env["AOD_TEST_RECORD"] === "1";
// For all scenarios of a kernel: the first test waits for them. Thrice what a machine with nothing else to do takes.
const kernelTimeoutMs = (full ? 90 : 25) * 60_000;

const scenarios = (await loadScenarios()).filter((scenario) => full || scenario.thin === true);
const kernels = kernelLines.map(({ name }) => name).filter((name) => full || thinKernels.includes(name));
const all: Verdict[] = [];

// A machine keeps one processor busy: two kernels at a time where there are two, never more, lest limits of time be met by load.
describe("lab", { concurrency: Math.min(2, availableParallelism()) }, () => {
  for (const kernel of kernels) describe(kernel, { concurrency: 1 }, () => testsOf(kernel));
  if (record) {
    after(async () => {
      process.stderr.write(`lab: ${await writeSummary(all, new Date())}\n`);
    });
  }
});

function testsOf(kernel: string): void {
  let verdicts: Promise<Verdict[]> | undefined;
  // All scenarios of a kernel share boots; the first test of the kernel waits for them.
  const verdictsOnce = (): Promise<Verdict[]> => {
    verdicts ??= runMatrix({
      thinOnly: !full,
      kernels: [kernel],
      resume: full,
      say: (line) => process.stderr.write(`lab ${kernel}: ${line}\n`),
    });
    return verdicts;
  };
  for (const scenario of scenarios) {
    if (!runsOn(scenario, kernel)) {
      test(`${scenario.name} on ${kernel}`, { skip: scenario.kernels?.why ?? "" });
      continue;
    }
    test(`${scenario.name} on ${kernel}`, { timeout: kernelTimeoutMs }, async () => {
      const verdict = (await verdictsOnce()).find((candidate) => candidate.scenario === scenario.name);
      assert.ok(verdict, "the scenario was not run");
      all.push(verdict);
      assert.equal(verdict.failure, undefined, `${verdict.failure}\nresults: ${verdict.directory}`);
    });
  }
}
