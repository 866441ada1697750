import type { Readable } from "node:stream";
import { type Clock, systemClock } from "../system/clock.ts";
import type { OpEvent, ProbeCodec, ProbeDecoder, ProbeName } from "./codec.ts";
import { FrameReader } from "./frames.ts";
import { argvOf, hiddenHooks, type ProcessEnd, type StartProcess, startProcess } from "./helper-process.ts";
import type { CommonEvent, Loss, OpBase, ProbeEvent } from "./op.ts";
import { historyFrame, type ProbeSettings, settingsFrame } from "./settings.ts";
import { smbWire } from "./smb-wire.ts";

export interface ProbeOptions {
  /** Path of aod-probe: nativePaths().probe. */
  readonly program: string;
  /** Path of its BPF object, e.g. nativePaths().object("smb_wire"). */
  readonly object: string;
  /** Which of the helper's probes. */
  readonly probe: ProbeName;
  /** The kernel module that it attaches to; default: the probe's. */
  readonly module?: string;
  /** ms between ticks; default: the helper's. */
  readonly tickMs?: number;
  /** ms between ticks while nothing happens; default: as always. What happens is told with the next tick, as ever. */
  readonly quietMs?: number;
  /** KiB of what holds single operations between the kernel and the helper, a power of two; default: 4096. */
  readonly outliersKib?: number;
  /** Hooks to act as if they did not exist, and false to leave fentry out: for tests of the attach ladder. */
  readonly hide?: readonly string[];
  readonly fentry?: boolean;
  /** Options of aod-probe that only this kind of probe has. */
  readonly args?: readonly string[];
  readonly start?: StartProcess;
  readonly clock?: Clock;
  /** ms that stop() waits before SIGKILL. */
  readonly stopLimitMs?: number;
}

/** How it ended. After stop() `requested` is true and the message says nothing went wrong. */
export interface ProbeExit {
  readonly requested: boolean;
  /** Not on this kernel or machine, whatever is tried again. */
  readonly unsupported: boolean;
  readonly message: string;
}

/** A running helper, of whatever probe. */
export interface Helper {
  /** Sends a request's frame. */
  request(frame: Buffer): void;
  /** Asks it to end, and waits until all that it had to say has come; it may still be detaching. */
  drain(): Promise<void>;
  /** Ends it and waits until it has ended. */
  stop(): Promise<void>;
}

/** A running helper with the smb_wire probe. */
export interface Probe {
  set(settings: ProbeSettings): void;
  /** Asks for the history from a seq on (0 = everything); the `history` events of the answer carry the token. */
  history(from: number): number;
  /** Ends it and waits until it has ended. */
  stop(): Promise<void>;
}

const STDERR_MAX = 8192;
const STOP_LIMIT_MS = 2000;
const UNSUPPORTED = 3;

/** Starts aod-probe with smb_wire; otherwise as startHelper(). */
export function startProbe(
  options: ProbeOptions,
  onEvent: (event: ProbeEvent) => void,
  onExit: (exit: ProbeExit) => void,
): Probe {
  const helper = startHelper(options, smbWire, onEvent, onExit);
  let token = 0;
  return {
    set: (settings) => helper.request(settingsFrame(settings)),
    history: (from) => {
      token = (token % 0xffff_ffff) + 1;
      helper.request(historyFrame(from, token));
      return token;
    },
    stop: () => helper.stop(),
  };
}

/**
 * Starts aod-probe. `onEvent` gets what it says in the language of its kind, in order; `onExit` comes once, after the last event, whatever
 * ended it.
 */
