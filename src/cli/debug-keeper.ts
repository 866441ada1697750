// The process that holds the switches on: it outlives the command, and puts everything back when the time is over.
import { spawn } from "node:child_process";
import { type ClientSwitches, DEBUG, type Outcome } from "../switches/client-switches.ts";
import type { Protocol } from "../switches/numbers.ts";
import { whenFree } from "../switches/wait.ts";
import { AodError, messageOf } from "../system/error.ts";

/** What the keeper tells on its standard output, a line each: when it has switched, and when it has put back. */
type Told = Outcome | { readonly failure: string };

/** The keeper's life: in the process that `startKeeper` starts. */
export async function keep(switches: ClientSwitches, protocols: readonly Protocol[], forNs: number): Promise<void> {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => end());
  // Nobody listens any more: the command has returned, or was killed.
  process.stdout.on("error", () => undefined);
  const tell = (told: Told): void => void process.stdout.write(`${JSON.stringify(told)}\n`);
  try {
    const untilNs = Number(process.hrtime.bigint()) + forNs;
    const outcome = await whenFree(() => switches.hold(DEBUG, protocols, untilNs));
    tell(outcome);
    if (outcome.switched.length > 0) {
      const timer = setTimeout(end, forNs / 1e6);
      await over;
      clearTimeout(timer);
    }
    const ended = await whenFree(() => switches.release());
    if (outcome.switched.length > 0) tell(ended);
  } catch (error) {
    tell({ failure: messageOf(error) });
    process.exitCode = 1;
  }
}

export interface Keeper {
  readonly pid: number | undefined;
  /** What it switched. */
  readonly began: Promise<Outcome>;
  /** What it put back; undefined: it was killed before. */
  readonly ended: Promise<Outcome | undefined>;
  stop(): void;
  /** Lets it live on without us. */
  leave(): void;
}

/** In a session of its own: neither Ctrl-C nor the end of the shell reaches it. */
export function startKeeper(program: readonly string[]): Keeper {
  const [command = "", ...args] = program;
  const child = spawn(command, args, { detached: true, stdio: ["ignore", "pipe", "ignore"], cwd: "/" });
  const began = Promise.withResolvers<Outcome>();
  const ended = Promise.withResolvers<Outcome | undefined>();
  // Whoever only waits for the beginning does not hear of a later failure.
  ended.promise.catch(() => undefined);
  let text = "";
  let lines = 0;
  child.stdout.on("data", (piece: Buffer) => {
    text += piece.toString();
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n")) {
      const told = JSON.parse(text.slice(0, at)) as Told;
      text = text.slice(at + 1);
      const which = lines++ === 0 ? began : ended;
      if ("failure" in told) which.reject(new AodError("failed", told.failure));
      else which.resolve(told);
    }
  });
  const over = (why: string): void => {
    began.reject(new AodError("failed", `the process that holds the switches on has ended: ${why}`));
    ended.resolve(undefined);
  };
  child.on("error", (error) => over(error.message));
  child.on("close", (code, signal) => over(signal === null ? `exit status ${code}` : signal));
  return {
    pid: child.pid,
    began: began.promise,
    ended: ended.promise,
    stop: () => void child.kill("SIGTERM"),
    leave: () => {
      child.stdout.destroy();
      child.unref();
    },
  };
}
