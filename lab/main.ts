import { Command } from "commander";
import { AodError, messageOf } from "../src/system/error.ts";
import { ensureKernel } from "./cache.ts";
import { defaultKernel, kernelLine, kernelLines } from "./kernels.ts";
import { groupsOf, machineFor, runMatrix, treeState, writeSummary } from "./matrix.ts";
import { recordPasses } from "./passes.ts";
import { cacheRoot, passesFile } from "./paths.ts";
import { defaultMachine, type MachineOptions, type Preemption } from "./qemu.ts";
import { quoteArgv } from "./quote.ts";
import { Results } from "./results.ts";
import { loadScenarios, runGroup, type Verdict } from "./run.ts";
import { commitText, storeReport, writeKernelsDocument } from "./support-store.ts";
import { boot, createRun } from "./vm.ts";

const say = (line: string): void => {
  process.stderr.write(`lab: ${line}\n`);
};

interface MachineFlags {
  readonly kernel: string;
  readonly memory: string;
  readonly cpus: string;
  readonly icount?: boolean;
  readonly preempt?: Preemption;
  readonly systemd?: boolean;
  readonly append?: string[];
  readonly timeLimit: string;
}

function withMachineOptions(command: Command): Command {
  return command
    .option("--kernel <name>", "kernel to boot", defaultKernel)
    .option("--memory <MiB>", "memory of the guest", String(defaultMachine.memoryMiB))
    .option("--cpus <n>", "processors of the guest", String(defaultMachine.cpus))
    .option("--icount", "guest time counts instructions, on one processor")
    .option("--preempt <none|voluntary|full>", "preemption model of the kernel")
    .option("--systemd", "the host's systemd as PID 1")
    .option("--append <words...>", "more words for the kernel's command line")
    .option("--time-limit <seconds>", "end the guest after this time", "600");
}

function machineOf(flags: MachineFlags): MachineOptions {
  return {
    cpus: Number(flags.cpus),
    memoryMiB: Number(flags.memory),
    icount: flags.icount ?? false,
    append: flags.append ?? [],
    ...(flags.preempt === undefined ? {} : { preempt: flags.preempt }),
    ...(flags.systemd === true ? { init: "systemd" as const } : {}),
  };
}

function kernelOf(name: string, refresh = false): ReturnType<typeof ensureKernel> {
  return ensureKernel(cacheRoot(process.env), kernelLine(name), say, { refresh });
}

const program = new Command("lab").description(
  "Real kernels with real servers in QEMU, and the faults injected there.",
);

program
  .command("fetch")
  .argument("[kernels...]", `any of ${kernelLines.map((line) => line.name).join(", ")}; all when none is named`)
  .option("--refresh", "look for newer packages even when one is cached")
  .description("fetch, check and prepare kernels")
  .action(async (names: string[], flags: { refresh?: boolean }) => {
    for (const name of names.length > 0 ? names : kernelLines.map((line) => line.name)) {
      const kernel = await kernelOf(name, flags.refresh ?? false);
      console.log(`${kernel.line}\t${kernel.release}\t${kernel.image}`);
    }
  });

withMachineOptions(program.command("shell"))
  .description("boot to a shell on this terminal")
  .action(async (flags: MachineFlags) => {
    const kernel = await kernelOf(flags.kernel);
    const run = await createRun(`${kernel.line}-shell`);
    await boot({
      kernel,
      machine: machineOf(flags),
      run,
      cwd: process.cwd(),
      // A person may think longer than any script runs.
      timeLimitMs: 24 * 3600 * 1000,
      onOut: () => {},
      onErr: () => {},
      say,
    });
  });

withMachineOptions(program.command("exec"))
  .argument("<script-or-argv...>", "one word is a shell script, several are a program and its arguments")
  .option("--quiet", "do not tell boot time and console")
  .description("boot, run one command as root, print its output, exit with its status")
  .action(async (words: string[], flags: MachineFlags & { quiet?: boolean }) => {
    const kernel = await kernelOf(flags.kernel);
    const run = await createRun(`${kernel.line}-exec`);
    const outcome = await boot({
      kernel,
      machine: machineOf(flags),
      run,
      script: words.length === 1 ? `${words[0]}\n` : `exec ${quoteArgv(words)}\n`,
      cwd: process.cwd(),
      timeLimitMs: Number(flags.timeLimit) * 1000,
      onOut: (chunk) => process.stdout.write(chunk),
      onErr: (chunk) => process.stderr.write(chunk),
      say,
    });
    if (flags.quiet !== true) {
      const seconds = (ms: number): string => (ms / 1000).toFixed(1);
      say(
        `${kernel.release}: boot ${seconds(outcome.bootMs)} s, all ${seconds(outcome.totalMs)} s; console ${run.console}`,
      );
    }
    process.exitCode = outcome.status;
  });

function collectSetting(word: string, earlier: Record<string, string>): Record<string, string> {
  const at = word.indexOf("=");
  if (at <= 0) throw new AodError("usage", `--set wants KEY=VALUE, not ${word}`);
  return { ...earlier, [word.slice(0, at)]: word.slice(at + 1) };
}

