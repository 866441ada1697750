import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";
import type { RunOptions } from "./process.ts";

/** Runs a workload under strace; `NAME.strace` is for lab/witness/strace.ts. `calls`: names or classes as for `strace -e trace=`. */
export async function runUnderStrace(
  lab: Lab,
  name: string,
  argv: readonly string[],
  options: RunOptions & { readonly calls?: readonly string[] } = {},
): Promise<void> {
  const { calls = ["%file", "%desc"], ...runOptions } = options;
  // In memory first: 9p would make every call slow.
  const file = join(lab.work, `${name}.strace`);
  // --seccomp-bpf: calls that are not asked for run at full speed.
  const strace = ["strace", "-f", "--seccomp-bpf", "-y", "-s", "256", "-o", file, "-e", `trace=${calls.join(",")}`];
  await lab.run([...strace, "--", ...argv], { timeoutMs: 120_000, ...runOptions });
  lab.write(`${name}.strace`, readFileSync(file));
}
