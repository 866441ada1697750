// npm run bench [-- cost|workload|daemon|ring|quiet|hour|anomalies|rush|syscalls|memory|detection|tools|packets|tables]: measures, prints, and stores under bench/results/.
// Without a name: all of them.
import { release } from "node:os";
import { resolve } from "node:path";
import { Command } from "commander";
import { AodError, messageOf } from "../src/system/error.ts";
import { type WorkloadName, workloads } from "./contenders.ts";
import { costFigures, costText } from "./cost.ts";
import { daemonFigures, daemonText } from "./daemon.ts";
import { detectionText, measureDetection } from "./detection.ts";
import { feedDaemon } from "./feed/run.ts";
import { anomalyPhases, hourPhases, memoryText, processesText, rushPhases, rushText } from "./feed.ts";
import { runInGuest, say } from "./guest.ts";
import { measurePackets, packetsText } from "./packets.ts";
import { requirePrograms } from "./programs.ts";
import { measureNative, quietConfig, quietFigures, quietText } from "./quiet.ts";
import type {
  DaemonRequest,
  DaemonResult,
  GuestRequest,
  MemoryResult,
  QuietRequest,
  QuietResult,
  RingRequest,
  RingRound,
  RoundsResult,
  SetName,
  SyscallsResult,
} from "./request.ts";
import { loads, ringSets, sets } from "./request.ts";
import { store } from "./results.ts";
import { ringFigures, ringText } from "./ring.ts";
import { toolFigures, toolsText } from "./tools.ts";
import { forgetKept, measureTools } from "./tools-run.ts";
import { resultOf, writeTables } from "./tools-tables.ts";
import { workloadFigures, workloadText } from "./workload.ts";

interface Options {
  readonly kernel: string[];
  readonly sets: string[];
  readonly files: string;
  readonly rounds: string;
  readonly seconds: string;
  readonly object?: string;
  readonly on: string[];
  readonly contenders: string[];
}

const hour = 3_600_000;

function requestOf(options: Partial<Options>, fixed: Pick<GuestRequest, "kind" | "statistics">): GuestRequest {
  const unknown = (options.sets ?? []).filter((set) => !(sets as readonly string[]).includes(set));
  if (unknown.length > 0) throw new AodError("usage", `there is no set ${unknown.join(", ")}: ${sets.join(", ")}`);
  return {
    ...fixed,
    sets: (options.sets ?? []) as SetName[],
    ...(options.object === undefined ? {} : { object: resolve(options.object) }),
    rounds: Number(options.rounds ?? 1),
    files: Number(options.files ?? 1),
    seconds: Number(options.seconds ?? 0),
  };
}

/** Prints, and stores what was asked for in full. */
async function finish<T>(name: string, kernel: string, release: string, text: string, result: T): Promise<void> {
  const command = `npm run bench -- ${process.argv.slice(2).join(" ")}`.trim();
  const path = await store(`${name}-${kernel}`, { command, release, result });
  console.log(`\n${name} on ${release}\n\n${text}\n\nstored: ${path}`);
}

async function cost(options: Options): Promise<void> {
  requirePrograms(["bpftool"]);
  for (const kernel of options.kernel) {
    const request = requestOf(options, { kind: "rounds", statistics: [true, false] });
    const run = await runInGuest<RoundsResult>(kernel, request, { icount: true, timeLimitMs: hour });
    const figures = costFigures(run.result);
    await finish("cost", kernel, run.kernel.release, costText(figures), { request, ...figures, ...run.result });
  }
}

async function workload(options: Options): Promise<void> {
  requirePrograms(["bpftool", ...(options.sets.includes("trace-cmd") ? ["trace-cmd"] : [])]);
  for (const kernel of options.kernel) {
    const request = requestOf(options, { kind: "rounds", statistics: [false] });
    const run = await runInGuest<RoundsResult>(kernel, request, { icount: true, timeLimitMs: 2 * hour });
    const figures = workloadFigures(run.result);
    await finish("workload", kernel, run.kernel.release, workloadText(figures), { request, ...figures, ...run.result });
  }
}

/** Idle time passes as on the host: the daemon lives by its seconds, and its programs come over the host's file system. */
async function daemon(options: Options): Promise<void> {
  for (const kernel of options.kernel) {
    const numbers = { rounds: Number(options.rounds), files: Number(options.files) };
    const request: DaemonRequest = { kind: "daemon", loads, ...numbers };
    const how = { icount: true, idleWaits: true, timeLimitMs: 2 * hour };
    const run = await runInGuest<DaemonResult>(kernel, request, how);
    const figures = daemonFigures(run.result);
    await finish("daemon", kernel, run.kernel.release, daemonText(figures), { request, ...figures, ...run.result });
  }
}

