import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const repo = join(import.meta.dirname, "../..");
const folder = join(repo, "build/test-probe");

/** Why there can be no C test here: for `skip`. False where a compiler is. */
export const withoutCompiler: string | false =
  spawnSync("cc", ["--version"]).status === 0 ? false : "there is no C compiler";

const flags = [
  ...["-std=gnu11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
  ...[
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-missing-field-initializers",
    "-Wno-unused-parameter",
    "-pthread",
    "-Itest/probe/fake",
    "-Iprobe",
    "-Ibpf/include",
  ],
];

/** Compiles test/probe/NAME.c together with parts of aod-probe, under the sanitizers; returns the program. */
export function compile(name: string, parts: readonly string[], libraries: readonly string[] = []): string {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, name);
  const sources = [`test/probe/${name}.c`, ...parts.map((part) => `probe/${part}.c`)];
  execFileSync("cc", [...flags, ...sources, "-o", program, ...libraries], {
    cwd: repo,
    encoding: "utf8",
    timeout: 120_000,
  });
  return program;
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export function runProgram(program: string, args: readonly string[] = [], input: Buffer | string = ""): Ran {
  const { status, stdout, stderr } = spawnSync(program, args, { input, timeout: 120_000, maxBuffer: 64 * 1024 ** 2 });
  return { status, stdout, stderr: stderr.toString("utf8") };
}
