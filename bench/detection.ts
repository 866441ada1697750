import { ensureKernel } from "../lab/cache.ts";
import { kernelLine } from "../lab/kernels.ts";
import { cacheRoot } from "../lab/paths.ts";
import { defaultMachine } from "../lab/qemu.ts";
import { Results } from "../lab/results.ts";
import { runGroup } from "../lab/run.ts";
import scenario, { type DetectionFacts } from "../lab/scenarios/detection.ts";
import { readItem, readManifest } from "../src/bundle/reader.ts";
import type { SmbOpJson } from "../src/probe/op-json.ts";
import { AodError } from "../src/system/error.ts";
import { say } from "./guest.ts";
import { type Summary, summary } from "./numbers.ts";

/** ms from the moment to the begin of the first capture, of every incident. */
export interface DetectionResult {
  /** From the completion of the operation that opened it. */
  readonly completed: readonly number[];
  /** From the moment when the oldest request in flight was 1 s old. */
  readonly inFlight: readonly number[];
}

export interface Detection {
  readonly release: string;
  readonly result: DetectionResult;
}

/** Runs the scenario of the same name and reads the times out of its bundles. Times are the guest's, under software emulation. */
export async function measureDetection(kernelName: string, rounds: number): Promise<Detection> {
  const kernel = await ensureKernel(cacheRoot(process.env), kernelLine(kernelName), say);
  const settings = { rounds: String(rounds) };
  const { verdicts } = await runGroup({ kernel, machine: defaultMachine, scenarios: [scenario], settings, say });
  const [verdict] = verdicts;
  if (verdict === undefined || verdict.failure !== undefined)
    throw new AodError("failed", `the scenario detection failed: ${verdict?.failure}`);
  const results = new Results(verdict.directory, kernel.line, settings);
  const facts = results.json("detection.json") as DetectionFacts;
  const of = (names: readonly string[], moment: (ops: readonly SmbOpJson[]) => number) =>
    Promise.all(names.map((name) => toFirstCapture(results.path(name), moment)));
  return {
    release: kernel.release,
    result: {
      completed: await of(facts.completed, (ops) =>
        Math.min(...ops.filter((op) => op.latency_us >= 400_000).map(endMs)),
      ),
      inFlight: await of(facts.inFlight, (ops) => {
        const hung = ops.filter((op) => op.latency_us >= 1_000_000);
        return Math.min(...hung.map((op) => endMs(op) - op.latency_us / 1000)) + 1000;
      }),
    },
  };
}

async function toFirstCapture(bundle: string, moment: (ops: readonly SmbOpJson[]) => number): Promise<number> {
  const manifest = await readManifest(bundle);
  const captures = manifest.items.filter(({ name, time }) => name.startsWith("open/") && time !== undefined);
  const lines = (await readItem(bundle, "ops.ndjson")).toString().trim().split("\n");
  // The history also holds the slow operations of the rounds before.
  const since = Date.parse(manifest.opened) - 3000;
  const ops = lines.map((line) => JSON.parse(line) as SmbOpJson).filter((op) => endMs(op) > since);
  return Math.round(Math.min(...captures.map(({ time }) => Date.parse(time ?? ""))) - moment(ops));
}

function endMs(op: SmbOpJson): number {
  return Date.parse(op.time);
}

export function detectionText({ completed, inFlight }: DetectionResult): string {
  const line = (what: string, { median, min, max }: Summary): string =>
    `${what.padEnd(46)} ${median} ms (${min} ... ${max})`;
  return [
    "to the start of the first capture, median (spread):",
    line("from the completion of a slow operation", summary(completed)),
    line("from the moment when one in flight is 1 s old", summary(inFlight)),
  ].join("\n");
}
