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
import type { AnyRequest } from "./request.ts";

export const say: Say = (line) => {
  process.stderr.write(`bench: ${line}\n`);
};

/** Builds what the benchmark needs besides the tool itself. */
async function buildBench(): Promise<void> {
  await runCommand(["make", "-s", "-f", "bench/Makefile"], { cwd: repoRoot });
}

export interface GuestRun<T> {
  readonly kernel: BootKernel;
  readonly result: T;
}

export interface GuestOptions {
  /** Guest time counts instructions, one CPU. */
  readonly icount: boolean;
  /** With `icount`: time passes while the processor is idle, instead of leaping. */
  readonly idleWaits?: boolean;
  readonly timeLimitMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a guest has left, and why it did not come to its end. */
export interface GuestLeft {
  readonly kernel: BootKernel;
  /** The directory of the guest's results. */
  readonly out: string;
  readonly failure?: string;
}

/** Boots a kernel and has the request done in it. */
export async function tryInGuest(kernelName: string, request: AnyRequest, options: GuestOptions): Promise<GuestLeft> {
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
  const left = (why: string): GuestLeft => ({
    kernel,
    out,
    failure: `the benchmark in the guest failed (${run.directory}): ${why}`,
  });
  try {
    const outcome = await boot({
      kernel,
      machine: { ...defaultMachine, icount: options.icount, idleWaits: options.idleWaits ?? false },
      run,
      script: `exec ${quoteArgv(["env", ...environment, ...program])}\n`,
      cwd: "/",
      timeLimitMs: options.timeLimitMs,
      onOut: take,
      onErr: take,
      onEvent: (line) => say(`${kernel.line}: ${line}`),
      say,
    });
    return outcome.status === 0 ? { kernel, out } : left(told.trim().slice(-3000));
  } catch (error) {
    if (!(error instanceof AodError)) throw error;
    return left(error.message);
  }
}

/** The same, where all depends on its end. */
export async function runInGuest<T>(
  kernelName: string,
  request: AnyRequest,
  options: GuestOptions,
): Promise<GuestRun<T>> {
  const { kernel, out, failure } = await tryInGuest(kernelName, request, options);
  if (failure !== undefined) throw new AodError("failed", failure);
  return { kernel, result: JSON.parse(await readFile(join(out, "result.json"), "utf8")) as T };
}
