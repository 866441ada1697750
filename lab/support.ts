// docs/kernels.md from what the scenario `support` found on each kernel.
import type { Results } from "./results.ts";

/** One line of `aod probes --json`. */
export interface ProbeReport {
  readonly probe: string;
  readonly tools: readonly string[];
  readonly standing: "full" | "degraded" | "unsupported" | "failed" | "not-loaded";
  readonly as?: string;
  readonly rungs?: Readonly<Record<string, number>>;
  readonly lacks: readonly string[];
  readonly why?: string;
  readonly attachMs?: number;
}

/** How a tool did, started and ended as by a person. */
export interface ToolReport {
  readonly tool: string;
  /** ms from its start to the first operation that it showed; absent: none. */
  readonly firstEventMs?: number;
  readonly lines: number;
  readonly exitStatus: number | string;
  /** The end of what it said on stderr. */
  readonly said: string;
}

/** Everything of one kernel. */
export interface KernelReport {
  /** The commit that was tried, and `, changed` when the tree was not as committed. */
  readonly commit: string;
  /** RFC 3339. */
  readonly date: string;
  readonly kernel: string;
  readonly release: string;
  readonly probes: readonly ProbeReport[];
  readonly tools: readonly ToolReport[];
}

/** What the scenario left; `of` is what is known besides: `release` is uname -r of the guest. */
export function kernelReport(results: Results, of: Pick<KernelReport, "release" | "commit" | "date">): KernelReport {
  const lines = results.text("probes.ndjson").split("\n").filter(Boolean);
  return {
    ...of,
    kernel: results.kernel,
    probes: lines.map((line) => JSON.parse(line) as ProbeReport),
    tools: results.json("tools.json") as ToolReport[],
  };
}

/** The tools that are tried, in the order of the document. */
export const toolsOfKernels = [
  { name: "smbslower", args: ["0"], protocol: "smb" },
  { name: "smbiosnoop", args: [], protocol: "smb" },
  { name: "smbvfsslower", args: ["0"], protocol: "smb" },
  { name: "smbvfsiosnoop", args: [], protocol: "smb" },
  { name: "nfsslower", args: ["0"], protocol: "nfs" },
  { name: "nfsiosnoop", args: [], protocol: "nfs" },
  { name: "nfsvfsslower", args: ["0"], protocol: "nfs" },
] as const;

/** What holds for a tool: the standing of the probe that it rests on. */
export function standingOf(tool: string, probes: readonly ProbeReport[]): ProbeReport {
  const found = probes.find(({ tools }) => tools.includes(tool));
  return found ?? { probe: "none", tools: [tool], standing: "failed", lacks: [], why: "no probe serves it" };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** The whole document. */
export function kernelsDocument(kernels: readonly KernelReport[]): string {
  const notes: string[] = [];
  const cell = (tool: string, { probes, tools }: KernelReport): string => {
    const report = standingOf(tool, probes);
    const ran = tools.find((one) => one.tool === tool);
    if (report.standing === "unsupported") return `not supported${note(notes, [report.why ?? "no reason given"])}`;
    if (ran?.firstEventMs === undefined)
      return `**fails**${note(notes, [(ran?.said ?? "not tried").split("\n")[0] ?? ""])}`;
    return report.lacks.length === 0 ? "full" : `degraded${note(notes, report.lacks)}`;
  };
  const head = ["tool", ...kernels.map(({ kernel }) => kernel)];
  const support = toolsOfKernels.map(({ name }) => [`\`${name}\``, ...kernels.map((kernel) => cell(name, kernel))]);
  const first = toolsOfKernels.map(({ name }) => [
    `\`${name}\``,
    ...kernels.map(({ tools }) => {
      const ms = tools.find(({ tool }) => tool === name)?.firstEventMs;
      return ms === undefined ? "" : seconds(ms);
    }),
  ]);
  const probeNames = [...new Set(kernels.flatMap(({ probes }) => probes.map(({ probe }) => probe)))];
  const rungs = probeNames.map((name) => [
    `\`${name}\``,
    ...kernels.map(({ probes }) => {
      const probe = probes.find((one) => one.probe === name);
      const counts = Object.entries(probe?.rungs ?? {}).map(([rung, count]) => `${count} ${rung}`);
      return `${probe?.as === undefined ? "" : `as \`${probe.as}\`: `}${counts.join(", ")}`;
    }),
  ]);
  return `# Kernels

Written by \`npm run lab -- support\`, from what it stores for each kernel in bench/results/support-*.json: change lab/support.ts or the tools instead. On each
kernel a Samba share and an NFS export are mounted, \`aod probes\` attaches every probe, and every tool is started, shown some work, and ended by SIGINT.

${markdown(
  ["kernel", "release", "commit", "date"],
  kernels.map(({ kernel, release, commit, date }) => [kernel, release, commit, date.slice(0, 10)]),
)}

## Tools

${markdown(head, support)}
${notes.length === 0 ? "" : `\n${notes.map((text, i) => `${i + 1}. ${text}`).join("\n")}\n`}
\`full\`: everything that the tool's page describes. \`degraded\`: it works without what the note says. Nothing here is decided by a kernel's
version: the probes look at what the running kernel shows (BTF, symbols, tracefs), and \`aod probes\` says the same of any other kernel.

## How the probes attach

${markdown(["probe", ...head.slice(1)], rungs)}

## From the start of a tool to its first operation

On a machine that is emulated in software, some thirty times slower than the processor that it runs on, with other work beside it. They are no
measure of a real machine; what is empty showed nothing in the time that it was given.

${markdown(head, first)}
`;
}

/** Adds notes that are not there yet; returns the references to them. */
function note(notes: string[], texts: readonly string[]): string {
  const numbers = texts.map((text) => {
    const line = text.replace(/\s+/g, " ").trim();
    if (!notes.includes(line)) notes.push(line);
    return notes.indexOf(line) + 1;
  });
  return ` (${numbers.sort((a, b) => a - b).join(", ")})`;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}
