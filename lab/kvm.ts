import { spawn } from "node:child_process";
import { access, constants, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BootKernel, Say } from "./cache.ts";
import { trialArguments } from "./qemu.ts";

const trialMs = 8_000;

/**
 * Whether /dev/kvm runs a kernel. A device that is there may still not work (nested virtualisation), so a small guest
 * is booted once per boot of the host and the verdict is kept in the cache.
 */
export async function kvmWorks(
  cache: string,
  kernel: BootKernel,
  launcher: readonly [string, ...string[]],
  say: Say,
): Promise<boolean> {
  const usable = await access("/dev/kvm", constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!usable) return false;
  const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  const verdictFile = join(cache, "kvm.json");
  const kept = await readVerdict(verdictFile);
  if (kept?.bootId === bootId) return kept.works;
  const works = await trialBoot(launcher, trialArguments(kernel));
  say(works ? "KVM: trial boot works" : "KVM: /dev/kvm is there but a trial boot does not work; software emulation");
  const partial = `${verdictFile}.${process.pid}`;
  await writeFile(partial, JSON.stringify({ bootId, works }));
  await rename(partial, verdictFile);
  return works;
}

async function readVerdict(path: string): Promise<{ bootId: string; works: boolean } | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as { bootId: string; works: boolean };
  } catch {
    // A damaged verdict is no verdict: the trial is made again.
    return undefined;
  }
}

function trialBoot(launcher: readonly [string, ...string[]], args: readonly string[]): Promise<boolean> {
  const [program, ...before] = launcher;
  return new Promise((resolve) => {
    const child = spawn(program, [...before, ...args], { stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    let works = false;
    const timer = setTimeout(() => child.kill("SIGKILL"), trialMs);
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      output += text;
      if (!output.includes("lab: trial boot works")) return;
      works = true;
      child.kill("SIGKILL");
    });
    child.on("error", () => {
      clearTimeout(timer);
      resolve(false);
    });
    child.on("close", () => {
      clearTimeout(timer);
      resolve(works);
    });
  });
}
