import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
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

/** A fresh directory for one run. */
export async function createRun(label: string): Promise<Run> {
  const stamp = new Date().toISOString().replaceAll(/[-:]/g, "").replace("T", "-").slice(0, 15);
  const directory = join(runsRoot, `${stamp}-${label}-${process.pid}`);
  const job = join(directory, "job");
  await mkdir(job, { recursive: true });
  return { directory, job, console: join(directory, "console.log") };
}

/** Boots, runs the job, ends the machine. */
export async function boot(request: BootRequest): Promise<Outcome> {
  const { kernel, machine, run } = request;
  const interactive = request.script === undefined;
  const kvm = !machine.icount && (await kvmWorks(cacheRoot(process.env), kernel, qemu, request.say));
  await writeJob(request);

  const started = performance.now();
  const child = spawn(qemu, machineArguments(kernel, machine, run, { kvm, interactive }), {
    stdio: interactive ? "inherit" : ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe"],
  });
  let complaint = "";
  let bootMs: number | undefined;
  let status: number | undefined;
  let overTime = false;
  const end = setTimeout(() => {
    overTime = true;
    child.kill("SIGKILL");
  }, request.timeLimitMs);
  const stop = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", stop);

  if (!interactive) {
    child.stdout?.on("data", (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    channel(child, "out").on("data", request.onOut);
    channel(child, "err").on("data", request.onErr);
    const lines = createInterface({ input: channel(child, "ctl") });
    lines.on("line", (line) => {
      if (line === "ready") bootMs = performance.now() - started;
      else if (/^exit \d+$/.test(line)) {
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
  process.off("exit", stop);
  const totalMs = performance.now() - started;
  if (interactive && problem === undefined) return { status: 0, bootMs: 0, totalMs };
  if (status !== undefined) return { status, bootMs: bootMs ?? totalMs, totalMs };
  const what =
    problem ??
    (overTime
      ? `the guest was ended by its time limit of ${Math.round(request.timeLimitMs / 1000)} s${bootMs === undefined ? ", before its boot was done" : ""}`
      : "the guest ended before its job did");
  throw new AodError("failed", `${what}; its console: ${run.console}`);
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
  await writeFile(run.console, "");
  if (request.script === undefined) await writeFile(join(run.job, "interactive"), "");
  else await writeFile(join(run.job, "job.sh"), request.script);
}
