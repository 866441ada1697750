import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ProbeSurvey, surveyProbe } from "../../probe/survey.ts";
import { probeUses } from "../../probe/uses.ts";
import type { NativePaths } from "../../system/paths.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { HostCase } from "./host-case.ts";

/** With the helper and the programs of this installation. */
export const surveyWith =
  (paths: NativePaths): HostCase["survey"] =>
  (codec, signal) =>
    surveyProbe(codec, { program: paths.probe, object: paths.object(codec.object) }, signal);

/** Each probe, attached for a moment: what it can tell here, and why not more. That takes about a second each, where the processor is emulated a minute. */
export const probeChecks: readonly Check<HostCase>[] = probeUses.map(({ codec, tools }) => ({
  name: "probes",
  limitMs: 90_000,
  async run({ machine, isRoot, survey }, signal) {
    const named = `${codec.name} (${tools.join(", ")})`;
    if (!isRoot) return { result: "skip", evidence: `${named}: only root may attach it` };
    if (!existsSync(join(machine.sysRoot, "module", codec.module)))
      return { result: "skip", evidence: `${named}: the module ${codec.module} is not loaded; a mount loads it` };
    return findingOf(await survey(codec, signal), tools.join(", "));
  },
}));

function findingOf({ probe, standing, as, lacks, why }: ProbeSurvey, serves: string): Finding {
  const named = `${probe}${as === undefined ? "" : ` as ${as}`} (${serves})`;
  switch (standing) {
    case "full":
      return { result: "ok", evidence: `${named}: everything is seen` };
    case "degraded":
      return { result: "ok", evidence: [`${named}: works, without`, ...lacks.map((lack) => `  ${lack}`)].join("\n") };
    case "unsupported":
      return {
        result: "warn",
        evidence: `${named}: not on this kernel: ${why ?? "no reason given"}`,
        meaning: "these tools do not work here; the daemon judges by what /proc and the kernel's log tell",
      };
    case "failed":
      return {
        result: "warn",
        evidence: `${named}: does not attach: ${why ?? "no reason given"}`,
        meaning: "it could work on this kernel, and something is in the way",
        fix: `aod probes ${probe} tries it again, by itself`,
      };
  }
}
