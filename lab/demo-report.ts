import { copyFileSync, mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { readItem, readManifest } from "../src/bundle/reader.ts";
import { manifestLines } from "../src/cli/bundle-text.ts";
import type { SmbOpJson } from "../src/probe/op-json.ts";
import { repoRoot } from "./paths.ts";
import type { Results } from "./results.ts";
import type { DemoFacts } from "./scenarios/demo.ts";

const meaning = {
  queue: "waiting for credits or the connection",
  send: "handing it to the socket",
  wire: "network and server",
  wake: "until the caller ran again",
} as const;
const phases = ["queue", "send", "wire", "wake"] as const;

/** What the demo says at its end: what happened when, which phase took the time, what is in the bundle and where it lies on the host. */
export async function demoReport(results: Results): Promise<string> {
  const facts = results.json("demo.json") as DemoFacts;
  const kept = keep(results.path(facts.bundle), facts.bundle);
  const lines = (await readItem(kept, "ops.ndjson")).toString().trim().split("\n");
  const ops = lines.map((line) => JSON.parse(line) as SmbOpJson);
  return [
    "",
    "What happened (UTC)",
    ...happened(facts),
    "",
    "The operations in the bundle: median of each phase, and the slowest operation, in ms",
    table(ops, facts),
    "",
    `The phase that took the time: ${slowestPhase(ops, facts)}`,
    "",
    ...manifestLines(await readManifest(kept)),
    "",
    `The bundle is here: ${relative(process.cwd(), kept)}`,
    `Look at it:         bin/aod bundle show ${relative(process.cwd(), kept)}`,
    `The operations:     bin/aod bundle show ${relative(process.cwd(), kept)} --item ops.ndjson`,
  ].join("\n");
}

function happened({ fault, faultOver, incident }: DemoFacts): string[] {
  const moments: [time: string, what: string][] = [
    [fault, "the fault begins"],
    ...incident.anomalies.map(({ time, summary }): [string, string] => [time, summary]),
    [incident.opened, `AOD opens incident ${incident.id}`],
    [faultOver, "the fault is over"],
    [incident.closed ?? "", "AOD closes the incident, the bundle is written"],
  ];
  return moments.sort(([a], [b]) => (a < b ? -1 : 1)).map(([time, what]) => `  ${clock(time)}  ${what}`);
}

/** A copy that outlives the run's directory. */
function keep(path: string, name: string): string {
  const directory = join(repoRoot, "build/demo");
  mkdirSync(directory, { recursive: true });
  copyFileSync(path, join(directory, name));
  return join(directory, name);
}

function table(ops: readonly SmbOpJson[], facts: DemoFacts): string {
  const before = ops.filter(({ time }) => time < facts.fault);
  const during = ops.filter(({ time }) => time >= facts.fault && time < facts.faultOver);
  const after = ops.filter(({ time }) => time >= facts.faultOver);
  const rows = [
    ["", "operations", ...phases, "whole", "slowest"],
    ...Object.entries({ before, during, after }).map(([name, some]) => [
      name,
      String(some.length),
      ...phases.map((phase) => milliseconds(median(some.map((op) => op.phases_us[phase])))),
      milliseconds(median(some.map((op) => op.latency_us))),
      milliseconds(some.length === 0 ? undefined : Math.max(...some.map((op) => op.latency_us))),
    ]),
  ];
  return rows
    .map((row) => `  ${row.map((cell, n) => (n === 0 ? cell.padEnd(8) : cell.padStart(11))).join("")}`)
    .join("\n");
}

function slowestPhase(ops: readonly SmbOpJson[], facts: DemoFacts): string {
  const during = ops.filter(({ time }) => time >= facts.fault && time < facts.faultOver);
  const sums = phases.map((phase) => during.reduce((sum, op) => sum + (op.phases_us[phase] ?? 0), 0));
  const all = sums.reduce((sum, one) => sum + one, 0);
  const most = Math.max(...sums);
  const phase = phases[sums.indexOf(most)] ?? "wire";
  return `${phase} (${meaning[phase]}), ${all === 0 ? 0 : Math.round((most / all) * 100)} % of all time during the fault`;
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)];
}

function milliseconds(us: number | undefined): string {
  return us === undefined ? "-" : (us / 1000).toFixed(1);
}

function clock(time: string): string {
  return time.slice(11, 23).padEnd(12);
}
