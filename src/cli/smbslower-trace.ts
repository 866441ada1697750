import type { Probe, ProbeExit } from "../probe/helper.ts";
import type { Hello, InFlight, Loss, ProbeEvent, SmbOp, SmbTarget, Waiter } from "../probe/op.ts";
import type { ProbeSettings } from "../probe/settings.ts";
import type { TargetKey } from "../probe/target-names.ts";
import { OTHER_COMMAND } from "../smb/commands.ts";
import type { Clock } from "../system/clock.ts";
import type { SlowerOptions } from "./smbslower-options.ts";
import { heading, lineOf, type Row, type RowStyle } from "./smbslower-rows.ts";

/** What a trace needs of the world. */
export interface TraceSurroundings {
  readonly start: (onEvent: (event: ProbeEvent) => void, onExit: (exit: ProbeExit) => void) => Probe;
  readonly clock: Clock;
  readonly targetOf: (key: TargetKey) => SmbTarget;
  readonly reconnectWaiters: { note(event: ProbeEvent): void; sample(): Promise<readonly Waiter[]> };
  /** The name of a task of which only the ids are known; undefined when it has ended. */
  readonly commOf: (pid: number, tid: number) => string | undefined;
  /** Lines for stdout and stderr, without line breaks. */
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Once, when the probe is attached. */
  readonly onAttached: () => void;
}

/** What the helper should report. */
export function settingsOf(options: SlowerOptions): ProbeSettings {
  const minUs = options.minMs * 1000;
  const slowUsOf = new Map([...options.commands].map((code) => [code, minUs] as const));
  return { slowUs: null, slowUsOf, inflightUs: minUs };
}

/** One run of the tool, from the start of the helper to the last line. */
export class SlowerTrace {
  /** Resolves when no more lines are wanted (-n) or the helper has ended by itself. */
  readonly finished: Promise<ProbeExit | undefined>;
  private readonly options: SlowerOptions;
  private readonly world: TraceSurroundings;
  private readonly style: RowStyle;
  private readonly probe: Probe;
  private finish: (exit: ProbeExit | undefined) => void = () => {};
  private lines = 0;
  private stopped = false;
  private losses: readonly Loss[] = [];
  private inflight: InFlight | undefined;
  private shown = new Set<number>();
  private endedSince = new Set<number>();
  private readonly waiting = new Map<number, Waiter>();
  private sampling: Promise<void> = Promise.resolve();
  private sampled = true;

  constructor(options: SlowerOptions, world: TraceSurroundings) {
    this.options = options;
    this.world = world;
    this.style = { format: options.format, verbose: options.verbose, clock: world.clock };
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
    this.probe = world.start(
      (event) => this.onEvent(event),
      (exit) => this.finish(exit),
    );
    this.probe.set(settingsOf(options));
  }

  /** Ends the helper, shows what is still open and what was lost. */
  async stop(): Promise<void> {
    await this.probe.stop();
    await this.sampling;
    const nowNs = this.world.clock.nowNs();
    for (const op of this.openOps()) this.row({ kind: "op", op, target: this.world.targetOf(op) });
    for (const waiter of this.waiting.values()) this.waiterRow(waiter, nowNs);
    for (const waiter of this.inflight?.waiters ?? []) this.waiterRow(waiter, nowNs);
    this.stopped = true;
    if (this.losses.length > 0) this.world.err(`Lost: ${this.losses.map(lossText).join(", ")}`);
  }

  private onEvent(event: ProbeEvent): void {
    this.world.reconnectWaiters.note(event);
    switch (event.type) {
      case "hello":
        this.onHello(event.hello);
        return;
      case "ops":
        for (const op of event.ops) this.onOp(op);
        return;
      case "tick":
        this.sampleWaiters();
        return;
      case "inflight":
        this.onInflight(event.inflight);
        return;
      case "lost":
        this.losses = event.losses;
        return;
    }
  }

  private onHello(hello: Hello): void {
    for (const line of heading(this.options.minMs, this.style)) this.world.out(line);
    for (const hook of hello.hooks) {
      const missing = hook.rung === "none";
      if (missing || (this.options.verbose && hook.why !== undefined)) {
        this.world.err(
          `${hook.name} (${hook.function}): ${missing ? "not attached" : hook.rung}${hook.why ? `: ${hook.why}` : ""}`,
        );
      }
    }
    this.world.onAttached();
  }

  private onOp(op: SmbOp): void {
    this.endedSince.add(op.seq);
    if (this.wanted(op)) this.row({ kind: "op", op, target: this.world.targetOf(op) });
  }

  private onInflight(inflight: InFlight): void {
    this.inflight = inflight;
    this.endedSince = new Set();
    if (!this.options.verbose) return;
    const open = new Set<number>();
    for (const op of this.openOps()) {
      open.add(op.seq);
      if (!this.shown.has(op.seq)) this.row({ kind: "op", op, target: this.world.targetOf(op) });
    }
    this.shown = open;
  }

  /** What was in flight when the helper last looked, and has not been seen to end since. */
  private openOps(): readonly SmbOp[] {
    const ops = this.inflight?.ops ?? [];
    const open = ops.filter((op) => op.endedNs === undefined && !this.endedSince.has(op.seq) && this.wanted(op));
    return open.sort((a, b) => a.seq - b.seq);
  }

  private wanted(op: SmbOp): boolean {
    const { pid, commands, minMs } = this.options;
    if (pid !== undefined && op.pid !== pid) return false;
    return commands.has(Math.min(op.commandCode, OTHER_COMMAND)) && op.latencyUs >= minMs * 1000;
  }

  private sampleWaiters(): void {
    if (!this.sampled) return;
    this.sampled = false;
    this.sampling = this.world.reconnectWaiters.sample().then((waiters) => {
      this.sampled = true;
      const nowNs = this.world.clock.nowNs();
      const now = new Map(waiters.map((waiter) => [waiter.tid, waiter]));
      for (const [tid, waiter] of this.waiting) {
        if (now.has(tid)) continue;
        this.waiting.delete(tid);
        this.waiterRow(waiter, nowNs);
      }
      for (const [tid, waiter] of now) this.waiting.set(tid, waiter);
    });
  }

  private waiterRow(waiter: Waiter, untilNs: number): void {
    const { pid, onlyCommands, minMs } = this.options;
    if (onlyCommands || (pid !== undefined && waiter.pid !== pid)) return;
    if (untilNs - waiter.sinceNs < minMs * 1e6) return;
    const { connectionId } = waiter;
    const target = connectionId === undefined ? {} : this.world.targetOf({ connectionId, sessionId: 0n, treeId: 0 });
    const comm = waiter.comm ?? this.world.commOf(waiter.pid ?? waiter.tid, waiter.tid);
    this.row({ kind: "waiter", waiter: comm === undefined ? waiter : { ...waiter, comm }, untilNs, target });
  }

  private row(row: Row): void {
    const { count } = this.options;
    if (this.stopped || (count !== undefined && this.lines >= count)) return;
    this.lines++;
    this.world.out(lineOf(row, this.style));
    if (count !== undefined && this.lines >= count) this.finish(undefined);
  }
}

/** `12 ringbuf` or `3 unseen (SMB2_READ)` */
function lossText({ kind, detail, count }: Loss): string {
  return `${count} ${kind}${detail === undefined ? "" : ` (${detail})`}`;
}
