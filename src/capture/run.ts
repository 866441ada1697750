import type { Item } from "../bundle/manifest.ts";
import type { AddOptions, BundleWriter } from "../bundle/writer.ts";
import { messageOf } from "../system/error.ts";
import { OutOfTime, untilAborted } from "../system/until-aborted.ts";
import type { Capture, CaptureContext, CaptureFile, Phase } from "./capture.ts";
import { captures } from "./registry.ts";

/** What all captures of one phase share; the runner adds the rest of their context. */
export type CaptureEnvironment = Omit<CaptureContext, "phase" | "signal" | "lost" | "programMs"> & {
  /** Aborted when the daemon ends: what there is by then is kept. */
  readonly signal?: AbortSignal;
};

export interface CaptureSummary {
  /** What went into the bundle, in the order of its completion. */
  readonly items: readonly Item[];
  /** Names of captures that did not come to their end. */
  readonly unfinished: readonly string[];
}

type Awaitable<T> = T | Promise<T>;

export interface CaptureRunner {
  /**
   * Runs the captures of a phase, some side by side, beginning in this turn of the event loop, also when the writer is still being made; without
   * one nothing is kept. Never rejects for a capture: every failure is an item or a note; `writer.failure` tells of the disk.
   */
  run(
    phase: Phase,
    writer: Awaitable<BundleWriter | undefined>,
    environment: CaptureEnvironment,
  ): Promise<CaptureSummary>;
}

/** A time limit. Tests pass their own. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  cancel(): void;
}

export interface RunnerOptions {
  readonly captures?: readonly Capture[];
  readonly timeLimit?: (ms: number) => TimeLimit;
  /** ms that a capture may take for all of its files; default 30,000. */
  readonly limitMs?: number;
  /** Captures that run at the same time, in the registry's order; the time of one counts from its own start. */
  readonly atOnce?: number;
}

const defaultLimitMs = 30_000;
/** Of a capture's time: what one program of it may take. */
const PROGRAM_SHARE = 3;
const defaultLimitBytes = 1024 * 1024;

/** Captures that run at the same time: each may be a program, a busy machine is to be left to those whose work it is. */
const AT_ONCE = 4;

/** One for the daemon: it remembers which captures hang, and does not start those again until they have answered. */
export function createCaptureRunner(options: RunnerOptions = {}): CaptureRunner {
  const {
    captures: list = captures,
    timeLimit = systemTimeLimit,
    limitMs = defaultLimitMs,
    atOnce = AT_ONCE,
  } = options;
  const hanging = new Set<string>();
  return {
    async run(phase, writer, environment) {
      const items: Item[] = [];
      const unfinished: string[] = [];
      const writing = Promise.resolve(writer);
      const runOne = async (capture: Capture): Promise<void> => {
        const problem = await collect(capture, phase, writing, environment, { hanging, timeLimit, limitMs, items });
        const writer = await writing;
        if (problem === undefined || writer === undefined) return;
        unfinished.push(capture.name);
        try {
          const name = `${phase}/${capture.name}`;
          items.push(await writer.addMissing(name, capture.summary, problem.status, problem.reason));
        } catch (error) {
          // The disk, which is in writer.failure too; or the name is taken: then at least a note.
          writer.note(`${phase}/${capture.name}: ${problem.reason} (${messageOf(error)})`);
        }
      };
      const waiting = list.filter((capture) => capture.phases.includes(phase));
      const work = async (): Promise<void> => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await runOne(next);
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, waiting.length) }, work));
      return { items, unfinished };
    },
  };
}

type Moment = NonNullable<AddOptions["began"]>;

interface Shared {
  readonly hanging: Set<string>;
  readonly timeLimit: (ms: number) => TimeLimit;
  readonly limitMs: number;
  readonly items: Item[];
}

interface Problem {
  readonly status: "failed" | "timed_out" | "skipped";
  readonly reason: string;
}

async function collect(
  capture: Capture,
  phase: Phase,
  writing: Promise<BundleWriter | undefined>,
  environment: CaptureEnvironment,
  { hanging, timeLimit, limitMs, items }: Shared,
): Promise<Problem | undefined> {
  if (hanging.has(capture.name)) return { status: "skipped", reason: "an earlier one of this kind has not ended yet" };
  const limit = timeLimit(limitMs);
  const signal = environment.signal ? AbortSignal.any([limit.signal, environment.signal]) : limit.signal;
  const context: CaptureContext = {
    ...environment,
    phase,
    signal,
    programMs: limitMs / PROGRAM_SHARE,
    lost: (kind, count, detail) => {
      if (count > 0)
        void writing.then((writer) => writer?.lost({ kind, count, ...(detail === undefined ? {} : { detail }) }));
    },
  };
  const onHang = (request: Promise<unknown>): void => {
    hanging.add(capture.name);
    const answered = (): void => void hanging.delete(capture.name);
    request.then(answered, answered);
  };
  const limitBytes = capture.limitBytes ?? defaultLimitBytes;
  const add = async (file: CaptureFile, began: Moment): Promise<void> => {
    const writer = await writing;
    if (writer === undefined) return;
    const name = `${phase}/${file.name}`;
    const { source, status, reason, binary = false } = file;
    if (file.content !== undefined) {
      const known = { ...(status === undefined ? {} : { status }), ...(reason === undefined ? {} : { reason }) };
      items.push(await writer.addFile(name, file.content, { source, limitBytes, signal, began, binary, ...known }));
    } else if (status === undefined || status === "ok" || status === "truncated") {
      items.push(await writer.addMissing(name, source, "failed", reason ?? "the capture gave nothing"));
    } else {
      items.push(await writer.addMissing(name, source, status, reason ?? "no reason was given"));
    }
  };
  const moment = (): Moment => ({ nowNs: environment.clock.nowNs(), wallMs: environment.clock.wallMs() });
  const adding: Promise<void>[] = [];
  try {
    let began = moment();
    for await (const file of untilAborted(capture.collect(context), signal, onHang)) {
      const added = add(file, began);
      added.catch(() => undefined); // seen by whoever waits for all, below
      adding.push(added);
      // What is in memory already need not be written before the next thing is looked at.
      if (isStream(file.content)) await added;
      began = moment();
    }
    await Promise.all(adding);
    return undefined;
  } catch (error) {
    if (!(error instanceof OutOfTime) && !signal.aborted) return { status: "failed", reason: messageOf(error) };
    const reason = environment.signal?.aborted ? "the time for all captures was over" : `not done after ${limitMs} ms`;
    return { status: "timed_out", reason };
  } finally {
    await Promise.allSettled(adding);
    limit.cancel();
  }
}

function isStream(content: CaptureFile["content"]): boolean {
  return content !== undefined && typeof content !== "string" && !Buffer.isBuffer(content);
}

function systemTimeLimit(ms: number): TimeLimit {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  return { signal: controller.signal, cancel: () => clearTimeout(timer) };
}
