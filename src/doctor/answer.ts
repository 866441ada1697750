import type { CauseId } from "./causes.ts";

/** `skip`: not looked at, since something before it failed or it does not concern this case; the evidence says which. */
export type StepResult = "ok" | "warn" | "fail" | "skip";

/** `certain`: the evidence leaves no other cause. `likely`: others are rare. `possible`: one of several. */
export type Confidence = "certain" | "likely" | "possible";

/** What is wrong, and what to do: each piece of advice is a sentence, the most promising first. */
export interface Verdict {
  readonly cause: CauseId;
  readonly confidence: Confidence;
  readonly summary: string;
  readonly advice: readonly string[];
}

/** What one check found. */
export interface Finding {
  readonly result: StepResult;
  /** What was seen, with figures and names; never a password, a key or a ticket. */
  readonly evidence: string;
  readonly meaning?: string;
  readonly fix?: string;
  /** What this finding says of the whole, where it says something. */
  readonly verdict?: Verdict;
}

/** A step as it is told: `took_ms` in ms. */
export interface Step extends Omit<Finding, "verdict"> {
  readonly name: string;
  readonly took_ms: number;
}

/** A doctor's answer, as `--json` prints it. */
export interface Answer {
  readonly subject: string;
  /** What asks for it: `mounted`, `/etc/fstab`; with `aod doctor mount --all` alone. */
  readonly from?: string;
  readonly verdict: Verdict;
  readonly steps: readonly Step[];
}

const strength: Readonly<Record<Confidence, number>> = { certain: 3, likely: 2, possible: 1 };

/** The strongest verdict of all findings, of equals the first; `ok` where nothing failed, `unknown` where nothing that failed says why. */
export function verdictOf(findings: readonly Finding[], wellSaid: string): Verdict {
  let best: Verdict | undefined;
  for (const { verdict } of findings) {
    if (verdict === undefined) continue;
    if (best === undefined || strength[verdict.confidence] > strength[best.confidence]) best = verdict;
  }
  if (best !== undefined) return best;
  const failed = findings.find(({ result }) => result === "fail");
  if (failed === undefined) return { cause: "ok", confidence: "certain", summary: wellSaid, advice: [] };
  return {
    cause: "unknown",
    confidence: "possible",
    summary: failed.meaning ?? failed.evidence,
    advice: failed.fix === undefined ? [] : [failed.fix],
  };
}
