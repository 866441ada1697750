import { existsSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import type { ProbeName } from "../probe/codec.ts";
import { type ProbeSurvey, surveyProbe } from "../probe/survey.ts";
import { probeUses as uses } from "../probe/uses.ts";
import { colours as pc } from "../system/colours.ts";
import { AodError } from "../system/error.ts";
import { nativePaths } from "../system/paths.ts";
import { left, printable } from "../tools/table-text.ts";
import { buildAttach } from "./probes-attach.ts";

/** What is told of one probe: its survey, or that its module is not there. */
type Told =
  | (ProbeSurvey & { readonly tools: readonly string[] })
  | {
      readonly probe: ProbeName;
      readonly tools: readonly string[];
      readonly standing: "not-loaded";
      readonly lacks: readonly string[];
      readonly why: string;
    };

const probeNames = uses.map(({ codec }) => codec.name);

export function build(): Command {
  return new Command("probes")
    .description("Attaches each probe for a moment and says what works on this kernel, and what is missing.")
    .argument("[probes...]", `any of ${probeNames.join(", ")}; all when absent`, namedProbes)
    .option("--json", "one JSON object a line")
    .addCommand(buildAttach(false))
    .addCommand(buildAttach(true))
    .addHelpText(
      "after",
      `
Examples:
  aod probes
  aod probes smb_wire --json | jq .lacks
  sudo aod probes detach && sudo rmmod cifs      the daemon's probes let the modules go
  sudo aod probes attach

A probe whose module is not loaded is not tried: mount a share, or load the module.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 no probe works here.`,
    )
    .action(probes);
}

function namedProbes(name: string, before: readonly ProbeName[] = []): readonly ProbeName[] {
  const found = probeNames.find((probe) => probe === name);
  if (found === undefined) {
    throw new InvalidArgumentError(`There is no probe ${name}; there are ${probeNames.join(", ")}.`);
  }
  return [...before, found];
}

async function probes(names: readonly ProbeName[], options: { readonly json?: true }): Promise<void> {
  if (process.geteuid?.() !== 0)
    throw new AodError("failed", "only root may load BPF programs: run it as root, or with sudo");
  const told: Told[] = [];
  for (const use of uses.filter(({ codec }) => names.length === 0 || names.includes(codec.name))) {
    const one = await tell(use);
    told.push(one);
    process.stdout.write(options.json === true ? `${JSON.stringify(one)}\n` : textOf(one));
  }
  if (told.every(({ standing }) => standing === "unsupported")) process.exitCode = 3;
}

async function tell({ codec, tools }: (typeof uses)[number]): Promise<Told> {
  if (!existsSync(`/sys/module/${codec.module}`)) {
    const why = `the module ${codec.module} is not loaded`;
    return { probe: codec.name, tools, standing: "not-loaded", lacks: [], why };
  }
  const paths = nativePaths();
  return { ...(await surveyProbe(codec, { program: paths.probe, object: paths.object(codec.object) })), tools };
}

const colours = {
  full: pc.green,
  degraded: pc.yellow,
  unsupported: pc.red,
  failed: pc.red,
  "not-loaded": pc.dim,
} as const;

function textOf(told: Told): string {
  const head = `${pc.bold(left(told.probe, 10))} ${colours[told.standing](left(told.standing, 12))} ${told.tools.join(", ")}`;
  if (told.standing === "not-loaded") return `${head}\n  ${told.why}\n`;
  const rungs = Object.entries(told.rungs).map(([rung, count]) => `${count} on ${rung}`);
  const attached =
    told.attachMs === undefined ? [] : [`attached in ${(told.attachMs / 1000).toFixed(1)} s: ${rungs.join(", ")}`];
  const lines = [
    ...(told.why === undefined ? [] : [printable(told.why)]),
    ...attached,
    ...told.lacks.map((sentence) => `without: ${printable(sentence)}`),
  ];
  return `${[head, ...lines.map((line) => `  ${line}`)].join("\n")}\n`;
}
