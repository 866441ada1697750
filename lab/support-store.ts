import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unlessAbsent } from "./absent.ts";
import { kernelLines } from "./kernels.ts";
import { treeState } from "./matrix.ts";
import { repoRoot } from "./paths.ts";
import type { Results } from "./results.ts";
import { type KernelReport, kernelReport, kernelsDocument } from "./support.ts";

const stored = join(repoRoot, "bench", "results");
const pathOf = (kernel: string): string => join(stored, `support-${kernel}.json`);

/** The state of the checkout in words. To be asked before the first report: each one changes the checkout. */
export async function commitText(): Promise<string> {
  const { commit, dirty } = await treeState();
  return `${commit.slice(0, 12)}${dirty === undefined ? "" : ", changed"}`;
}

/** Keeps what the scenario `support` left on a kernel. */
export async function storeReport(
  results: Results,
  of: Pick<KernelReport, "release" | "commit" | "date">,
): Promise<void> {
  const report = kernelReport(results, of);
  await mkdir(stored, { recursive: true });
  await writeFile(pathOf(results.kernel), `${JSON.stringify(report, null, 1)}\n`);
}

/** Writes docs/kernels.md from what is stored of each kernel. */
export async function writeKernelsDocument(): Promise<void> {
  const reports: KernelReport[] = [];
  for (const { name } of kernelLines) {
    const text = await unlessAbsent(readFile(pathOf(name), "utf8"));
    if (text !== undefined) reports.push(JSON.parse(text) as KernelReport);
  }
  await writeFile(join(repoRoot, "docs", "kernels.md"), kernelsDocument(reports));
}
