import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { OpEvent, ProbeCodec } from "../probe/codec.ts";
import { type Helper, type ProbeExit, startHelper } from "../probe/helper.ts";
import { type StartProcess, startProcess } from "../probe/helper-process.ts";
import type { OpBase, Waiter } from "../probe/op.ts";
import type { LiveWorld } from "../record/live-world.ts";
import { AodError } from "../system/error.ts";
import { nativePaths } from "../system/paths.ts";
import type { Ending } from "./ending.ts";
import type { ToolPlan, WaiterSampler } from "./spec.ts";

const POLL_MS = 500;

/** What comes from the probes and from sampling. */
export interface Inputs<Op extends OpBase> {
  readonly event: (event: OpEvent<Op>) => void;
  readonly waiters: (waiters: readonly Waiter[]) => void;
  /** A helper has ended by itself. */
  readonly exit: (exit: ProbeExit) => void;
}

/** The names of the probes that a tool starts, in the order of their numbers in a recording. */
export function probesOf<Op extends OpBase>({ probe, besides = [] }: ToolPlan<Op>): readonly ProbeCodec<OpBase>[] {
  return [...besides.map((beside) => beside.probe), probe];
}

/** The running probes of a tool. */
export class LiveRun<Op extends OpBase> {
  private readonly own: Helper;
  private readonly besides: readonly Helper[];
  private readonly settled: () => Promise<void>;
  private readonly world: LiveWorld;
  private readonly sampler: WaiterSampler<Op> | undefined;
  private sampling: Promise<void> | undefined;

  constructor(plan: ToolPlan<Op>, world: LiveWorld, inputs: Inputs<Op>, start: StartProcess = startProcess) {
    this.world = world;
    this.sampler = plan.waiters?.({ clock: world.clock, readProc: world.readUnrecorded });
    const onEvent = (event: OpEvent<Op>): void => {
      this.sampler?.note(event);
      inputs.event(event);
      if (event.type === "tick") this.sample(inputs);
    };
    this.besides = (plan.besides ?? []).map(({ probe, request, args, onEvent, onStart }, index) => {
      const helper = this.helper(index, probe, { request, args: args ?? [] }, onEvent, inputs.exit, start);
      onStart?.((frame) => helper.request(frame));
      return helper;
    });
    const asked = { request: plan.request, args: plan.args ?? [] };
    this.own = this.helper(this.besides.length, plan.probe, asked, onEvent, inputs.exit, start);
    this.settled = async () => plan.stage?.settled?.();
  }

  /** Asks the probes to end, and waits for all that they had to say. They may still be detaching. */
  async drain(): Promise<void> {
    this.world.recorder?.close();
    await this.own.drain();
    await this.settled();
    await Promise.all(this.besides.map((helper) => helper.drain()));
    await this.sampling;
    this.world.advance();
  }

  async stop(): Promise<void> {
    await Promise.all([this.own, ...this.besides].map((helper) => helper.stop()));
  }

  private helper<O extends OpBase>(
    index: number,
    codec: ProbeCodec<O>,
    { request, args }: { readonly request: Buffer | undefined; readonly args: readonly string[] },
    onEvent: (event: OpEvent<O>) => void,
    onExit: (exit: ProbeExit) => void,
    start: StartProcess,
  ): Helper {
    const paths = nativePaths();
    const followed = this.world.follow(index, start);
    const options = {
      program: paths.probe,
      object: paths.object(codec.object),
      probe: codec.name,
      args,
      clock: this.world.clock,
      start: followed.start,
    };
    const helper = startHelper(options, codec, onEvent, onExit);
    followed.record();
    if (request !== undefined) helper.request(request);
    return helper;
  }

  private sample(inputs: Inputs<Op>): void {
    if (this.sampler === undefined || this.sampling !== undefined) return;
    this.sampling = this.sampler.sample().then((waiters) => {
      this.sampling = undefined;
      this.world.advance();
      inputs.waiters(waiters);
      this.world.recorder?.waiters(waiters);
    });
  }
}

export function requireSupport(): void {
  if (process.geteuid?.() !== 0) {
    throw new AodError("failed", "only root may load BPF programs: run it as root, or with sudo");
  }
  if (!existsSync("/sys/kernel/btf/vmlinux")) {
    throw new AodError(
      "unsupported",
      "this kernel carries no BTF (/sys/kernel/btf/vmlinux is missing): CONFIG_DEBUG_INFO_BTF is needed",
    );
  }
}

/** True when the module is there; false when the tool was ended before. */
export async function moduleAppears(module: string, end: Ending, say: (line: string) => void): Promise<boolean> {
  const loaded = (): boolean => existsSync(`/sys/module/${module}`);
  if (loaded()) return true;
  // Neither waiting for ever nor attaching, which takes its time on a busy machine, counts as tracing.
  end.start();
  say(`the ${module} module is not loaded, nothing is mounted; waiting for it`);
  for (;;) {
    const ended = await Promise.race([end.reached.then(() => true), setTimeout(POLL_MS, false)]);
    if (ended) return false;
    if (loaded()) {
      end.pause();
      return true;
    }
  }
}
