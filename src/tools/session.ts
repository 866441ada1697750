import type { OpEvent } from "../probe/codec.ts";
import type { Hello, InFlight, Loss, OpBase, Waiter } from "../probe/op.ts";
import { csvHeading, csvLine, textHeading, textLine } from "./columns.ts";
import type { Filters } from "./filters.ts";
import { hookLines } from "./hook-lines.ts";
import type { Row, Target, World } from "./op.ts";
import type { CommonOptions } from "./options.ts";
import type { Names, ToolPlan } from "./spec.ts";
import type { Outcomes } from "./stop.ts";
import { Summary } from "./summary.ts";

/** What a session does with what it makes; lines have no line break. */
export interface SessionOutput {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** -n is reached, or --stop-on: `by` says by what. */
  readonly finish: (by: string | undefined) => void;
}

export interface SessionParts<Op extends OpBase> {
  readonly plan: ToolPlan<Op>;
  readonly common: CommonOptions<Op>;
  readonly outcomes: Outcomes<Op>;
  readonly filters: Filters;
  readonly world: World;
  readonly output: SessionOutput;
}

const nowhere: Target = {};

/** From the events of a probe to lines, whether it runs now or ran when it was recorded. */
export class Session<Op extends OpBase> {
  private readonly parts: SessionParts<Op>;
  private readonly names: Names<Op>;
  private readonly summary = new Summary();
  private readonly losses = new Map<string, readonly Loss[]>();
  private lines = 0;
  /** When no more was wanted; what comes after it, while the probes are told so, does not count. */
  private doneNs: number | undefined;
  private ended = false;
  private attachedNs: number | undefined;
  private inflight: InFlight<Op> | undefined;
  private shown = new Set<number>();
  private endedSince = new Set<number>();
  private readonly waiting = new Map<number, Waiter>();

  constructor(parts: SessionParts<Op>) {
    this.parts = parts;
    this.names = parts.plan.names(parts.world);
  }

  /** Seconds of tracing. */
  get seconds(): number {
    return this.attachedNs === undefined ? 0 : (this.nowNs - this.attachedNs) / 1e9;
  }

  private get nowNs(): number {
    return this.doneNs ?? this.parts.world.clock.nowNs();
  }

  /** An event of the tool's own probe. */
  take(event: OpEvent<Op>): void {
    const { stage } = this.parts.plan;
    if (event.type === "lost") this.lost("", event.losses);
    if (this.doneNs !== undefined) return;
    if (event.type === "hello") this.onHello(event.hello);
    if (event.type === "inflight") this.onInflight(event.inflight);
    const ops = stage === undefined ? (event.type === "ops" ? event.ops : []) : stage.take(event);
    for (const op of ops) this.onOp(op);
  }

  /** Losses of a further probe, or of what stands between: totals since its start. */
  lost(from: string, losses: readonly Loss[]): void {
    this.losses.set(from, losses);
  }

  /** The tasks that wait now: those that wait no longer get their line. */
  takeWaiters(waiters: readonly Waiter[]): void {
    if (this.doneNs !== undefined) return;
    const { nowNs } = this;
    const now = new Map(waiters.map((waiter) => [waiter.tid, waiter]));
    for (const [tid, waiter] of this.waiting) {
      if (now.has(tid)) continue;
      this.waiting.delete(tid);
      this.waiterRow(waiter, nowNs);
    }
    for (const [tid, waiter] of now) this.waiting.set(tid, waiter);
  }

  /** Shows what is still open; nothing is taken after it. */
  end(): void {
    const { plan } = this.parts;
    if (this.ended) return;
    for (const op of plan.stage?.flush() ?? []) this.onOp(op);
    if (plan.showsOpen) for (const op of this.openOps()) this.opRow(op);
    const { nowNs } = this;
    for (const waiter of this.waiting.values()) this.waiterRow(waiter, nowNs);
    for (const waiter of this.inflight?.waiters ?? []) this.waiterRow(waiter, nowNs);
    this.ended = true;
  }

  /** The summary's lines, with every loss. */
  summaryLines(): readonly string[] {
    const staged = this.parts.plan.stage?.losses?.() ?? [];
    return this.summary.lines(this.seconds, [...this.losses.values(), staged].flat());
  }

  private onHello(hello: Hello): void {
    const { plan, common, output, world } = this.parts;
    this.attachedNs = world.clock.nowNs();
    if (common.format === "text") for (const line of this.textHead()) output.out(line);
    if (common.format === "csv") output.out(csvHeading(plan.columns) + (plan.csvTail ?? ""));
    for (const line of hookLines(hello.hooks, common.verbose)) output.err(line);
    for (const line of plan.attached?.(hello) ?? []) output.err(line);
  }

