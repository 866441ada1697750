import { Command } from "commander";
import type { ProbeExit } from "../probe/helper.ts";
import type { OpBase } from "../probe/op.ts";
import { LiveWorld } from "../record/live-world.ts";
import { AodError } from "../system/error.ts";
import { Ending } from "./ending.ts";
import { type Filters, filtersOf } from "./filters.ts";
import { LiveRun, moduleAppears, requireSupport } from "./live.ts";
import type { World } from "./op.ts";
import { addCommonOptions, type CommonOptions, commonOptionsOf } from "./options.ts";
import { LineOutput } from "./output.ts";
import { Session } from "./session.ts";
import type { ParsedLine, ToolPlan, ToolSpec } from "./spec.ts";
import { runThen } from "./then.ts";

/** A tool's run as it was asked for on the command line. */
export interface Asked<Op extends OpBase> {
  readonly spec: ToolSpec<Op>;
  readonly common: CommonOptions<Op>;
  readonly plan: ToolPlan<Op>;
}

/** The command line of a tool. `checkCommand` throws a usage error on what is no command of aod (for --then). */
export function toolCommand<Op extends OpBase>(
  spec: ToolSpec<Op>,
  checkCommand: (name: string) => void,
  run: (asked: Asked<Op>) => Promise<void> = runTool,
): Command {
  const command = new Command(spec.name).description(spec.description);
  spec.declare(command);
  addCommonOptions(command, spec.verbose);
  return command
    .addHelpText(
      "after",
      `\n${spec.help.trim()}\n\nExit status: 0 done, 1 failed, 2 wrong usage, 3 not supported here.`,
    )
    .action(async () => {
      const line: ParsedLine = { args: command.processedArgs, options: command.opts() };
      const common = commonOptionsOf<Op>(command.opts(), spec.outcomes, checkCommand);
      await run({ spec, common, plan: spec.plan(line, common) });
    });
}

/** How a run came to its end. */
type End = { readonly by?: string | undefined; readonly exit?: ProbeExit };

type Say = (line: string) => void;

/** Attaches, shows, and ends with the summary; or does the same with a recording. */
async function runTool<Op extends OpBase>(asked: Asked<Op>): Promise<void> {
  const say: Say = (line) => void process.stderr.write(`${asked.spec.name}: ${line}\n`);
  const { replay, durationS } = asked.common;
  // What is asked for is time of the recording.
  const ending = new Ending(replay === undefined ? durationS : undefined);
  const output = new LineOutput(process.stdout);
  try {
    await (replay === undefined ? runLive(asked, output, say, ending) : runReplay(asked, replay, output, say, ending));
  } finally {
    ending.dispose();
    // After whoever called has said what went wrong.
    if (output.stuck) setImmediate(() => process.exit());
  }
}

async function runLive<Op extends OpBase>(
  asked: Asked<Op>,
  output: LineOutput,
  say: Say,
  ending: Ending,
): Promise<void> {
  const { common, plan, spec } = asked;
  const world = new LiveWorld();
  const filters = filtersOf(common, spec.protocol, world, process.cwd());
  requireSupport();
  if (!(await moduleAppears(plan.probe.module, ending, say))) return;
  const { promise, resolve } = Promise.withResolvers<End>();
  const recording = common.record === undefined ? undefined : await recordingOf(common.record, spec.name, plan, world);
  const session = sessionOf(asked, filters, world, output, { say, finish: (by) => resolve({ by }) });
  const run = new LiveRun<Op>(plan, world, {
    event: (event) => {
      session.take(event);
      if (event.type === "hello") ending.start();
    },
    waiters: (waiters) => session.takeWaiters(waiters),
    exit: (exit) => resolve({ exit }),
  });
  const { by, exit } = await Promise.race([promise, ending.reached.then((): End => ({}))]);
  if (by !== undefined) await stoppedBy(by, common, say);
  await run.drain();
  session.end();
  await recording?.recorder.end();
  await finish(session, output, say);
  for (const line of recording?.losses() ?? []) say(line);
  await run.stop();
  throwIfFailed(exit);
}

async function recordingOf<Op extends OpBase>(file: string, tool: string, plan: ToolPlan<Op>, world: LiveWorld) {
  const { lossOf, startRecording } = await import("./recording.ts");
  const recorder = startRecording(file, tool, plan, world);
  return { recorder, losses: () => lossOf(recorder.writer) };
}

async function runReplay<Op extends OpBase>(
  asked: Asked<Op>,
  file: string,
  output: LineOutput,
  say: Say,
  ending: Ending,
): Promise<void> {
  const { common, plan, spec } = asked;
  // Recordings bring along what checks them: most runs need neither.
  const { openRecording } = await import("../record/reader.ts");
  const { ReplayWorld, replay, requireProbes } = await import("./replay.ts");
  const recording = openRecording(file);
  try {
    requireProbes(plan, spec.name, recording);
    const world = new ReplayWorld(recording);
    const filters = filtersOf(common, spec.protocol, world, process.cwd());
    let end: End | undefined;
    const ends = (by: End): void => {
      end ??= by;
    };
    void ending.reached.then(() => ends({}));
    const session = sessionOf(asked, filters, world, output, { say, finish: (by) => ends({ by }) });
    await replay(
      plan,
      world,
      {
        event: (event) => session.take(event),
        waiters: (waiters) => session.takeWaiters(waiters),
        exit: (exit) => ends({ exit }),
      },
      { durationS: common.durationS, finished: () => end !== undefined, ready: () => output.ready() },
    );
    if (end?.by !== undefined) say(`stopped by ${end.by}`);
    session.end();
    if (world.player.lost > 0) session.lost("recording", [{ kind: "recorded pieces", count: world.player.lost }]);
    await finish(session, output, say);
    throwIfFailed(end?.exit);
  } finally {
    recording.close();
  }
}

function sessionOf<Op extends OpBase>(
  { spec, common, plan }: Asked<Op>,
  filters: Filters,
  world: World,
  output: LineOutput,
  { say, finish }: { readonly say: Say; readonly finish: (by: string | undefined) => void },
): Session<Op> {
  const { outcomes } = spec;
  const out = (line: string): void => output.line(line);
  return new Session<Op>({ plan, common, outcomes, filters, world, output: { out, err: say, finish } });
}

/** The rest of the lines, then the summary. Detaching can take seconds: who waits for the summary does not wait for that. */
async function finish<Op extends OpBase>(session: Session<Op>, output: LineOutput, say: Say): Promise<void> {
  await output.end();
  if (output.dropped > 0) {
    session.lost("stdout", [{ kind: "line", detail: "its reader was too slow", count: output.dropped }]);
  }
  for (const line of session.summaryLines()) say(line);
}

function throwIfFailed(exit: ProbeExit | undefined): void {
  if (exit !== undefined && !exit.requested) {
    throw new AodError(exit.unsupported ? "unsupported" : "failed", exit.message);
  }
}

async function stoppedBy<Op extends OpBase>(by: string, { thenRun }: CommonOptions<Op>, say: Say): Promise<void> {
  say(`stopped by ${by}`);
  if (thenRun === undefined) return;
  const wrong = await runThen(thenRun);
  if (wrong !== undefined) say(`aod ${thenRun.join(" ")}: ${wrong}`);
}
