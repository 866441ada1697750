import { Command } from "commander";
import type { ProbeExit } from "../probe/helper.ts";
import type { OpBase } from "../probe/op.ts";
import { AodError } from "../system/error.ts";
import { Ending } from "./ending.ts";
import { filtersOf } from "./filters.ts";
import { LiveRun, LiveWorld, moduleAppears, requireSupport } from "./live.ts";
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

/** Attaches, shows, and ends with the summary. */
export async function runTool<Op extends OpBase>({ spec, common, plan }: Asked<Op>): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${spec.name}: ${line}\n`);
  if (common.replay !== undefined) throw new AodError("unsupported", "recordings cannot be read yet");
  const world = new LiveWorld();
  const filters = filtersOf(common, spec.protocol, world, process.cwd());
  requireSupport();
  const ending = new Ending(common.durationS);
  const output = new LineOutput(process.stdout);
  try {
    if (!(await moduleAppears(plan.probe.module, ending, say))) return;
    const { promise, resolve } = Promise.withResolvers<End>();
    const session = new Session<Op>({
      plan,
      common,
      outcomes: spec.outcomes,
      filters,
      world,
      output: { out: (line) => output.line(line), err: say, finish: (by) => resolve({ by }) },
    });
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
    await output.end();
    if (output.dropped > 0)
      session.lost("stdout", [{ kind: "line", detail: "its reader was too slow", count: output.dropped }]);
    // Detaching can take seconds: who waits for the summary does not wait for that.
    for (const line of session.summaryLines()) say(line);
    await run.stop();
    if (exit !== undefined && !exit.requested) {
      throw new AodError(exit.unsupported ? "unsupported" : "failed", exit.message);
    }
  } finally {
    ending.dispose();
  }
}

async function stoppedBy<Op extends OpBase>(
  by: string,
  { thenRun }: CommonOptions<Op>,
  say: (line: string) => void,
): Promise<void> {
  say(`stopped by ${by}`);
  if (thenRun === undefined) return;
  const wrong = await runThen(thenRun);
  if (wrong !== undefined) say(`aod ${thenRun.join(" ")}: ${wrong}`);
}
