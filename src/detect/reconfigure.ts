import { isDeepStrictEqual } from "node:util";
import type { Detector } from "./detector.ts";
import { createDetectors, type DetectorRules } from "./registry.ts";

export interface Reconfigured {
  readonly detectors: readonly Detector[];
  /** Names of those that had to begin anew: they know nothing of what was before. */
  readonly anew: readonly string[];
}

/** The detectors under other rules: who may stay stays, with all that it has seen. */
export function reconfigure(
  current: readonly Detector[],
  before: DetectorRules,
  after: DetectorRules,
  create: (rules: DetectorRules) => readonly Detector[] = createDetectors,
): Reconfigured {
  const anew: string[] = [];
  const detectors = keysOf(after).flatMap((key) =>
    create(only(after, key)).map((fresh): Detector => {
      const known = current.find(({ name }) => name === fresh.name);
      if (known === undefined || isDeepStrictEqual(before[key], after[key])) return known ?? fresh;
      if (known.configure === undefined) {
        anew.push(fresh.name);
        return fresh;
      }
      known.configure(after[key]);
      return known;
    }),
  );
  return { detectors, anew };
}

function keysOf(rules: DetectorRules): (keyof DetectorRules)[] {
  return Object.keys(rules) as (keyof DetectorRules)[];
}

function only(rules: DetectorRules, key: keyof DetectorRules): DetectorRules {
  return Object.fromEntries([[key, rules[key]]]);
}
