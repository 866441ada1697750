import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { AodError } from "../src/system/error.ts";
import type { BootKernel, Say } from "./cache.ts";
import { kvmWorks } from "./kvm.ts";
import { cacheRoot, repoRoot, runsRoot } from "./paths.ts";
import { channelDescriptors, type MachineOptions, machineArguments } from "./qemu.ts";
import { quoteWord } from "./quote.ts";

const qemu = "qemu-system-x86_64";
// The machine ends with the process that started it, however that ends.
const launcher = ["setpriv", "--pdeathsig", "KILL", "--", qemu] as const;

export interface Run {
  /** build/lab/NAME */
  readonly directory: string;
  /** What the guest sees as /run/lab. */
  readonly job: string;
  readonly console: string;
}

export interface Outcome {
  /** The job's exit status. */
  readonly status: number;
  /** From the start of QEMU to the first command of the job. */
  readonly bootMs: number;
  readonly totalMs: number;
}

export interface BootRequest {
  readonly kernel: BootKernel;
  readonly machine: MachineOptions;
  readonly run: Run;
  /** Text of the shell script that is the job; absent: an interactive shell on this terminal. */
  readonly script?: string;
  readonly cwd: string;
  /** The whole run, boot included; after it the machine is ended. */
  readonly timeLimitMs: number;
  readonly onOut: (chunk: Buffer) => void;
  readonly onErr: (chunk: Buffer) => void;
  /** Lines that the job writes to descriptor 3. */
  readonly onEvent?: (line: string) => void;
  readonly say: Say;
}

const keptRuns = 60;

/** Names of the runs that are to go: all but the newest, by the time in their names. Nothing else is ever named. */
export function runsToRemove(names: readonly string[], keep: number): string[] {
  const runs = names.filter((name) => /^\d{8}-\d{6}-/.test(name)).sort();
  return runs.slice(0, Math.max(0, runs.length - keep));
}

/** A fresh directory for one run; the oldest runs are removed. */
export async function createRun(label: string): Promise<Run> {
  const names = await readdir(runsRoot).catch(() => []);
  for (const name of runsToRemove(names, keptRuns)) await rm(join(runsRoot, name), { recursive: true, force: true });
  const stamp = new Date().toISOString().replaceAll(/[-:]/g, "").replace("T", "-").slice(0, 15);
  const directory = join(runsRoot, `${stamp}-${label}-${process.pid}`);
  const job = join(directory, "job");
  await mkdir(job, { recursive: true });
  return { directory, job, console: join(directory, "console.log") };
}

const bootAttempts = 3;
const bootLimitMs = 90_000;

/** The guest never got as far as its job: nothing was run, so another boot changes nothing but the time. */
class BootFailure extends AodError {}

/**
 * Boots, runs the job, ends the machine. A boot that dies or hangs before the job starts is tried again and told:
 * emulation with a thread per processor now and then loses a race against the kernel's patching of its own code
 * (docs/decisions/0005-lab-emulation.md).
 */
export async function boot(request: BootRequest): Promise<Outcome> {
  const kvm =
    !request.machine.icount && (await kvmWorks(cacheRoot(process.env), request.kernel, launcher, request.say));
  await writeJob(request);
  for (let attempt = 1; ; attempt++) {
    try {
      return await bootOnce(request, kvm);
    } catch (error) {
      if (!(error instanceof BootFailure) || attempt === bootAttempts) throw error;
      const kept = `${request.run.console}.${attempt}`;
      await rename(request.run.console, kept);
      request.say(`boot ${attempt} of at most ${bootAttempts} did not come up (${kept}); once more`);
    }
  }
}

async function bootOnce(request: BootRequest, kvm: boolean): Promise<Outcome> {
  const { kernel, machine, run } = request;
  const interactive = request.script === undefined;
  await writeFile(run.console, "");
  const started = performance.now();
  const [program, ...before] = launcher;
  const child = spawn(program, [...before, ...machineArguments(kernel, machine, run, { kvm, interactive })], {
    stdio: interactive ? "inherit" : ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe"],
  });
  let complaint = "";
  let bootMs: number | undefined;
  let status: number | undefined;
  let overTime = false;
  const stop = (): void => {
    child.kill("SIGKILL");
  };
  const stopOverTime = (): void => {
    overTime = true;
    stop();
  };
  const end = setTimeout(stopOverTime, request.timeLimitMs);
  const bootEnd = interactive ? undefined : setTimeout(stopOverTime, bootLimitMs * (machine.icount ? 4 : 1));

  if (!interactive) {
    const complain = (chunk: Buffer): void => {
      complaint += chunk.toString();
    };
    child.stdout?.on("data", complain);
    child.stderr?.on("data", complain);
    channel(child, "out").on("data", request.onOut);
    channel(child, "err").on("data", request.onErr);
    createInterface({ input: channel(child, "ctl") }).on("line", (line) => {
      if (line === "ready") {
        bootMs = performance.now() - started;
        clearTimeout(bootEnd);
      } else if (/^exit \d+$/.test(line)) {
        status = Number(line.slice(5));
        // The job is done and its output has been taken; a machine that does not power off is not waited for.
        setTimeout(stop, 5_000).unref();
      } else request.onEvent?.(line);
    });
  }

  const problem = await new Promise<string | undefined>((resolve) => {
    child.on("error", (error) => resolve(`${qemu} could not be started: ${error.message}`));
    child.on("close", (code, signal) => {
      if (code !== 0 && signal === null) resolve(`${qemu} ended with status ${code}: ${complaint.trim().slice(-2000)}`);
      else resolve(undefined);
    });
  });
  clearTimeout(end);
  clearTimeout(bootEnd);
  const totalMs = performance.now() - started;
  if (interactive && problem === undefined) return { status: 0, bootMs: 0, totalMs };
  if (status !== undefined) return { status, bootMs: bootMs ?? totalMs, totalMs };
  const log = `its console: ${run.console}`;
  if (problem !== undefined) throw new AodError("failed", `${problem}; ${log}`);
  const seconds = Math.round(totalMs / 1000);
  const what = overTime ? `was ended by its time limit after ${seconds} s` : `ended by itself after ${seconds} s`;
  if (bootMs === undefined) throw new BootFailure("failed", `the guest ${what}, before its boot was done; ${log}`);
  throw new AodError("failed", `the guest ${what}, before its job was done; ${log}`);
}

/** Our end of a virtio port's socket. */
function channel(child: ChildProcess, name: keyof typeof channelDescriptors): Readable {
  const streams: readonly unknown[] = child.stdio;
  const stream = streams[channelDescriptors[name]];
  if (!(stream instanceof Readable)) throw new AodError("failed", `no channel ${name} to the guest`);
  return stream;
}

async function writeJob(request: BootRequest): Promise<void> {
  const { kernel, run } = request;
  const variables = {
    LAB_REPO: repoRoot,
    LAB_MODULES: kernel.modules,
    LAB_RELEASE: kernel.release,
    LAB_HOSTNAME: "aod-lab",
    LAB_CWD: request.cwd,
  };
  const text = Object.entries(variables).map(([name, value]) => `${name}=${quoteWord(value)}\n`);
  await writeFile(join(run.job, "boot.env"), text.join(""));
  if (request.script === undefined) await writeFile(join(run.job, "interactive"), "");
  else await writeFile(join(run.job, "job.sh"), request.script);
}
