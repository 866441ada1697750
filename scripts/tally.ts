// Counts over several test runs, so that one summary closes all of them.
import { spawnSync } from "node:child_process";
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

const countNames = ["tests", "suites", "passed", "failed", "cancelled", "skipped", "todo"] as const;
/** The runner's own words for the counts, as its spec and TAP reporters print them. */
const printedNames = { passed: "pass", failed: "fail" } as const satisfies Partial<Record<CountName, string>>;
type CountName = (typeof countNames)[number];

const summaryLine = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

type TestSummary = Extract<TestEvent, { type: "test:summary" }>["data"];

interface Outcome {
  readonly file?: string;
  readonly name: string;
  readonly outcome: "pass" | "fail" | "skip" | "todo";
  readonly took_ms: number;
}

/** What a full test run leaves behind under bench/results/. */
interface FullResult {
  readonly commit: string;
  readonly changed: boolean;
  readonly date: string;
  readonly node: string;
  readonly counts: Readonly<Record<CountName, number>>;
  readonly tests: readonly Outcome[];
}

export class Tally {
  readonly #counts: Record<CountName, number> = {
    tests: 0,
    suites: 0,
    passed: 0,
    failed: 0,
    cancelled: 0,
    skipped: 0,
    todo: 0,
  };
  readonly #outcomes: Outcome[] = [];
  #succeeded = true;
  #ended = 0;
  #runs = 0;

  /** A run that ended without a summary has not succeeded. */
  get succeeded(): boolean {
    return this.#succeeded && this.#ended === this.#runs && this.#counts.tests > 0;
  }

  /** Passes a run's events on without its summary, and counts them. */
  async *through(events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
    this.#runs += 1;
    for await (const event of events) {
      if (event.type === "test:summary") {
        if (event.data.file === undefined) this.#add(event.data);
        continue;
      }
      if (event.type === "test:diagnostic" && event.data.nesting === 0 && summaryLine.test(event.data.message))
        continue;
      if (event.type === "test:pass" || event.type === "test:fail") this.#keep(event);
      yield event;
    }
  }

  /** The summary of all runs. */
  *closing(tookMs: number): Generator<TestEvent> {
    const lines = countNames.map(
      (name) => `${name in printedNames ? printedNames[name as "passed"] : name} ${this.#counts[name]}`,
    );
    for (const message of [...lines, `duration_ms ${tookMs}`]) {
      yield { type: "test:diagnostic", data: { nesting: 0, message, level: "info" } } as TestEvent;
    }
  }

  record(root: string, started: Date): FullResult {
    const tests = this.#outcomes.map(({ file, ...rest }) => ({
      ...(file === undefined ? {} : { file: relative(root, file) }),
      ...rest,
    }));
    return {
      commit: git(root, "rev-parse", "HEAD") ?? "unknown",
      changed: git(root, "status", "--porcelain", "--", ".", ":!bench/results") !== "",
      date: started.toISOString(),
      node: process.version,
      counts: this.#counts,
      tests,
    };
  }

  #add({ success, counts }: TestSummary): void {
    this.#ended += 1;
    this.#succeeded &&= success;
    const { tests, suites, passed, cancelled, skipped, todo } = counts;
    // `failed` is not among the documented counts; every test counts in exactly one of them.
    const failed = tests - passed - cancelled - skipped - todo;
    const all = { tests, suites, passed, failed, cancelled, skipped, todo };
    for (const name of countNames) this.#counts[name] += all[name];
  }

  #keep({ type, data }: Extract<TestEvent, { type: "test:pass" | "test:fail" }>): void {
    if (data.details.type === "suite") return;
    const outcome = type === "test:fail" ? "fail" : data.skip ? "skip" : data.todo ? "todo" : "pass";
    const took_ms = Math.round(data.details.duration_ms);
    this.#outcomes.push({ ...(data.file === undefined ? {} : { file: data.file }), name: data.name, outcome, took_ms });
  }
}

/** undefined where this is no git checkout, or git is missing. */
function git(root: string, ...args: string[]): string | undefined {
  // A checkout of another owner is read all the same: nothing of it is run.
  const { status, stdout } = spawnSync("git", ["-c", `safe.directory=${root}`, "-C", root, ...args], {
    encoding: "utf8",
  });
  return status === 0 ? stdout.trim() : undefined;
}
