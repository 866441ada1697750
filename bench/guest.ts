import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BootKernel, ensureKernel, type Say } from "../lab/cache.ts";
import { runCommand } from "../lab/command.ts";
import { kernelLine } from "../lab/kernels.ts";
import { cacheRoot, repoRoot } from "../lab/paths.ts";
import { defaultMachine } from "../lab/qemu.ts";
import { quoteArgv } from "../lab/quote.ts";
import { boot, createRun } from "../lab/vm.ts";
import { AodError } from "../src/system/error.ts";
import type { GuestRequest, ToolsRequest } from "./request.ts";

export const say: Say = (line) => {
  process.stderr.write(`bench: ${line}\n`);
};

/** Builds what the benchmark needs besides the tool itself. */
export async function buildBench(): Promise<void> {
  await runCommand(["make", "-s", "-f", "bench/Makefile"], { cwd: repoRoot });
}

export interface GuestRun<T> {
  readonly kernel: BootKernel;
  readonly result: T;
}

/** Boots a kernel, has the request done in it and gives back its result. `icount`: guest time counts instructions, one CPU. */
export async function runInGuest<T>(
  kernelName: string,
  request: GuestRequest | ToolsRequest,
  options: { readonly icount: boolean; readonly timeLimitMs: number; readonly env?: Readonly<Record<string, string>> },
): Promise<GuestRun<T>> {
  await buildBench();
  const kernel = await ensureKernel(cacheRoot(process.env), kernelLine(kernelName), say);
  const run = await createRun(`${kernel.line}-bench-${request.kind}`);
  const out = join(run.job, "out");
  await mkdir(out);
  await writeFile(join(run.job, "request.json"), JSON.stringify(request));
  const program = [process.execPath, "--no-warnings", join(repoRoot, "bench", "guest", "main.ts")];
  const environment = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
  let told = "";
  const take = (chunk: Buffer): void => {
    told += chunk.toString();
  };
  const outcome = await boot({
    kernel,
    machine: { ...defaultMachine, icount: options.icount },
    run,
    script: `exec ${quoteArgv(["env", ...environment, ...program])}\n`,
    cwd: "/",
    timeLimitMs: options.timeLimitMs,
    onOut: take,
    onErr: take,
    onEvent: (line) => say(`${kernel.line}: ${line}`),
    say,
  });
  if (outcome.status !== 0) {
    throw new AodError("failed", `the benchmark in the guest failed (${run.directory}): ${told.trim().slice(-3000)}`);
  }
  return { kernel, result: JSON.parse(await readFile(join(out, "result.json"), "utf8")) as T };
}
