import { BoundedMap } from "./bounded-map.ts";
import { type Anomaly, type Severity, severities } from "./detector.ts";

/** What a detector has to say of a verdict; the rest follows from what it said before. */
export interface Verdict
  extends Pick<Anomaly, "rule" | "severity" | "timeNs" | "summary" | "target" | "worst" | "hang"> {
  /** What it is about: verdicts of one rule and one key are one anomaly as long as they follow each other. */
  readonly key: string;
  /** It has ended when it was not met for so long. */
  readonly quietNs: number;
  /** New since the verdict before; 1 when absent. */
  readonly count?: number;
  /** Absent where the condition has lasted for longer: that began then. */
  readonly sinceNs?: number;
  readonly evidence?: Anomaly["evidence"];
}

interface Running {
  readonly firstNs: number;
  untilNs: number;
  count: number;
  severity: Severity;
}

export function isWorse(severity: Severity, than: Severity): boolean {
  return severities.indexOf(severity) > severities.indexOf(than);
}

/** Tells the beginning of an anomaly from its going on. One that gets worse begins anew. */
export class Verdicts {
  readonly #detector: string;
  readonly #running: BoundedMap<string, Running>;

  constructor(detector: string, limit = 1024) {
    this.#detector = detector;
    this.#running = new BoundedMap(limit);
  }

  get size(): number {
    return this.#running.size;
  }

  /** Another limit from now on. */
  resize(limit: number): void {
    this.#running.resize(limit);
  }

  tell({ key, quietNs, count = 1, sinceNs, evidence = {}, ...verdict }: Verdict): Anomaly {
    const { rule, severity, timeNs } = verdict;
    const name = `${rule} ${key}`;
    const before = this.#running.get(name);
    const goesOn = before !== undefined && timeNs < before.untilNs;
    const worse = goesOn && isWorse(severity, before.severity);
    const running: Running = goesOn
      ? before
      : { firstNs: sinceNs ?? timeNs, untilNs: Number.NEGATIVE_INFINITY, count: 0, severity };
    running.untilNs = Math.max(running.untilNs, timeNs + quietNs);
    running.count += count;
    if (worse) running.severity = severity;
    this.#running.set(name, running);
    return {
      detector: this.#detector,
      stage: goesOn && !worse ? "ongoing" : "onset",
      firstNs: running.firstNs,
      count: running.count,
      evidence,
      ...verdict,
    };
  }
}
