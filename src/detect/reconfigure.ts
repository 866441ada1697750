import { isDeepStrictEqual } from "node:util";
import type { Detector } from "./detector.ts";
import { type DetectorRules, detectorKinds } from "./registry.ts";

/** The detectors under other rules, in their order: who is there stays, with all that it has seen and learnt. */
export function reconfigure(
  current: readonly Detector[],
  before: DetectorRules,
  after: DetectorRules,
): readonly Detector[] {
  return detectorKinds.flatMap(({ key, make }) => {
    const fresh = make(after);
    if (fresh === undefined) return [];
    const known = current.find(({ name }) => name === fresh.name);
    if (known !== undefined && !isDeepStrictEqual(before[key], after[key])) known.configure(after[key]);
    return [known ?? fresh];
  });
}
