import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Lab } from "../../lab/guest/lab.ts";
import { AodError } from "../../src/system/error.ts";
import { type Contender, isOurs } from "../contenders.ts";

const repo = resolve(import.meta.dirname, "../..");
/** s of the guest, in which a program that is not idle executes as many thousand million instructions. */
const startLimit = 120;

/** Starts a contender and returns once it has said that it is attached; the result ends it. */
export async function attachTool(lab: Lab, contender: Contender): Promise<() => Promise<void>> {
  const [program = "", ...args] = contender.argv;
  // What it prints goes to memory: neither a terminal nor the host is in the figures.
  const out = join(lab.work, "contender.out");
  const err = join(lab.work, "contender.err");
  const started = lab.start([isOurs(contender) ? join(repo, "bin", program) : program, ...args], {
    cwd: lab.work,
    stdout: out,
    stderr: err,
    env: { PYTHONUNBUFFERED: "1", ...lab.aodEnvironment, ...kernelSource() },
  });
  const detach = async (): Promise<void> => {
    await started.stop("SIGINT", startLimit * 1000);
  };
  try {
    // Each of them prints its heading when it is attached.
    await lab.until(`${contender.name} is attached`, startLimit, () => {
      if (!started.running) throw new AodError("failed", readFileSync(err, "utf8").trim().slice(-500));
      return saysAttached(readFileSync(out, "utf8"));
    });
  } catch (error) {
    await detach();
    throw error;
  }
  return detach;
}

/** bpftrace says in its first line that it is going to attach, and then runs BEGIN. */
function saysAttached(text: string): boolean {
  return text.replace(/^Attaching \d+ probes?\.\.\.\n/, "").includes("\n");
}

/** bpfcc compiles against the kernel's headers; the host says where it has put them. */
function kernelSource(): Readonly<Record<string, string>> {
  const path = process.env.AOD_BENCH_KERNEL_SOURCE;
  return path === undefined ? {} : { BCC_KERNEL_SOURCE: path };
}
