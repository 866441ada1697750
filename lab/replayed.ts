import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import type { Results } from "./results.ts";

const bin = resolve(import.meta.dirname, "../bin");

/** A tool on a recording that a scenario has left, on the host: nothing of the guest is there any more. */
export function replayed(results: Results, [program, ...args]: readonly [string, ...string[]], file: string) {
  const { status, stdout, stderr } = spawnSync(join(bin, program), [...args, "--replay", results.path(file)], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  return { status, stdout, stderr };
}

/** One object a line; empty lines are skipped. */
export function linesIn(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as unknown);
}
