// All tests in one report: first the units, then the lab's scenarios alone, because each of those needs the whole machine.
// usage: test.ts [--unit | --no-lab] [PART-OF-A-FILE-NAME...]
import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { run } from "node:test";
import type { TestEvent } from "node:test/reporters";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { Tally } from "./tally.ts";

const labFile = "lab/scenarios.test.ts";
const needsBuild = "test/bundle.test.ts";
const unitLimitMs = 180_000;

const { values, positionals } = parseArgs({
  options: { unit: { type: "boolean", default: false }, "no-lab": { type: "boolean", default: false } },
  allowPositionals: true,
});
const full = process.env.AOD_TEST_FULL === "1";
const root = join(import.meta.dirname, "..");
process.chdir(root);

const wanted = (file: string): boolean => positionals.length === 0 || positionals.some((part) => file.includes(part));
const found = globSync(["src/**/*.test.ts", "lab/**/*.test.ts", "bench/**/*.test.ts", "test/**/*.test.ts"])
  .filter(wanted)
  .sort();
const units = found.filter((file) => file !== labFile && !(values.unit && file === needsBuild));
const scenarios = values.unit || values["no-lab"] ? [] : found.filter((file) => file === labFile);
if (units.length + scenarios.length === 0) {
  console.error(`aod: no test file has ${positionals.join(" or ")} in its name`);
  process.exit(2);
}

// The test processes are ended with this one, and the lab's guests with them.
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());

const started = new Date();
const tally = new Tally();

async function* report(): AsyncGenerator<TestEvent> {
  if (units.length > 0) {
    yield* tally.through(
      run({
        files: units,
        concurrency: Math.min(2, availableParallelism()),
        timeout: unitLimitMs,
        signal: stop.signal,
      }),
    );
  }
  // No limit here: the lab bounds every guest itself.
  if (scenarios.length > 0 && !stop.signal.aborted)
    yield* tally.through(run({ files: scenarios, concurrency: 1, signal: stop.signal }));
  yield* tally.closing(Date.now() - started.getTime());
}

const output = Readable.from(report()).compose(new spec());
for await (const text of output) process.stdout.write(text);

if (full) {
  const file = "bench/results/test-full.json";
  mkdirSync("bench/results", { recursive: true });
  writeFileSync(file, `${JSON.stringify(tally.record(root, started), null, 2)}\n`);
  console.log(`kept: ${file}`);
}
process.exitCode = tally.succeeded && !stop.signal.aborted ? 0 : 1;
