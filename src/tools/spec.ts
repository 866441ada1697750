// What makes one tracing tool of the frame: src/cli/TOOL.ts has one ToolSpec.
import type { Command } from "commander";
import type { OpEvent, ProbeCodec } from "../probe/codec.ts";
import type { Hello, Loss, OpBase, Waiter } from "../probe/op.ts";
import type { Clock } from "../system/clock.ts";
import type { Column } from "./columns.ts";
import type { Protocol } from "./filters.ts";
import type { Row, Target, World } from "./op.ts";
import type { CommonOptions } from "./options.ts";
import type { Outcomes } from "./stop.ts";

export interface ToolSpec<Op extends OpBase> {
  readonly name: string;
  readonly description: string;
  /** Examples and notes, below the options. */
  readonly help: string;
  /** What -v adds. */
  readonly verbose: string;
  readonly protocol: Protocol;
  /** How ops end, for --stop-on and the summary. */
  readonly outcomes: Outcomes<Op>;
  /** Adds the tool's own arguments and options. */
  readonly declare: (command: Command) => void;
  /** Checks what was parsed and says what to do. Throws a usage error on contradictions. */
  readonly plan: (parsed: ParsedLine, common: CommonOptions<Op>) => ToolPlan<Op>;
}

/** What commander made of the tool's own arguments and options. */
export interface ParsedLine {
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** One run of a tool, as it was asked for. */
export interface ToolPlan<Op extends OpBase> {
  readonly probe: ProbeCodec<Op>;
  /** The request (a whole frame) that says what the probe shall report; `common.stopOn.watch` says what it must report besides. */
  readonly request?: Buffer;
  /** Arguments of aod-probe that this probe knows: what it needs before it attaches. */
  readonly args?: readonly string[];
  /** Further probes whose events the stage wants. */
  readonly besides?: readonly BesideProbe[];
  /** First line of the text form, before the header. */
  readonly title?: string;
  /** For the wanted verbosity, text and CSV. */
  readonly columns: readonly Column<Op>[];
  /** What ends the header of CSV. */
  readonly csvTail?: string;
  readonly json: (row: Row<Op>) => object;
  /** Lines below an op's line in the text form. */
  readonly below?: (op: Op, clock: Clock) => readonly string[];
  /** The tool's own filters: whether an op is shown. Whether the common filters let it pass is asked besides. */
  readonly wants: (op: Op, target: Target) => boolean;
  /** The kind of operations that the tool was asked about, whether slow, failed or not: --stop-on looks at no others. All when absent. */
  readonly concerns?: (op: Op, target: Target) => boolean;
  /** `wants` of a task that waits; without it none is shown. */
  readonly wantsWaiter?: (waiter: Waiter, untilNs: number) => boolean;
  /** What is in flight is shown too: at the end, and unless this is `end`, with -v, when it passes the limit. */
  readonly showsOpen: boolean | "end";
  /** What the summary counts by. */
  readonly command: (op: Op) => string;
  readonly names: (world: World) => Names<Op>;
  /** What is said on stderr about how the probe attached, besides its hooks. */
  readonly attached?: (hello: Hello) => readonly string[];
  /** Finds tasks that wait and have no op; asked once a tick. */
  readonly waiters?: (world: World) => WaiterSampler<Op>;
  /** Sees every event before its ops become lines. */
  readonly stage?: Stage<Op>;
}

/** What an op or a waiting task went to. */
export interface Names<Op extends OpBase> {
  of(op: Op): Target;
  ofWaiter?(waiter: Waiter): Target;
}

export interface WaiterSampler<Op extends OpBase> {
  note(event: OpEvent<Op>): void;
  sample(): Promise<readonly Waiter[]>;
}

/** Keeps ops back until what belongs to them has come, in memory that is bounded. */
export interface Stage<Op extends OpBase> {
  /** An event of the tool's probe; the ops that are complete now, in order. */
  take(event: OpEvent<Op>): readonly Op[];
  /** What is still kept back, at the end. */
  flush(): readonly Op[];
  /** What it had to give up, in total. */
  losses?(): readonly Loss[];
  /** The tool's probe has said all; what the stage still waits for from the others. They are ended when this resolves. */
  settled?(): Promise<void>;
}

export interface BesideProbe {
  readonly probe: ProbeCodec<OpBase>;
  readonly request?: Buffer;
  readonly args?: readonly string[];
  readonly onEvent: (event: OpEvent<OpBase>) => void;
  /** Gets what sends it further requests. */
  readonly onStart?: (send: (frame: Buffer) => void) => void;
}
