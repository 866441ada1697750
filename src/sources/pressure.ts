import { join } from "node:path";
import type { PressureSample } from "../detect/observation.ts";
import { type PressureCounters, parsePressureCounters } from "../system/pressure.ts";
import { difference } from "./counters.ts";
import { readText } from "./read.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";

const LIMIT_BYTES = 256 * 1024;
const resources = ["cpu", "memory", "io"] as const;

/** CPU, memory and pressure of the machine. */
export function pressureSource({ procRoot, clock }: SourceRoots): Source {
  let before: { readonly counters: PressureCounters; readonly nowNs: number } | undefined;
  return {
    name: "pressure",
    summary: "/proc/pressure, /proc/stat, /proc/meminfo",
    timeoutMs: 5000,
    everyNs: ({ trouble, idle }) => (trouble ? 1e9 : idle ? 30e9 : 10e9),
    read(): Outcome {
      const read = (path: string): string | undefined => readIfCounted(join(procRoot, path))?.text;
      const pressure: Record<string, string | undefined> = {};
      for (const resource of resources) pressure[resource] = read(`pressure/${resource}`);
      const counters = parsePressureCounters({ stat: read("stat"), meminfo: read("meminfo"), pressure });
      const nowNs = clock.nowNs();
      const sample = before === undefined ? undefined : sampleOf(counters, before.counters, nowNs - before.nowNs);
      before = { counters, nowNs };
      const lacks = [
        ...(counters.stalled.size === 0 ? ["this kernel does not count pressure (psi=1, CONFIG_PSI)"] : []),
        ...(counters.cpu === undefined ? ["no /proc/stat"] : []),
      ];
      return {
        observations: sample === undefined ? [] : [{ type: "pressure", nowNs, sample }],
        ...(lacks.length === 0 ? {} : { degraded: lacks.join("; ") }),
      };
    },
  };
}

/** A kernel with psi=0 has the files, and they cannot be opened. */
function readIfCounted(path: string) {
  try {
    return readText(path, LIMIT_BYTES);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EOPNOTSUPP") return undefined;
    throw error;
  }
}

function sampleOf(now: PressureCounters, before: PressureCounters, intervalNs: number): PressureSample {
  const total = difference(now.cpu?.total ?? 0, before.cpu?.total ?? 0) ?? 0;
  const cpuShare = (name: "busy" | "iowait"): number | undefined =>
    total === 0 ? undefined : share(difference(now.cpu?.[name] ?? 0, before.cpu?.[name] ?? 0), total);
  const stalledShare = (name: string): number | undefined => {
    const value = now.stalled.get(name);
    const old = before.stalled.get(name);
    if (value === undefined || old === undefined) return undefined;
    return share(difference(value, old), intervalNs / 1000);
  };
  const bytes = (name: string): number | undefined => {
    const kib = now.memory.get(name);
    return kib === undefined ? undefined : kib * 1024;
  };
  const facts = {
    cpuBusy: cpuShare("busy"),
    cpuIoWait: cpuShare("iowait"),
    tasksBlocked: now.tasksBlocked,
    memoryTotalBytes: bytes("MemTotal"),
    memoryAvailableBytes: bytes("MemAvailable"),
    dirtyBytes: bytes("Dirty"),
    writebackBytes: bytes("Writeback"),
    cpuSome: stalledShare("cpu some"),
    memorySome: stalledShare("memory some"),
    memoryFull: stalledShare("memory full"),
    ioSome: stalledShare("io some"),
    ioFull: stalledShare("io full"),
  };
  const known = Object.entries(facts).filter(([, value]) => value !== undefined);
  return { intervalNs, ...(Object.fromEntries(known) as Omit<PressureSample, "intervalNs">) };
}

/** Counters of one file are of slightly different moments. */
function share(part: number | undefined, whole: number): number | undefined {
  return part === undefined || !(whole > 0) ? undefined : Math.min(1, part / whole);
}
