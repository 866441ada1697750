import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { type Clock, formatWall } from "./clock.ts";
import { messageOf } from "./error.ts";

export interface SampleLimits {
  /** s, default 120 */
  readonly maxAgeSeconds?: number;
  /** Bytes of JSON kept, default 256 KiB */
  readonly maxBytes?: number;
}

export interface SampleRing {
  /** Takes one sample. Call it once a second. Never throws: an unreadable file is named in the sample. */
  sample(): void;
  /** NDJSON lines, oldest first, each with its newline; `sinceNs`: CLOCK_MONOTONIC, only newer ones. */
  dump(sinceNs?: number): string[];
  /** Samples that were dropped for the byte limit before they were too old. */
  readonly dropped: number;
  close(): void;
}

interface Kept {
  readonly atNs: number;
  readonly line: string;
}

type Facts = Record<string, unknown>;

interface SampleFile {
  readonly path: string;
  readonly parse: (text: string) => Facts;
}

/** These come from counters in memory: reading them never waits, so they are read where we stand, from files that stay open. */
const files: readonly SampleFile[] = [
  { path: "stat", parse: parseStat },
  { path: "meminfo", parse: parseMeminfo },
  { path: "loadavg", parse: parseLoadavg },
  { path: "pressure/cpu", parse: (text) => ({ pressure_cpu: parsePressure(text) }) },
  { path: "pressure/memory", parse: (text) => ({ pressure_memory: parsePressure(text) }) },
  { path: "pressure/io", parse: (text) => ({ pressure_io: parsePressure(text) }) },
];

/** Reads /proc/stat, meminfo, loadavg and pressure/{cpu,memory,io} below procRoot into a ring with two limits, age and bytes. */
export function createSampleRing(procRoot: string, clock: Clock, limits: SampleLimits = {}): SampleRing {
  const maxAgeNs = (limits.maxAgeSeconds ?? 120) * 1e9;
  const maxBytes = limits.maxBytes ?? 256 * 1024;
  const open = files.map((file) => ({ ...file, read: keepOpen(join(procRoot, file.path)) }));
  const ring: Kept[] = [];
  let bytes = 0;
  let dropped = 0;
  const drop = (): void => {
    bytes -= ring.shift()?.line.length ?? 0;
  };
  return {
    sample() {
      const atNs = clock.nowNs();
      const facts: Facts = { time: formatWall(clock.wallMs()), monotonic_ns: atNs };
      const missing: Record<string, string> = {};
      for (const file of open) {
        try {
          Object.assign(facts, file.parse(file.read.text()));
        } catch (error) {
          missing[file.path] = messageOf(error);
        }
      }
      if (Object.keys(missing).length > 0) facts.missing = missing;
      const line = `${JSON.stringify(facts)}\n`;
      ring.push({ atNs, line });
      bytes += line.length;
      while (ring[0] !== undefined && ring[0].atNs < atNs - maxAgeNs) drop();
      while (bytes > maxBytes && ring.length > 0) {
        drop();
        dropped += 1;
      }
    },
    dump: (sinceNs = 0) => ring.filter((kept) => kept.atNs > sinceNs).map((kept) => kept.line),
    get dropped() {
      return dropped;
    },
    close() {
      for (const file of open) file.read.close();
    },
  };
}

/** Opened at the first use; what cannot be opened is tried again at the next. */
function keepOpen(path: string): { text(): string; close(): void } {
  let fd: number | undefined;
  // /proc/stat has a line per CPU and one for all interrupts; what is used stands at its beginning and end.
  const buffer = Buffer.alloc(64 * 1024);
  return {
    text() {
      fd ??= openSync(path, "r");
      return buffer.toString("latin1", 0, readSync(fd, buffer, 0, buffer.length, 0));
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

const cpuFields = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"] as const;

/** proc(5): times of all CPUs together in USER_HZ ticks since boot, then counters. */
function parseStat(text: string): Facts {
  const numbers = new Map<string, number[]>();
  for (const line of text.split("\n")) {
    const [name = "", ...values] = line.split(/\s+/);
    if (name !== "intr" && name !== "softirq") numbers.set(name, values.map(Number));
  }
  const cpu = numbers.get("cpu") ?? [];
  const facts: Facts = { cpu_ticks: Object.fromEntries(cpuFields.map((field, index) => [field, cpu[index] ?? 0])) };
  for (const name of ["ctxt", "processes", "procs_running", "procs_blocked"]) {
    const [value] = numbers.get(name) ?? [];
    if (value !== undefined) facts[name] = value;
  }
  return facts;
}

const memoryFields = new Set(
  "MemTotal MemFree MemAvailable Buffers Cached Dirty Writeback Slab SReclaimable SwapTotal SwapFree Committed_AS".split(
    " ",
  ),
);

/** In KiB, as the kernel prints it. */
function parseMeminfo(text: string): Facts {
  const memory: Record<string, number> = {};
  for (const [, name, value] of text.matchAll(/^(\w+):\s+(\d+)/gm)) {
    if (name !== undefined && memoryFields.has(name)) memory[name] = Number(value);
  }
  return { memory_kib: memory };
}

function parseLoadavg(text: string): Facts {
  const [one, five, fifteen] = text.split(" ").map(Number);
  return { loadavg: [one, five, fifteen] };
}

/** Documentation/accounting/psi.rst: shares of time in %, `total` in µs. */
function parsePressure(text: string): Facts {
  const lines = text.split("\n").filter((line) => line !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const [kind = "", ...pairs] = line.split(" ");
      return [kind, Object.fromEntries(pairs.map((pair) => [pair.split("=")[0] ?? "", Number(pair.split("=")[1])]))];
    }),
  );
}
