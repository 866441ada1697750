import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { runCommand } from "../lab/command.ts";
import { repoRoot } from "../lab/paths.ts";

/** A file under bench/results/. */
export interface Stored<T> {
  readonly benchmark: string;
  /** The command that gives it again. */
  readonly command: string;
  readonly commit: string;
  /** Files of the product that differed from the commit. */
  readonly changed: readonly string[];
  readonly date: string;
  readonly host: string;
  /** uname -r of the guest. */
  readonly release: string;
  readonly result: T;
}

const product = ["bpf", "probe", "src", "bin", "bench", "Makefile"];

/** Which state of the product a result belongs to. */
export interface ProductState {
  readonly commit: string;
  /** Files of the product that differ from the commit. */
  readonly changed: readonly string[];
}

const git = (...args: string[]): Promise<string> => runCommand(["git", ...args], { cwd: repoRoot });

export async function productState(): Promise<ProductState> {
  const status = await git("status", "--porcelain", "--", ...product, ":!bench/results");
  return {
    commit: (await git("rev-parse", "HEAD")).trim(),
    changed: status
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.slice(3)),
  };
}

/** Path below the checkout of bench/results/NAME.json. */
function resultPath(name: string): string {
  return join("bench", "results", `${name}.json`);
}

/** Writes bench/results/NAME.json and returns its path below the checkout. */
export async function store<T>(
  name: string,
  stored: { readonly command: string; readonly release: string; readonly result: T },
): Promise<string> {
  const { commit, changed } = await productState();
  const file: Stored<T> = {
    benchmark: name,
    command: stored.command,
    commit,
    changed,
    date: new Date().toISOString(),
    host: `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} processors`,
    release: stored.release,
    result: stored.result,
  };
  const path = resultPath(name);
  mkdirSync(join(repoRoot, "bench", "results"), { recursive: true });
  writeFileSync(join(repoRoot, path), `${JSON.stringify(file, null, 1)}\n`);
  return path;
}

/** What is stored under a name. */
export function stored<T>(name: string): Stored<T> | undefined {
  const path = join(repoRoot, resultPath(name));
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Stored<T>) : undefined;
}
