import { missingWithout } from "../probe/hook-effects.ts";
import type { Hook } from "../probe/op.ts";

/**
 * What a tool says of its probe's hooks: those that are missing, and with -v those that are not on the first rung. Hooks that miss for one
 * and the same reason are one line, and then it is said what the operations lack.
 */
export function hookLines(all: readonly Hook[], verbose: boolean): readonly string[] {
  // What this kernel has no use for is not missing.
  const hooks = verbose ? all : all.filter(({ rung, why }) => rung !== "none" || !why?.startsWith("not needed"));
  const missing = hooks.filter((hook) => hook.rung === "none");
  const reasons = new Map<string, Hook[]>();
  for (const hook of missing) {
    const why = hook.why ?? "";
    reasons.set(why, [...(reasons.get(why) ?? []), hook]);
  }
  const shared = [...reasons].filter(([why, of]) => why !== "" && of.length > 1);
  const own = hooks.filter((hook) => !shared.some(([, of]) => of.includes(hook)));
  return [
    ...shared.flatMap(([why, of]) => [
      `${of.map(({ name }) => name).join(", ")}: not attached: ${why}`,
      ...missingWithout(of).map((sentence) => `without: ${sentence}`),
    ]),
    ...own.flatMap(({ name, function: target, rung, why }) => {
      if (rung !== "none" && !(verbose && why !== undefined)) return [];
      return [`${name} (${target}): ${rung === "none" ? "not attached" : rung}${why ? `: ${why}` : ""}`];
    }),
  ];
}
