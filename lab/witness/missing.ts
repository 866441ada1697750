import assert from "node:assert/strict";
import type { Results } from "../results.ts";

/** Whether this kernel, as it was booted, preempts a task within the kernel: Debian's do from 7.0 on. */
export function preemptsTasks({ kernel }: Pick<Results, "kernel">): boolean {
  return kernel === "7.2";
}

/**
 * How much of what a witness counted is missing in our own counts: nothing unless runs of programs were lost and that was said, never more
 * than these, and nothing is ever too much.
 */
export function missingOf(
  own: Readonly<Record<string, number>>,
  witness: Readonly<Record<string, number>>,
  lost: number,
  what: string,
): number {
  if (lost === 0) assert.deepEqual(own, witness, what);
  let missing = 0;
  for (const name of new Set([...Object.keys(own), ...Object.keys(witness)])) {
    const short = (witness[name] ?? 0) - (own[name] ?? 0);
    assert.ok(short >= 0, `${what}: ${name}: ${own[name]}, but ${witness[name]}`);
    missing += short;
  }
  assert.ok(missing <= lost, `${what}: ${missing} are missing, ${lost} are counted as lost`);
  return missing;
}
