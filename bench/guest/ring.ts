import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../lab/guest/lab.ts";
import { parseCounts, tcpdumpArgv } from "../../src/flight-recorder/tcpdump.ts";
import { AodError } from "../../src/system/error.ts";
import type { RingRequest, RingRound, RingSet } from "../request.ts";
import { prepareShare, work } from "./share.ts";

const warmUpFiles = 50;
const server = { address: "127.0.0.1", port: 445 };
/** Nobody has this address (RFC 5737). */
const nobody = { address: "192.0.2.1", port: 445 };

/** The workload without the packet ring and with it, in turn, in one boot. */
export async function ring(lab: Lab, request: RingRequest): Promise<readonly RingRound[]> {
  await prepareShare(lab);
  await work(lab, warmUpFiles);
  const rounds: RingRound[] = [];
  for (let i = 0; i < request.rounds; i++) {
    for (const set of request.sets) {
      const name = `round ${i + 1} of ${request.rounds}: ${set}`;
      rounds.push(await lab.step(name, () => round(lab, set, request.files)));
      lab.writeJson("rounds.json", rounds);
    }
  }
  return rounds;
}

async function round(lab: Lab, set: RingSet, files: number): Promise<RingRound> {
  if (set === "off") {
    await work(lab, warmUpFiles);
    return { set, packets: 0, taken: 0, cpuNs: 0, ...(await work(lab, files)) };
  }
  const directory = join(lab.work, "ring");
  mkdirSync(directory);
  const log = join(lab.work, "ring.err");
  const said = (): string => readFileSync(log, "utf8");
  const tcpdump = lab.start(argvOf(set, directory), { stderr: log });
  await lab.until("tcpdump listens", 60, () => {
    if (!tcpdump.running) throw new AodError("failed", `tcpdump ended: ${said()}`);
    return said().includes("listening on");
  });
  await work(lab, warmUpFiles);
  const before = readingOf(tcpdump.pid);
  const worked = await work(lab, files);
  // It takes packets in blocks, after a second at the latest: what it does with the last ones is not in the time, but in its own.
  await lab.sleep(2);
  const after = readingOf(tcpdump.pid);
  await tcpdump.stop("SIGINT");
  const counts = parseCounts(said());
  rmSync(directory, { recursive: true });
  if (counts === undefined || counts.dropped > 0) throw new AodError("failed", `tcpdump lost packets: ${said()}`);
  const perFile = files / (files + warmUpFiles);
  return {
    set,
    ...worked,
    cpuNs: after.cpuNs - before.cpuNs,
    packets: after.packets - before.packets,
    // Of the warm-up too.
    taken: Math.round(counts.captured * perFile),
  };
}

function argvOf(set: Exclude<RingSet, "off">, directory: string): readonly string[] {
  const settings = { directory, snapLength: set === "snap-128" ? 128 : 256, fileMb: 2, files: 4, unbuffered: false };
  const argv = tcpdumpArgv({ ...settings, servers: [set === "filter" ? nobody : server] });
  return set === "twice" ? argv.map((word) => word.replace(" and inbound", "")) : argv;
}

/** The loopback's packets, and ns of CPU time (schedstat: sched-stats.rst of the kernel). */
function readingOf(pid: number | undefined): { readonly packets: number; readonly cpuNs: number } {
  const line = /^\s*lo:\s*(.*)$/m.exec(readFileSync("/proc/net/dev", "utf8"))?.[1] ?? "";
  const schedstat = readFileSync(`/proc/${pid}/schedstat`, "utf8");
  return { packets: Number(line.trim().split(/\s+/)[1]), cpuNs: Number(schedstat.split(" ")[0]) };
}
