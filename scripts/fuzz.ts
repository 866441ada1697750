// npm run fuzz -- [--for 10m] [--target NAME] [--seed N]: gives broken texts to every reader. None may throw, lose a line that it does not know for
// another, or take its time. What fails is kept in build/fuzz/, and the seed makes it again.
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { broken, randomFrom } from "./fuzz-break.ts";
import { type FuzzTarget, targets } from "./fuzz-targets.ts";

const repo = join(import.meta.dirname, "..");
/** A text of 256 KiB is read in some ms; a machine may be busy. */
const SLOW_MS = 20_000;
const ROUND = 50;

function usage(message: string): never {
  process.stderr.write(`fuzz: ${message}\ntry: npm run fuzz -- --for 10m [--target DebugData] [--seed 7]\n`);
  process.exit(2);
}

function options() {
  try {
    const { values } = parseArgs({
      options: { for: { type: "string" }, target: { type: "string" }, seed: { type: "string" } },
    });
    const [, number, unit = "s"] = /^(\d+)([smh]?)$/.exec(values.for ?? "10s") ?? [];
    if (number === undefined) usage(`--for takes a time like 30s or 10m, not "${values.for}"`);
    const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
    if (chosen.length === 0)
      usage(`there is no target "${values.target}": there are ${targets.map(({ name }) => name).join(", ")}`);
    const seed = Number(values.seed ?? Date.now() % 2 ** 32);
    if (!Number.isInteger(seed) || seed < 0) usage(`--seed takes a number, not "${values.seed}"`);
    return { seconds: Number(number) * ({ m: 60, h: 3600 }[unit] ?? 1), chosen, seed };
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

function textsOf({ name, samples, texts = [], encoding = "utf8" }: FuzzTarget): readonly string[] {
  const root = join(repo, "test/fixtures");
  const found = samples.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();
  const all = [...found.map((path) => readFileSync(join(root, path), encoding)), ...texts];
  if (all.length === 0) throw new Error(`${name}: there is no sample`);
  return all;
}

/** Why a text fails; undefined when it does not. */
function failure({ read }: FuzzTarget, text: string): string | undefined {
  const began = performance.now();
  try {
    const lines = new Set(text.split("\n").map((line) => line.trim()));
    const stranger = read(text).find((line) => !lines.has(line.trim()));
    if (stranger !== undefined) return `it names a line that is not there: ${JSON.stringify(stranger)}`;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const took = performance.now() - began;
  return took > SLOW_MS ? `it took ${Math.round(took)} ms` : undefined;
}

const { seconds, chosen, seed } = options();
const until = performance.now() + seconds * 1000;
const counts = new Map<string, { texts: number; slowestMs: number }>();
let failed = 0;
let round = 0;
process.stdout.write(`fuzz: ${chosen.length} readers, ${seconds} s, seed ${seed}\n`);
const samples = new Map(chosen.map((target) => [target, textsOf(target)]));
const everything = [...samples.values()].flat();
while (performance.now() < until) {
  for (const target of chosen) {
    const own = samples.get(target) ?? [];
    const count = counts.get(target.name) ?? { texts: 0, slowestMs: 0 };
    counts.set(target.name, count);
    const random = randomFrom(seed + round);
    for (let n = 0; n < ROUND && performance.now() < until; n++) {
      const others = random(4) === 0 ? everything : own;
      const text = broken(own[random(own.length)] ?? "", others[random(others.length)] ?? "", random);
      const began = performance.now();
      const why = failure(target, text);
      count.texts++;
      count.slowestMs = Math.max(count.slowestMs, performance.now() - began);
      if (why === undefined) continue;
      failed++;
      const file = join(repo, "build/fuzz", `${target.name.replace(/\W/g, "-")}-${seed}-${round}-${n}.txt`);
      mkdirSync(join(repo, "build/fuzz"), { recursive: true });
      writeFileSync(file, text, target.encoding ?? "utf8");
      process.stdout.write(`${target.name}: ${why}\n  kept: ${file}\n`);
      if (failed >= 20) process.exit(1);
    }
  }
  round++;
}
for (const [name, { texts, slowestMs }] of counts)
  process.stdout.write(
    `${name.padEnd(14)} ${String(texts).padStart(9)} texts, the slowest ${slowestMs.toFixed(1)} ms\n`,
  );
process.stdout.write(failed === 0 ? "fuzz: none failed\n" : `fuzz: ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
