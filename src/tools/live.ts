import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { OpEvent, ProbeCodec } from "../probe/codec.ts";
import { type Helper, type ProbeExit, startHelper } from "../probe/helper.ts";
import { type StartProcess, startProcess } from "../probe/helper-process.ts";
import type { OpBase, Waiter } from "../probe/op.ts";
import { systemClock } from "../system/clock.ts";
import { AodError } from "../system/error.ts";
import { HeldClock } from "../system/held-clock.ts";
import { nativePaths } from "../system/paths.ts";
import type { Ending } from "./ending.ts";
import type { World } from "./op.ts";
import type { ToolPlan, WaiterSampler } from "./spec.ts";

const POLL_MS = 500;

/** What comes from the probes and from sampling. */
export interface Inputs<Op extends OpBase> {
  readonly event: (event: OpEvent<Op>) => void;
  readonly waiters: (waiters: readonly Waiter[]) => void;
  /** A helper has ended by itself. */
  readonly exit: (exit: ProbeExit) => void;
}

/** This machine, with a clock that goes on with each input. */
export class LiveWorld implements World {
  readonly clock = new HeldClock(systemClock.nowNs(), systemClock.wallMs());
  private readonly procRoot: string;

  constructor(procRoot = "/proc") {
    this.procRoot = procRoot;
  }

  advance(): void {
    this.clock.advance(systemClock.nowNs(), systemClock.wallMs());
  }

  readProc(path: string): string | undefined {
    try {
      return readFileSync(join(this.procRoot, path), "utf8");
    } catch {
      // Not there (the module is not loaded, the task has ended) or not readable: both mean that nothing is known.
      return undefined;
    }
  }
}

/** The running probes of a tool. */
export class LiveRun<Op extends OpBase> {
  private readonly helpers: readonly Helper[];
  private readonly world: LiveWorld;
  private readonly sampler: WaiterSampler<Op> | undefined;
  private sampling: Promise<void> | undefined;

  constructor(plan: ToolPlan<Op>, world: LiveWorld, inputs: Inputs<Op>, start: StartProcess = startProcess) {
    this.world = world;
    this.sampler = plan.waiters?.(world);
    const onEvent = (event: OpEvent<Op>): void => {
      this.sampler?.note(event);
      inputs.event(event);
      if (event.type === "tick") this.sample(inputs);
    };
    const besides = (plan.besides ?? []).map(({ probe, request, args, onEvent }) =>
      this.helper(probe, { request, args: args ?? [] }, onEvent, inputs.exit, start),
    );
    this.helpers = [
      ...besides,
      this.helper(plan.probe, { request: plan.request, args: plan.args ?? [] }, onEvent, inputs.exit, start),
    ];
  }

  /** Asks the probes to end, and waits for all that they had to say. They may still be detaching. */
  async drain(): Promise<void> {
    await Promise.all(this.helpers.map((helper) => helper.drain()));
    await this.sampling;
    this.world.advance();
  }

  async stop(): Promise<void> {
    await Promise.all(this.helpers.map((helper) => helper.stop()));
  }

  private helper<O extends OpBase>(
    codec: ProbeCodec<O>,
    { request, args }: { readonly request: Buffer | undefined; readonly args: readonly string[] },
    onEvent: (event: OpEvent<O>) => void,
    onExit: (exit: ProbeExit) => void,
    start: StartProcess,
  ): Helper {
    const paths = nativePaths();
    const options = {
      program: paths.probe,
      object: paths.object(codec.object),
      probe: codec.name,
      args,
      clock: this.world.clock,
      start: (argv: Parameters<StartProcess>[0]) => {
        const process = start(argv);
        // Before the reader of the frames, which was not there yet: the clock goes on first.
        process.stdout.on("data", () => this.world.advance());
        return process;
      },
    };
    const helper = startHelper(options, codec, onEvent, onExit);
    if (request !== undefined) helper.request(request);
    return helper;
  }

  private sample(inputs: Inputs<Op>): void {
    if (this.sampler === undefined || this.sampling !== undefined) return;
    this.sampling = this.sampler.sample().then((waiters) => {
      this.sampling = undefined;
      this.world.advance();
      inputs.waiters(waiters);
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
