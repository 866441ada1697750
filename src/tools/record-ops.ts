import { setInterval } from "node:timers";
import type { OpEvent } from "../probe/codec.ts";
import { type Helper, type ProbeExit, startHelper } from "../probe/helper.ts";
import { type StartProcess, startProcess } from "../probe/helper-process.ts";
import type { Hello, Loss, OpBase } from "../probe/op.ts";
import type { LiveWorld } from "../record/live-world.ts";
import type { Recorder } from "../record/recorder.ts";
import { nativePaths } from "../system/paths.ts";
import type { Recordable, RecordOptions } from "./recordable.ts";
import type { WaiterSampler } from "./spec.ts";

/** As the daemon has it: its detectors see a recording as often as they would see the probe. */
const TICK_MS = 500;
const BEAT_MS = 1000;
/** Names are read again before ops, but not more often. */
const FILES_NS = 100e6;

/** What became of one probe. */
export interface Recorded {
  readonly name: string;
  hello: Hello | undefined;
  exit: ProbeExit | undefined;
  ops: number;
  losses: readonly Loss[];
}

export interface RecordEvents {
  readonly hello: (hello: Hello) => void;
  readonly exit: (name: string, exit: ProbeExit) => void;
  readonly beat: () => void;
}

/** Probes whose frames go into a file, with all that a tool or the daemon would have read besides. */
export class RecordRun {
  readonly probes: readonly Recorded[];
  private readonly world: LiveWorld;
  private readonly recorder: Recorder;
  private readonly events: RecordEvents;
  private readonly helpers: readonly Helper[];
  private readonly timer: NodeJS.Timeout;

  constructor(
    what: readonly Recordable[],
    options: RecordOptions,
    world: LiveWorld,
    recorder: Recorder,
    events: RecordEvents,
    start: StartProcess = startProcess,
  ) {
    this.world = world;
    this.recorder = recorder;
    this.events = events;
    this.probes = what.map(({ codec }) => ({
      name: codec.name,
      hello: undefined,
      exit: undefined,
      ops: 0,
      losses: [],
    }));
    this.helpers = this.probes.flatMap((probe, index) => {
      const one = what[index];
      return one === undefined ? [] : [this.helper(probe, index, one, options, start)];
    });
    this.timer = setInterval(() => this.beat(), BEAT_MS);
  }

  /** Ends the probes, then the file. */
  async end(): Promise<void> {
    clearInterval(this.timer);
    this.recorder.close();
    await Promise.all(this.helpers.map((helper) => helper.drain()));
    this.world.advance();
    await this.recorder.end();
  }

  async stop(): Promise<void> {
    await Promise.all(this.helpers.map((helper) => helper.stop()));
  }

  private helper(
    probe: Recorded,
    index: number,
    { codec, request, args, files, waiters }: Recordable,
    options: RecordOptions,
    start: StartProcess,
  ): Helper {
    const { world } = this;
    const sampler = waiters?.({ clock: world.clock, readProc: world.readUnrecorded });
    const sample = sampler === undefined ? undefined : this.sampling(sampler);
    const look = filesReader(world, files);
    // What is there at the beginning: who replays it asks for the mounts first.
    look();
    const followed = world.follow(index, start);
    const helper = startHelper(
      {
        program: nativePaths().probe,
        object: nativePaths().object(codec.object),
        probe: codec.name,
        args: args(options),
        tickMs: TICK_MS,
        clock: world.clock,
        start: followed.start,
      },
      codec,
      (event) => {
        sampler?.note(event);
        if (event.type === "hello") this.hello(probe, event.hello);
        if (event.type === "ops") probe.ops += event.ops.length;
        if (event.type === "lost") probe.losses = event.losses;
        if (event.type === "inflight") this.readNames(event);
        if (event.type === "ops" || event.type === "inflight") look();
        if (event.type === "tick") sample?.();
      },
      (exit) => {
        probe.exit = exit;
        if (!exit.requested) this.events.exit(probe.name, exit);
      },
    );
    followed.record();
    helper.request(request);
    return helper;
  }

  private hello(probe: Recorded, hello: Hello): void {
    probe.hello = hello;
    this.events.hello(hello);
  }

  /** Of a task that waits for credits the kernel tells only the ids. */
  private readNames({ inflight }: OpEvent<OpBase> & { readonly type: "inflight" }): void {
    for (const { comm, pid, tid } of inflight.waiters) {
      if (comm === undefined) this.world.readProc(`${pid ?? tid}/task/${tid}/comm`);
    }
  }

  private sampling(sampler: WaiterSampler<OpBase>): () => void {
    let busy = false;
    return () => {
      if (busy) return;
      busy = true;
      void sampler.sample().then((waiters) => {
        busy = false;
        this.world.advance();
        this.recorder.waiters(waiters);
      });
    };
  }

  private beat(): void {
    this.world.advance();
    this.recorder.beat();
    this.events.beat();
  }
}

/** Reads the files for the recording, as often as is good for anything. */
function filesReader(world: LiveWorld, files: readonly string[]): () => void {
  let readNs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowNs = world.clock.nowNs();
    if (nowNs - readNs < FILES_NS) return;
    readNs = nowNs;
    for (const file of files) world.readProc(file);
  };
}