/** What the packet ring costs where nobody is charged with it: the figures that its budget is judged by. */
async function ring(options: Options): Promise<void> {
  for (const kernel of options.kernel) {
    const numbers = { rounds: Number(options.rounds), files: Number(options.files) };
    const request: RingRequest = { kind: "ring", sets: ringSets, ...numbers };
    const how = { icount: true, idleWaits: true, timeLimitMs: hour };
    const run = await runInGuest<readonly RingRound[]>(kernel, request, how);
    const figures = ringFigures(run.result);
    await finish("ring", kernel, run.kernel.release, ringText(figures), { request, figures, rounds: run.result });
  }
}

/** A real daemon with its defaults; what it is fed is of this machine's making. */
async function feed(name: "hour" | "anomalies" | "rush", options: Options): Promise<void> {
  const seconds = Number(options.seconds);
  const phases = { hour: hourPhases, anomalies: anomalyPhases, rush: rushPhases }[name](seconds);
  const result = await feedDaemon(phases, Math.max(1, seconds / 100), "", say);
  const text =
    name === "rush" ? [rushText(result), memoryText(result.samples)].join("\n\n") : memoryText(result.samples);
  await finish(name, "host", release(), text, { phases, ...result });
}

async function quiet(options: Options): Promise<void> {
  const seconds = Number(options.seconds);
  for (const kernel of options.kernel) {
    const request: QuietRequest = { kind: "quiet", phases: ["none", "mount"], seconds, config: quietConfig };
    const how = { icount: true, idleWaits: true, timeLimitMs: hour };
    const [native, run] = await Promise.all([measureNative(seconds), runInGuest<QuietResult>(kernel, request, how)]);
    const figures = quietFigures(run.result, native);
    const result = { request, native, ...figures, measured: run.result };
    await finish("quiet", kernel, run.kernel.release, quietText(figures), result);
  }
}

async function syscalls(options: Options): Promise<void> {
  requirePrograms(["strace"]);
  for (const kernel of options.kernel) {
    const request = requestOf(options, { kind: "syscalls", statistics: [false] });
    const run = await runInGuest<SyscallsResult>(kernel, request, { icount: false, timeLimitMs: hour });
    const { table, calls, ticks, requests, seconds } = run.result;
    const rate = `${requests} requests in ${seconds} s (${Math.round(requests / seconds)}/s), ${ticks} ticks, ${calls} system calls`;
    await finish("syscalls", kernel, run.kernel.release, `${table.trim()}\n\n${rate}`, run.result);
  }
}

async function memory(options: Options): Promise<void> {
  for (const kernel of options.kernel) {
    const request = requestOf(options, { kind: "memory", statistics: [false] });
    const run = await runInGuest<MemoryResult>(kernel, request, { icount: false, timeLimitMs: hour });
    const { processes, flags, requests, seconds } = run.result;
    const head = `after ${seconds} s with traffic (${requests} requests); ${flags.join(" ")}`;
    const text = `${head}\n\n${processesText(processes)}`;
    await finish("memory", kernel, run.kernel.release, text, run.result);
  }
}

async function detection(options: Options): Promise<void> {
  for (const kernel of options.kernel) {
    const { release, result } = await measureDetection(kernel, Number(options.rounds));
    await finish("detection", kernel, release, detectionText(result), result);
  }
}

/** Each workload is stored as soon as it is measured, beside what is stored of the others. */
async function tools(options: Options): Promise<void> {
  for (const kernel of options.kernel) {
    for (const workload of options.on.map(workloadNamed)) {
      const numbers = { rounds: Number(options.rounds), files: Number(options.files) };
      const measured = await measureTools({ kernel, workload, contenders: options.contenders, ...numbers });
      const text = toolsText(toolFigures(measured.turns, measured.files));
      if (options.contenders.length > 0) {
        console.log(`\n${workload} on ${measured.release}\n\n${text}\n\nnot stored: not all contenders`);
        continue;
      }
      const result = { ...resultOf(kernel)?.result, [workload]: measured };
      await finish("tools", kernel, measured.release, `${workload}\n\n${text}`, result);
      forgetKept(kernel, workload);
    }
  }
  writeTables();
}

