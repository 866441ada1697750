import { existsSync } from "node:fs";
import type { Command } from "commander";
import { startProbe } from "../probe/helper.ts";
import { ReconnectWaiters } from "../probe/reconnect-waiters.ts";
import { debugDataReader, TargetNames } from "../probe/target-names.ts";
import { systemClock } from "../system/clock.ts";
import { AodError } from "../system/error.ts";
import { nativePaths } from "../system/paths.ts";
import { taskComm } from "../system/wchan.ts";
import { buildCommand, type SlowerOptions } from "./smbslower-options.ts";
import { SlowerTrace } from "./smbslower-trace.ts";

const MODULE = "cifs";
const POLL_MS = 500;

export function build(): Command {
  return buildCommand(run);
}

async function run(options: SlowerOptions): Promise<void> {
  requireSupport();
  const end = new Ending(options.durationS);
  try {
    if (!(await moduleAppears(end))) return;
    const trace = start(options, end);
    const exit = await Promise.race([trace.finished, end.reached]);
    await trace.stop();
    if (exit !== undefined && !exit.requested)
      throw new AodError(exit.unsupported ? "unsupported" : "failed", exit.message);
  } finally {
    end.dispose();
  }
}

function requireSupport(): void {
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

function start(options: SlowerOptions, end: Ending): SlowerTrace {
  const paths = nativePaths();
  const clock = systemClock;
  const debugData = debugDataReader();
  const names = new TargetNames(debugData, clock);
  return new SlowerTrace(options, {
    start: (onEvent, onExit) =>
      startProbe({ program: paths.probe, object: paths.object("smb_wire"), probe: "smb_wire" }, onEvent, onExit),
    clock,
    targetOf: (key) => names.of(key),
    reconnectWaiters: new ReconnectWaiters({ debugData, clock }),
    commOf: taskComm,
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`smbslower: ${line}\n`),
    onAttached: () => end.start(),
  });
}

/** True when the module is there; false when the tool was ended before. */
async function moduleAppears(end: Ending): Promise<boolean> {
  const loaded = (): boolean => existsSync(`/sys/module/${MODULE}`);
  if (loaded()) return true;
  // Neither waiting for ever nor attaching, which takes its time on a busy machine, counts as tracing.
  end.start();
  process.stderr.write("smbslower: the cifs module is not loaded, nothing is mounted; waiting for it\n");
  for (;;) {
    const ended = await Promise.race([end.reached.then(() => true), after(POLL_MS).then(() => false)]);
    if (ended) return false;
    if (loaded()) {
      end.pause();
      return true;
    }
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** SIGINT, SIGTERM or the end of -d, whichever comes first. */
class Ending {
  readonly reached: Promise<undefined>;
  private readonly durationS: number | undefined;
  private resolve: (value: undefined) => void = () => {};
  private timer: NodeJS.Timeout | undefined;
  private readonly onSignal = (): void => this.resolve(undefined);

  constructor(durationS: number | undefined) {
    this.durationS = durationS;
    this.reached = new Promise((resolve) => {
      this.resolve = resolve;
    });
    process.once("SIGINT", this.onSignal);
    process.once("SIGTERM", this.onSignal);
  }

  /** The time begins, anew. */
  start(): void {
    clearTimeout(this.timer);
    if (this.durationS !== undefined) this.timer = setTimeout(this.onSignal, this.durationS * 1000);
  }

  pause(): void {
    clearTimeout(this.timer);
  }

  dispose(): void {
    clearTimeout(this.timer);
    process.off("SIGINT", this.onSignal);
    process.off("SIGTERM", this.onSignal);
  }
}
