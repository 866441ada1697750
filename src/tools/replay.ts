import { type ProbeExit, startHelper } from "../probe/helper.ts";
import type { OpBase } from "../probe/op.ts";
import { RECORD_OPS } from "../record/header.ts";
import { Player } from "../record/player.ts";
import type { Recording } from "../record/reader.ts";
import { AodError } from "../system/error.ts";
import type { Inputs } from "./live.ts";
import { probesOf } from "./live.ts";
import type { World } from "./op.ts";
import { ReplayedHistory } from "./replayed-history.ts";
import type { ToolPlan } from "./spec.ts";

/** The machine at the time of a recording. */
export class ReplayWorld implements World {
  readonly player: Player;
  readonly path: string;
  /** What it is a recording of. */
  readonly recordedOf: string;
  readonly clock: World["clock"];
  readonly readProc: World["readProc"];

  constructor(recording: Recording) {
    this.player = new Player(recording);
    this.path = recording.path;
    this.recordedOf = recording.header.of;
    ({ clock: this.clock, readProc: this.readProc } = this.player);
  }
}

export interface ReplayEnds {
  /** Seconds of tracing that are wanted. */
  readonly durationS: number | undefined;
  /** No more is wanted. */
  readonly finished: () => boolean;
  readonly ready: () => Promise<void>;
}

/** What was lost is told with the next tick. */
const AFTER_NS = 2e9;

/** Lets the probes of a tool say once more what they said. Resolves at the end, or when no more is wanted. */
export async function replay<Op extends OpBase>(
  plan: ToolPlan<Op>,
  { player, path, recordedOf }: ReplayWorld,
  inputs: Inputs<Op>,
  { durationS, finished, ready }: ReplayEnds,
): Promise<void> {
  let untilNs = Number.POSITIVE_INFINITY;
  // The program and its object are names: what they did is recorded.
  const options = { program: "aod-probe", object: "", start: player.start, clock: player.clock };
  // Then nobody has asked for a history: it is what was recorded.
  const hasAll = recordedOf === RECORD_OPS;
  let error: string | undefined;
  const ended = (exit: ProbeExit): void => {
    error = undefined;
    inputs.exit(exit);
  };
  const histories: ReplayedHistory<OpBase>[] = [];
  for (const { probe, onEvent, onStart } of plan.besides ?? []) {
    const history = new ReplayedHistory<OpBase>(onEvent);
    const helper = startHelper(
      { ...options, probe: probe.name },
      probe,
      (event) => {
        onEvent(event);
        if (hasAll) history.note(event);
      },
      ended,
    );
    histories.push(history);
    onStart?.((frame) => (hasAll ? history : helper).request(frame));
  }
  startHelper(
    { ...options, probe: plan.probe.name },
    plan.probe,
    (event) => {
      if (event.type === "error") error = event.message;
      inputs.event(event);
      if (event.type === "hello" && durationS !== undefined) untilNs = player.clock.nowNs() + durationS * 1e9;
    },
    ended,
  );
  const goesOn = (nowNs: number): boolean => {
    if (finished()) untilNs = Math.min(untilNs, player.clock.nowNs() + AFTER_NS);
    return nowNs <= untilNs;
  };
  await player.play({
    goesOn: ({ nowNs }) => goesOn(nowNs),
    waiters: (waiters) => inputs.waiters(waiters),
    ready,
  });
  for (const history of histories) history.answer();
  // Its helper went on: it is this program that does not understand it.
  if (error !== undefined) throw new AodError("usage", `${path} cannot be replayed: ${error}`);
}

/** Throws a usage error when a tool's probes are not in it. */
export function requireProbes<Op extends OpBase>(plan: ToolPlan<Op>, tool: string, { path, header }: Recording): void {
  const has = header.probes.map(({ name }) => name);
  const missing = probesOf(plan).find(({ name }) => !has.includes(name));
  if (missing === undefined) return;
  const what = has.length === 0 ? "nothing" : has.join(", ");
  throw new AodError("usage", `${path} holds nothing of ${missing.name}, which ${tool} needs: it is of ${what}`);
}