async function packets({ mib, tsharkMib }: { readonly mib: string[]; readonly tsharkMib: string }): Promise<void> {
  requirePrograms(["tshark"]);
  const runs = await measurePackets(mib.map(Number), Number(tsharkMib));
  const command = `npm run bench -- ${process.argv.slice(2).join(" ")}`.trim();
  const path = await store("packets", { command, release: release(), result: { runs } });
  console.log(`\npackets\n\n${packetsText(runs)}\n\nstored: ${path}`);
}

function workloadNamed(name: string): WorkloadName {
  const found = workloads.find((workload) => workload === name);
  if (found === undefined) throw new AodError("usage", `there is no workload ${name}: ${workloads.join(", ")}`);
  return found;
}

const program = new Command("bench").description(
  "Measures in the lab, prints the figures, stores them in bench/results/.",
);
const both = ["6.1", "6.12"];
const full: (() => Promise<void>)[] = [];

interface Defaults extends Partial<Omit<Options, "kernel">> {
  readonly kernel: string[];
}

function add(name: string, description: string, defaults: Defaults, action: (options: Options) => Promise<void>): void {
  const command = program.command(name).description(description);
  const option = (flag: string, text: string, value: string | string[] | undefined): void => {
    if (value !== undefined) command.option(flag, text, value);
  };
  option("--kernel <names...>", "kernels of the lab", defaults.kernel);
  option("--sets <names...>", `any of ${sets.join(", ")}`, defaults.sets);
  option("--files <n>", "files that a round creates, writes, syncs and closes", defaults.files);
  option("--rounds <n>", "rounds of each set, in turn; faults of each kind", defaults.rounds);
  option("--seconds <n>", "how long", defaults.seconds);
  option("--on <workloads...>", `any of ${workloads.join(", ")}`, defaults.on);
  option("--contenders <names...>", "what is attached in turn; absent: all that fit the workload", defaults.contenders);
  command.option("--object <file>", "the BPF object of ours, instead of the built one");
  command.action(action);
  full.push(() => action(defaults as Options));
}

add(
  "cost",
  "guest instructions per request in BPF programs, by the kernel's statistics",
  { kernel: both, sets: ["off", "empty", "bare", "hash", "ours"], files: "300", rounds: "5" },
  cost,
);
add(
  "workload",
  "guest instructions per request of the whole workload",
  { kernel: ["6.12"], sets: ["off", "empty", "ours", "aod", "trace-cmd"], files: "2000", rounds: "10" },
  workload,
);
add(
  "daemon",
  "guest instructions per request with the daemon off and on, packet ring included",
  { kernel: ["6.12"], files: "3000", rounds: "5" },
  daemon,
);
add(
  "ring",
  "guest instructions of the packet ring, in tcpdump and in the kernel",
  { kernel: ["6.12"], files: "1500", rounds: "3" },
  ring,
);
add(
  "quiet",
  "processor time of the daemon and all its helpers while nothing happens",
  { kernel: ["6.12"], seconds: "120" },
  quiet,
);
add(
  "hour",
  "memory over an hour of traffic that is fed to the daemon on this machine",
  { kernel: [], seconds: "3600" },
  (o) => feed("hour", o),
);
add("anomalies", "memory over 100,000 anomalies, fed likewise", { kernel: [], seconds: "300" }, (o) =>
  feed("anomalies", o),
);
add("rush", "losses at 20,000 requests a second, fed one by one", { kernel: [], seconds: "60" }, (o) =>
  feed("rush", o),
);
add("syscalls", "system calls of aod-probe under load", { kernel: ["6.12"], seconds: "10" }, syscalls);
add("memory", "memory of the daemon and its helper under load", { kernel: both, seconds: "60" }, memory);
add("detection", "time to the first capture", { kernel: both, rounds: "5" }, detection);
add(
  "tools",
  "what each tracing tool costs a workload, beside the reference tools",
  { kernel: ["6.12"], on: [...workloads], contenders: [], files: "100", rounds: "5" },
  tools,
);
program
  .command("packets")
  .description("what aod packets needs for large captures, beside tshark")
  .option("--mib <sizes...>", "sizes of the captures", ["128", "1024"])
  .option("--tshark-mib <size>", "the largest that tshark gets", "1024")
  .action(packets);
full.push(() => packets({ mib: ["128", "1024"], tsharkMib: "1024" }));
program
  .command("tables")
  .description("writes the tables of the tools in README.md and docs/overhead.md from what is stored")
  .action(writeTables);
program.action(async () => {
  for (const action of full) await action();
});

try {
  await program.parseAsync();
} catch (error) {
  say(messageOf(error));
  process.exitCode = error instanceof AodError ? error.exitStatus : 1;
}
