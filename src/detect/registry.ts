import type { Detector } from "./detector.ts";
import { LatencyDetector, type LatencyRules } from "./latency.ts";

/** What the configuration says about each detector; absent: switched off. */
export interface DetectorRules {
  readonly latency?: LatencyRules;
}

/** All detectors, one line each. */
const makers: readonly ((rules: DetectorRules) => Detector | undefined)[] = [
  ({ latency }) => (latency === undefined ? undefined : new LatencyDetector(latency)),
];

/** Those that are switched on. */
export function createDetectors(rules: DetectorRules): Detector[] {
  return makers.map((make) => make(rules)).filter((detector) => detector !== undefined);
}
