import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Lab } from "../../lab/guest/lab.ts";
import { AodError } from "../../src/system/error.ts";
import { type Contender, contenders, isOurs } from "../contenders.ts";
import type { ToolRound, ToolsRequest, ToolsResult } from "../request.ts";
import { places } from "./places.ts";

const repo = resolve(import.meta.dirname, "../..");
const warmUpFiles = 20;

/** The workload under each contender, in turn; what is attached has said that it is before the workload begins. */
export async function tools(lab: Lab, request: ToolsRequest): Promise<ToolsResult> {
  const chosen = contenders.filter(({ name }) => request.contenders.includes(name));
  const place = places[request.workload];
  await place.prepare(lab);
  await place.work(lab, warmUpFiles);
  const rounds: ToolRound[] = [];
  const failed = new Map<string, string>();
  for (let i = 0; i < request.rounds; i++) {
    for (const contender of chosen.filter(({ name }) => !failed.has(name))) {
      await lab.step(`round ${i + 1} of ${request.rounds}: ${contender.name}`, async () => {
        try {
          rounds.push(await round(lab, contender, request));
        } catch (error) {
          // A tool that does not start on this kernel is a result of its own.
          if (contender.name === "off") throw error;
          failed.set(contender.name, error instanceof Error ? error.message : String(error));
        }
      });
      lab.writeJson("rounds.json", rounds);
    }
  }
  return { workload: request.workload, rounds, failed: Object.fromEntries(failed) };
}

async function round(lab: Lab, contender: Contender, { workload, files }: ToolsRequest): Promise<ToolRound> {
  const place = places[workload];
  const detach = await attach(lab, contender);
  try {
    await place.work(lab, warmUpFiles);
    const { elapsedNs, idleNs } = await place.work(lab, files);
    return { contender: contender.name, files, elapsedNs, idleNs };
  } finally {
    await detach();
  }
}

async function attach(lab: Lab, contender: Contender): Promise<() => Promise<void>> {
  const { argv, undo } = contender;
  if (argv === undefined) return async () => {};
  if (undo !== undefined) {
    await lab.run(argv);
    return async () => {
      await lab.run(undo);
    };
  }
  const [program = "", ...args] = argv;
  // What it prints goes to memory: neither a terminal nor the host is in the figures.
  const out = join(lab.work, "contender.out");
  const err = join(lab.work, "contender.err");
  const started = lab.start([isOurs(contender) ? join(repo, "bin", program) : program, ...args], {
    stdout: out,
    stderr: err,
    env: { PYTHONUNBUFFERED: "1", ...lab.aodEnvironment, ...kernelSource() },
  });
  // Each of them prints its heading when it is attached.
  await lab.until(`${contender.name} is attached`, 3600, () => {
    if (!started.running) throw new AodError("failed", readFileSync(err, "utf8").trim().slice(-500));
    return (
      readFileSync(out, "utf8").includes("\n") && !/^Attaching \d+ probes?\.\.\.\n$/.test(readFileSync(out, "utf8"))
    );
  });
  return async () => {
    await started.stop("SIGINT", 600_000);
  };
}

/** bpfcc compiles against the kernel's headers; the host says where it has put them. */
function kernelSource(): Readonly<Record<string, string>> {
  const path = process.env.AOD_BENCH_KERNEL_SOURCE;
  return path === undefined ? {} : { BCC_KERNEL_SOURCE: path };
}
