// What it costs to read a large capture: aod packets beside tshark with the same summary, connections and response times by command.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { repoRoot } from "../lab/paths.ts";
import { AodError } from "../src/system/error.ts";
import { table, whole } from "./numbers.ts";
import { enlarge } from "./packets-capture.ts";

const MIB = 1024 * 1024;
const POLL_MS = 50;
/** USER_HZ of Linux, on every architecture of today. */
const TICKS = 100;

interface Cost {
  /** What was computed with, of the machine's processors; hardly depends on what else it does. */
  readonly cpuSeconds: number;
  readonly seconds: number;
  /** Most memory at a time. */
  readonly rssMib: number;
}

export interface PacketsRun extends Cost {
  readonly program: "aod" | "tshark";
  readonly mib: number;
  readonly packets: number;
  /** Requests with an answer that it found. */
  readonly answered: number;
}

/** Sizes in MiB; tshark reads those up to `tsharkMib`. */
export async function measurePackets(sizes: readonly number[], tsharkMib: number): Promise<readonly PacketsRun[]> {
  const source = readFileSync(join(repoRoot, "test/fixtures/captures/smb2.pcap"));
  const runs: PacketsRun[] = [];
  const directory = mkdtempSync(join(tmpdir(), "aod-bench-"));
  try {
    for (const mib of sizes) {
      const path = join(directory, `${mib}.pcap`);
      const { packets } = enlarge(source, path, { bytes: mib * MIB, port: 445, setUp: 22, repeats: 200 });
      const aod = await cost([join(repoRoot, "bin/aod"), "packets", path, "--json"]);
      runs.push({ program: "aod", mib, packets, answered: answeredByAod(aod.output), ...aod.cost });
      if (mib <= tsharkMib) {
        const tshark = await cost(["tshark", "-r", path, "-q", "-z", "conv,tcp", "-z", "smb2,srt"]);
        runs.push({ program: "tshark", mib, packets, answered: answeredByTshark(tshark.output), ...tshark.cost });
      }
      rmSync(path);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  return runs;
}

export function packetsText(runs: readonly PacketsRun[]): string {
  const head = ["", "MiB", "packets", "requests", "CPU s", "MiB per CPU s", "s", "most MiB of memory"];
  const rows = runs.map(({ program, mib, packets, answered, cpuSeconds, seconds, rssMib }) => [
    program,
    ...[mib, packets, answered].map(whole),
    cpuSeconds.toFixed(1),
    (mib / cpuSeconds).toFixed(1),
    seconds.toFixed(1),
    whole(rssMib),
  ]);
  return table([head, ...rows]);
}

async function cost(argv: readonly [string, ...string[]]): Promise<{ readonly cost: Cost; readonly output: string }> {
  const [program, ...args] = argv;
  const started = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  const pieces: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  const seen = watch(child);
  const status = await ended;
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new AodError("failed", `${argv.join(" ")} ended with status ${status}`);
  return { cost: { ...(await seen), seconds }, output: Buffer.concat(pieces).toString() };
}

/** Until it has ended: what the kernel last said of it. */
async function watch(child: ChildProcess): Promise<Omit<Cost, "seconds">> {
  let [cpuSeconds, rssMib] = [0, 0];
  while (child.exitCode === null && child.signalCode === null) {
    try {
      const stat = readFileSync(`/proc/${child.pid}/stat`, "latin1");
      const [user = 0, system = 0] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(11, 13)
        .map(Number);
      const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "latin1"))?.[1] ?? 0);
      cpuSeconds = Math.max(cpuSeconds, (user + system) / TICKS);
      rssMib = Math.max(rssMib, peak / 1024);
    } catch {
      // It has just ended.
    }
    await sleep(POLL_MS);
  }
  return { cpuSeconds, rssMib };
}

function answeredByAod(output: string): number {
  const total = JSON.parse(output.trim().split("\n").at(-1) ?? "{}") as { commands: readonly { answered: number }[] };
  return total.commands.reduce((sum, { answered }) => sum + answered, 0);
}

/** `    5  Create                     35   0.004961 ...` of its table. */
function answeredByTshark(output: string): number {
  return [...output.matchAll(/^ +\d+ {2}\S.*? +(\d+)(?: +\d+\.\d+){4}$/gm)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  );
}
