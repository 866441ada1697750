import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AodError, messageOf } from "../src/system/error.ts";
import type { BootKernel, Say } from "./cache.ts";
import { repoRoot } from "./paths.ts";
import type { MachineOptions } from "./qemu.ts";
import { quoteArgv } from "./quote.ts";
import { Results } from "./results.ts";
import { type GuestOutcome, type GuestRequest, patience, type Scenario } from "./scenario.ts";
import { boot, createRun } from "./vm.ts";

const scenarioDirectory = join(import.meta.dirname, "scenarios");
const bootAllowanceSeconds = 60;
const endAllowanceSeconds = 60;

/** All scenarios, in the order of their names. */
export async function loadScenarios(): Promise<Scenario[]> {
  const files = (await readdir(scenarioDirectory)).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
  return Promise.all(
    files.sort().map(async (file) => {
      const { default: scenario } = (await import(join(scenarioDirectory, file))) as { default?: Scenario };
      if (scenario?.name !== file.slice(0, -".ts".length)) {
        throw new AodError("failed", `lab/scenarios/${file} does not export a scenario of its name as default`);
      }
      return scenario;
    }),
  );
}

export function runsOn(scenario: Scenario, kernel: string): boolean {
  return scenario.kernels === undefined || scenario.kernels.only.includes(kernel);
}

/** How one scenario went on one kernel. */
export interface Verdict {
  readonly scenario: string;
  readonly kernel: string;
  readonly release: string;
  /** Absent: passed. */
  readonly failure?: string;
  /** In the guest, without boot. */
  readonly tookMs: number;
  /** Its result files. */
  readonly directory: string;
}

export interface GroupRequest {
  readonly kernel: BootKernel;
  readonly machine: MachineOptions;
  readonly scenarios: readonly Scenario[];
  readonly settings?: Readonly<Record<string, string>>;
  readonly say: Say;
}

export interface GroupResult {
  readonly verdicts: readonly Verdict[];
  readonly bootMs?: number;
  readonly totalMs?: number;
  readonly console: string;
}

/**
 * A breakpoint exception in the kernel is the emulator's: the kernel patches its code by way of breakpoints, and a
 * processor with a thread of its own in QEMU may still run a translation from before (docs/decisions/0005-lab-emulation.md).
 */
export function isEmulatorFault(consoleLog: string): boolean {
  return /\bint3: 0000 \[#/.test(consoleLog);
}

/**
 * Runs scenarios one after the other in one boot; their expectations are evaluated here afterwards. A run that a fault
 * of the emulator spoilt is made once more, and that is told.
 */
export async function runGroup(request: GroupRequest): Promise<GroupResult> {
  const first = await runOnce(request);
  if (first.verdicts.every((verdict) => verdict.failure === undefined)) return first;
  if (!isEmulatorFault(await readFile(first.console, "latin1"))) return first;
  request.say(`the emulator failed the kernel (int3 in ${first.console}); once more`);
  return runOnce(request);
}

async function runOnce(request: GroupRequest): Promise<GroupResult> {
  const { kernel, scenarios, say } = request;
  for (const key of Object.keys(request.settings ?? {})) {
    if (!scenarios.some((scenario) => scenario.settings !== undefined && key in scenario.settings)) {
      throw new AodError("usage", `no scenario of this run has a setting ${key}`);
    }
  }
  const names = scenarios.map((scenario) => scenario.name);
  const run = await createRun(`${kernel.line}-${names.length === 1 ? names[0] : `${names.length}-scenarios`}`);
  await mkdir(join(run.job, "out"));
  const guestRequest: GuestRequest = {
    kernel: kernel.line,
    release: kernel.release,
    scenarios: names,
    settings: request.settings ?? {},
  };
  await writeFile(join(run.job, "request.json"), JSON.stringify(guestRequest, null, 1));

  const started = performance.now();
  let driverOutput = "";
  const take = (chunk: Buffer): void => {
    driverOutput += chunk.toString();
  };
  const limit = scenarios.reduce(
    (sum, scenario) => sum + ((scenario.timeLimitSeconds ?? 120) + endAllowanceSeconds) * patience,
    0,
  );
  const driver = [process.execPath, "--no-warnings", join(repoRoot, "lab", "guest", "driver.ts")];
  const outcome = await boot({
    kernel,
    machine: request.machine,
    run,
    script: `exec ${quoteArgv(driver)}\n`,
    cwd: "/",
    timeLimitMs: (bootAllowanceSeconds + limit) * 1000 * (request.machine.icount ? 4 : 1),
    onOut: take,
    onErr: take,
    onEvent: (line) => say(`[${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s] ${line}`),
    say,
  }).catch((error: unknown) => messageOf(error));
  await writeFile(join(run.directory, "driver.log"), driverOutput);

  // What the guest did before it hung or died still counts.
  const lost =
    typeof outcome === "string" ? outcome : `the driver ended without it: ${driverOutput.trim().slice(-2000)}`;
  const verdicts: Verdict[] = [];
  for (const scenario of scenarios) {
    const directory = join(run.job, "out", scenario.name);
    const { failure, tookMs } = await judge(scenario, kernel.line, directory, request.settings ?? {}, lost);
    verdicts.push({
      scenario: scenario.name,
      kernel: kernel.line,
      release: kernel.release,
      tookMs,
      directory,
      ...(failure === undefined ? {} : { failure }),
    });
  }
  return {
    verdicts,
    console: run.console,
    ...(typeof outcome === "string" ? {} : { bootMs: outcome.bootMs, totalMs: outcome.totalMs }),
  };
}

async function judge(
  scenario: Scenario,
  kernel: string,
  directory: string,
  settings: Readonly<Record<string, string>>,
  lost: string,
): Promise<{ failure?: string; tookMs: number }> {
  const text = await readFile(join(directory, "outcome.json"), "utf8").catch(() => undefined);
  if (text === undefined) return { failure: lost, tookMs: 0 };
  const outcome = JSON.parse(text) as GuestOutcome;
  const { tookMs } = outcome;
  if (outcome.error !== undefined) return { failure: `in the guest: ${outcome.error}`, tookMs };
  const unexpected = outcome.kernelProblems.filter((line) => scenario.expectedKernelWarnings?.test(line) !== true);
  if (unexpected.length > 0) return { failure: `the kernel complained: ${unexpected.join("; ")}`, tookMs };
  try {
    await scenario.expect(new Results(directory, kernel, { ...scenario.settings, ...settings }));
    return { tookMs };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : messageOf(error), tookMs };
  }
}