function printVerdicts(verdicts: readonly Verdict[]): void {
  for (const verdict of verdicts) {
    const took = `${(verdict.tookMs / 1000).toFixed(1)} s`;
    const how = verdict.failure === undefined ? "pass" : "FAIL";
    console.log(`${how}\t${verdict.scenario}\t${verdict.release}\t${took}\t${verdict.directory}`);
    if (verdict.failure !== undefined) console.log(verdict.failure.replace(/^/gm, "    "));
  }
}

interface RunFlags extends MachineFlags {
  readonly set: Record<string, string>;
  readonly record?: boolean;
}

async function runAndPrint(names: readonly string[], flags: RunFlags): Promise<void> {
  const all = await loadScenarios();
  const scenarios = names.map((name) => {
    const found = all.find((scenario) => scenario.name === name);
    if (found === undefined) throw new AodError("usage", `unknown scenario ${name}; see lab list`);
    return found;
  });
  const kernel = await kernelOf(flags.kernel);
  if (groupsOf(scenarios).length > 1)
    throw new AodError("usage", "these scenarios do not share a boot: run them one by one");
  const machine = machineFor(scenarios, machineOf(flags));
  // As it is now: somebody may work in the checkout meanwhile.
  const tree = flags.record === true ? await treeState() : undefined;
  const result = await runGroup({ kernel, machine, scenarios, settings: flags.set, say });
  for (const verdict of result.verdicts) {
    const scenario = scenarios.find(({ name }) => name === verdict.scenario);
    if (verdict.failure !== undefined || scenario?.present === undefined) continue;
    const settings = { ...scenario.settings, ...flags.set };
    console.log(await scenario.present(new Results(verdict.directory, verdict.kernel, settings)));
  }
  printVerdicts(result.verdicts);
  const times = result.bootMs === undefined ? "" : `boot ${(result.bootMs / 1000).toFixed(1)} s; `;
  say(`${times}console ${result.console}`);
  if (tree !== undefined) await recordPasses(passesFile, result.verdicts, tree, new Date(), flags.set);
  process.exitCode = result.verdicts.some((verdict) => verdict.failure !== undefined) ? 1 : 0;
}

withMachineOptions(program.command("run"))
  .argument("<scenarios...>", "scenarios, run one after the other in one boot")
  .option("--set <key=value>", "change a setting of the scenario", collectSetting, {})
  .option("--record", "keep what passes in bench/results/lab-passes.json, with the commit")
  .description("boot, run scenarios, judge what they left")
  .action(runAndPrint);

withMachineOptions(program.command("demo"))
  .option("--set <key=value>", "change a setting of the demo", collectSetting, {})
  .description("the scenario demo: a share turns slow, and AOD has the evidence from before it happened")
  .action((flags: RunFlags) => runAndPrint(["demo"], flags));

program
  .command("full")
  .option("--kernel <names...>", "only these kernels")
  .option("--record", "keep a summary under bench/results/")
  .description("run all scenarios on all kernels; what passed on the same state of the checkout is not run again")
  .action(async (flags: { kernel?: string[]; record?: boolean }) => {
    const verdicts = await runMatrix({
      thinOnly: false,
      resume: true,
      say,
      ...(flags.kernel === undefined ? {} : { kernels: flags.kernel }),
    });
    printVerdicts(verdicts);
    if (flags.record === true) say(await writeSummary(verdicts, new Date()));
    process.exitCode = verdicts.some((verdict) => verdict.failure !== undefined) ? 1 : 0;
  });

program
  .command("support")
  .option("--kernel <names...>", "only these kernels; of the others the document keeps what is stored")
  .description("try every probe and tool on every kernel and write docs/kernels.md")
  .action(async (flags: { kernel?: string[] }) => {
    const [scenario] = (await loadScenarios()).filter(({ name }) => name === "support");
    if (scenario === undefined) throw new AodError("failed", "there is no scenario support");
    const commit = await commitText();
    const verdicts: Verdict[] = [];
    for (const name of flags.kernel ?? kernelLines.map((line) => line.name)) {
      const run = await runGroup({ kernel: await kernelOf(name), machine: defaultMachine, scenarios: [scenario], say });
      verdicts.push(...run.verdicts);
      for (const { directory, kernel, release } of run.verdicts) {
        await storeReport(new Results(directory, kernel, {}), { release, commit, date: new Date().toISOString() });
      }
    }
    await writeKernelsDocument();
    printVerdicts(verdicts);
    process.exitCode = verdicts.some((verdict) => verdict.failure !== undefined) ? 1 : 0;
  });

program
  .command("list")
  .description("list kernels and scenarios")
  .action(async () => {
    for (const line of kernelLines) console.log(`kernel\t${line.name}\t${line.suites.join(", ")}`);
    for (const scenario of await loadScenarios()) {
      const settings = Object.entries(scenario.settings ?? {}).map(([key, value]) => ` ${key}=${value}`);
      console.log(
        `scenario\t${scenario.name}\t${scenario.summary}${settings.length > 0 ? ` [${settings.join("").trim()}]` : ""}`,
      );
    }
  });

try {
  await program.parseAsync();
} catch (error) {
  say(messageOf(error));
  process.exitCode = error instanceof AodError ? error.exitStatus : 1;
}
