import { parseConfig } from "../config/config.ts";
import type { Anomaly } from "../detect/detector.ts";
import type { DebugData } from "../smb/debug-data.ts";
import type { IncidentStep, IncidentTarget } from "./incidents/incidents.ts";
import { Judge } from "./judge.ts";

// For tests: the judge of a configuration, by a clock that is set, with all that it says.

export interface JudgedWorld {
  readonly judge: Judge;
  nowNs: number;
  /** What DebugData says when the judge asks. */
  data: DebugData | undefined;
  readonly steps: { readonly step: IncidentStep; readonly anomaly: Anomaly; readonly target: IncidentTarget }[];
}

export function judgedWorld(yaml = "", keep = true): JudgedWorld {
  let ids = 0;
  const steps: JudgedWorld["steps"] = [];
  const world: Omit<JudgedWorld, "judge"> & { judge?: Judge } = { nowNs: 1000e9, data: undefined, steps };
  const judge = new Judge({
    config: parseConfig(yaml, "test.yaml"),
    clock: { nowNs: () => world.nowNs, wallMs: () => world.nowNs / 1e6 },
    readDebugData: () => world.data,
    suffix: () => String(++ids),
    onStep: (step, anomaly, target) => {
      if (keep) steps.push({ step, anomaly, target });
    },
  });
  return Object.assign(world, { judge });
}
