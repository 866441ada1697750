import { messageOf } from "../system/error.ts";
import { type Answer, type Finding, type Step, verdictOf } from "./answer.ts";

/** One thing that a doctor looks at. What it learns for the checks after it, it writes into the case. */
export interface Check<Case> {
  readonly name: string;
  /** ms; what did not answer until then is told as that, and left alone. */
  readonly limitMs: number;
  /** More than one finding where it looked at several things of one kind; none where it does not concern this case. */
  run(of: Case, signal: AbortSignal): Promise<Finding | readonly Finding[]>;
}

export interface Examination<Case> {
  readonly subject: string;
  readonly case: Case;
  readonly checks: readonly Check<Case>[];
  /** What the verdict says where nothing is wrong. */
  readonly wellSaid: string;
  /** ms for all of it: the checks that it leaves no time for are skipped. */
  readonly limitMs: number;
  /** ms, monotonic. */
  readonly now?: () => number;
  /** Ctrl-C. */
  readonly signal?: AbortSignal;
}

/** Runs the checks one after the other and judges. Never rejects for what a check does: a check that throws is a finding too. */
export async function examine<Case>(examination: Examination<Case>): Promise<Answer> {
  const now = examination.now ?? (() => performance.now());
  const end = now() + examination.limitMs;
  const findings: Finding[] = [];
  const steps: Step[] = [];
  for (const check of examination.checks) {
    const started = now();
    const left = Math.min(check.limitMs, end - started);
    const found =
      examination.signal?.aborted === true || left <= 0
        ? [{ result: "skip", evidence: "there was no time left for this" } as const]
        : await within(check, examination.case, left, examination.signal);
    const took_ms = Math.round(now() - started);
    for (const finding of found) {
      const { verdict: _, ...told } = finding;
      findings.push(finding);
      steps.push({ name: check.name, ...told, took_ms });
    }
  }
  return { subject: examination.subject, verdict: verdictOf(findings, examination.wellSaid), steps };
}

async function within<Case>(
  check: Check<Case>,
  of: Case,
  limitMs: number,
  outer: AbortSignal | undefined,
): Promise<readonly Finding[]> {
  const time = new AbortController();
  const signal = outer === undefined ? time.signal : AbortSignal.any([time.signal, outer]);
  const late = Promise.withResolvers<Finding>();
  const timer = setTimeout(() => {
    time.abort();
    late.resolve({ result: "warn", evidence: `this did not come to an end within ${limitMs / 1000} s` });
  }, limitMs);
  const stopped = (): void => late.resolve({ result: "skip", evidence: "stopped" });
  outer?.addEventListener("abort", stopped, { once: true });
  try {
    const found = await Promise.race([check.run(of, signal), late.promise]);
    return "result" in found ? [found] : found;
  } catch (error) {
    return [{ result: "warn", evidence: `this could not be looked at: ${messageOf(error)}` }];
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", stopped);
  }
}