  private textHead(): readonly string[] {
    const { title, columns } = this.parts.plan;
    return [...(title === undefined ? [] : [title]), textHeading(columns)];
  }

  private onOp(op: Op): void {
    this.endedSince.add(op.seq);
    if (this.doneNs !== undefined || this.ended) return;
    const { plan, common, outcomes } = this.parts;
    const target = this.passes(op);
    if (target === undefined) return;
    if (plan.wants(op, target)) {
      this.summary.add(plan.command(op), op.latencyUs, outcomes.failed(op));
      this.row({ kind: "op", op, target, clock: this.parts.world.clock });
      for (const line of common.format === "text" ? (plan.below?.(op, this.parts.world.clock) ?? []) : [])
        this.parts.output.out(line);
    }
    if (this.concerns(op, target)) this.judge(op, true);
  }

  private onInflight(inflight: InFlight<Op>): void {
    this.inflight = inflight;
    this.endedSince = new Set();
    if (this.parts.common.stopOn !== undefined)
      for (const op of this.openOps((one, target) => this.concerns(one, target))) this.judge(op, false);
    if (!this.parts.common.verbose || this.parts.plan.showsOpen !== true) return;
    const open = new Set<number>();
    for (const op of this.openOps()) {
      open.add(op.seq);
      if (!this.shown.has(op.seq)) this.opRow(op);
    }
    this.shown = open;
  }

  /** What was in flight when the helper last looked, and has not been seen to end since. */
  private openOps(wants = this.parts.plan.wants): readonly Op[] {
    const ops = this.inflight?.ops ?? [];
    return ops
      .filter((op) => {
        if (op.endedNs !== undefined || this.endedSince.has(op.seq)) return false;
        const target = this.passes(op);
        return target !== undefined && wants(op, target);
      })
      .sort((a, b) => a.seq - b.seq);
  }

  /** Its target, when the common filters let it pass. */
  private passes(op: Op): Target | undefined {
    const { filters } = this.parts;
    if (!filters.byTarget) return filters.op(op, nowhere) ? this.names.of(op) : undefined;
    const target = this.names.of(op);
    return filters.op(op, target) ? target : undefined;
  }

  private concerns(op: Op, target: Target): boolean {
    return this.parts.plan.concerns?.(op, target) ?? true;
  }

  private judge(op: Op, over: boolean): void {
    const { stopOn } = this.parts.common;
    if (this.doneNs !== undefined || stopOn === undefined || !stopOn.met(op, over)) return;
    const { plan, output } = this.parts;
    const who = `${op.comm === "" ? "a task" : op.comm}${op.pid === undefined ? "" : ` (${op.pid})`}`;
    this.doneNs = this.nowNs;
    output.finish(`${stopOn.text}: ${who} ${plan.command(op)} ${(op.latencyUs / 1000).toFixed(3)} ms`);
  }

  private waiterRow(waiter: Waiter, untilNs: number): void {
    const { plan, filters, world } = this.parts;
    if (plan.wantsWaiter?.(waiter, untilNs) !== true) return;
    const target = this.names.ofWaiter?.(waiter) ?? nowhere;
    const named = waiter.comm === undefined ? { ...waiter, ...commOf(waiter, world) } : waiter;
    if (!filters.waiter(named, target)) return;
    this.row({ kind: "waiter", waiter: named, untilNs, target, clock: world.clock });
  }

  private opRow(op: Op): void {
    const target = this.names.of(op);
    this.row({ kind: "op", op, target, clock: this.parts.world.clock });
  }

  private row(row: Row<Op>): void {
    const { common, output } = this.parts;
    const { count } = common;
    if (count !== undefined && this.lines >= count) return;
    this.lines++;
    output.out(this.textOf(row));
    if (this.lines !== count) return;
    this.doneNs = this.nowNs;
    output.finish(undefined);
  }

  private textOf(row: Row<Op>): string {
    const { plan, common } = this.parts;
    if (common.format === "json") return JSON.stringify(plan.json(row));
    return common.format === "csv" ? csvLine(plan.columns, row) : textLine(plan.columns, row);
  }
}

/** The name of a task of which only the ids are known; nothing when it has ended. */
function commOf({ pid, tid }: Waiter, { readProc }: World): { readonly comm?: string } {
  const text = readProc(`${pid ?? tid}/task/${tid}/comm`);
  return text === undefined ? {} : { comm: text.replace(/\n$/, "") };
}