export function startHelper<Op extends OpBase, Event extends OpEvent<Op>>(
  options: ProbeOptions,
  codec: ProbeCodec<Op, Event>,
  onEvent: (event: NoInfer<Event> | CommonEvent) => void,
  onExit: (exit: ProbeExit) => void,
): Helper {
  const clock = options.clock ?? systemClock;
  const helper = (options.start ?? startProcess)(argvOf({ ...hiddenHooks(process.env.AOD_PROBE_HIDE), ...options }));
  const reader = new FrameReader(codec.fits);
  const decoder = codec.decoder();
  const complaints = collect(helper.stderr);
  const losses = new LossTotals(reader, decoder);
  let failure: { readonly unsupported: boolean; readonly message: string } | undefined;
  let requested = false;

  const emit = (event: CommonEvent | Event | undefined): void => {
    if (event === undefined) return;
    if (event.type === "error") failure = { unsupported: event.unsupported, message: event.message };
    onEvent(event.type === "lost" ? { type: "lost", losses: losses.with(event.losses) } : event);
  };
  const own = (): void => {
    const changed = losses.changed();
    if (changed !== undefined) onEvent({ type: "lost", losses: changed });
  };
  helper.stdout.on("data", (chunk: Buffer) => {
    for (const frame of reader.push(chunk)) emit(decoder.decode(frame, clock.nowNs()));
    own();
  });
  helper.stdout.on("error", () => helper.kill());
  // EPIPE: the helper has gone; its end says why.
  helper.stdin.on("error", () => {});

  const drained = new Promise<void>((resolve) => {
    for (const end of ["end", "close"] as const) helper.stdout.once(end, () => resolve());
  });
  const ended = helper.ended.then((end) => {
    reader.end();
    own();
    onExit({ requested, ...(failure ?? exitOf(end, requested, options.program, complaints())) });
  });

  const end = (): void => {
    requested = true;
    helper.stdin.end();
  };
  return {
    request: (frame) => {
      if (helper.stdin.writable) helper.stdin.write(frame);
    },
    drain: async () => {
      end();
      await Promise.race([drained, ended]);
    },
    stop: async () => {
      end();
      const timer = setTimeout(() => helper.kill(), options.stopLimitMs ?? STOP_LIMIT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

function exitOf(end: ProcessEnd, requested: boolean, program: string, complaint: string): Omit<ProbeExit, "requested"> {
  const unsupported = end.code === UNSUPPORTED;
  if (end.error !== undefined) {
    const missing = "code" in end.error && end.error.code === "ENOENT";
    const what = missing ? `${program} is missing: build it with \`make\`` : `${program}: ${end.error.message}`;
    return { unsupported, message: what };
  }
  const how = end.signal === null ? `exit status ${end.code}` : end.signal;
  if (end.code === 0 && requested) return { unsupported, message: "stopped" };
  return {
    unsupported,
    message: complaint === "" ? `aod-probe ended: ${how}` : `aod-probe ended (${how}): ${complaint}`,
  };
}

/** The last 8 KiB that came, as one line. */
function collect(stream: Readable): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text = (text + chunk.toString("utf8")).slice(-STDERR_MAX);
  });
  stream.on("error", () => {});
  return () => text.trim().replace(/\s*\n\s*/g, "; ");
}

/** The helper's losses together with what was thrown away on this side of the pipe. */
class LossTotals {
  private helpers: readonly Loss[] = [];
  private reported = 0;
  private readonly reader: FrameReader;
  private readonly decoder: ProbeDecoder<unknown>;

  constructor(reader: FrameReader, decoder: ProbeDecoder<unknown>) {
    this.reader = reader;
    this.decoder = decoder;
  }

  with(helpers: readonly Loss[]): readonly Loss[] {
    this.helpers = helpers;
    return [...helpers, ...this.here()];
  }

  /** All totals, when something was thrown away here since the last time. */
  changed(): readonly Loss[] | undefined {
    const here = this.here();
    const sum = here.reduce((total, loss) => total + loss.count, 0);
    if (sum === this.reported) return undefined;
    this.reported = sum;
    return [...this.helpers, ...here];
  }

  private here(): readonly Loss[] {
    const frames = [...this.reader.discarded].map(([reason, { count }]) => ({ kind: `frame-${reason}`, count }));
    const records = [...this.decoder.discarded].map(([reason, count]) => ({ kind: `record-${reason}`, count }));
    return [...frames, ...records];
  }
}
