import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { messageOf } from "../system/error.ts";
import { bootId, isAlive, type Lock, startTime, tryLock } from "../system/lock.ts";
import { hasCode } from "../system/proc.ts";
import { clientLines, clientOn, controlIn, offAgain, offBefore } from "./dynamic-debug.ts";
import { isOn, numberSwitches, type Protocol, pathOf } from "./numbers.ts";
import { type Holder, type Remembered, SwitchFile, type SwitchState } from "./switch-file.ts";

/** Files of the kernel. Tests pass their own, which do what the kernel does with a query. */
export interface KernelFiles {
  read(path: string): string;
  write(path: string, text: string): void;
}

export interface SwitchesOptions {
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly stateFile: string;
  /** CLOCK_MONOTONIC */
  readonly nowNs: () => number;
  /** Default: this process. */
  readonly pid?: number;
  readonly kernel?: KernelFiles;
}

/** What became of the switches. */
export interface Outcome {
  readonly switched: readonly Remembered[];
  readonly putBack: readonly string[];
  /** Somebody has changed these since: they stay as they are. */
  readonly foreign: readonly string[];
  readonly errors: readonly string[];
}

export interface NumberState {
  readonly path: string;
  readonly protocol: Protocol;
  readonly value: string;
  readonly on: boolean;
}

export interface DynamicDebugState {
  readonly path: string;
  readonly lines: number;
  readonly on: number;
}

/** What the kernel says now, and who wants it so. */
export interface SwitchesNow extends SwitchState {
  readonly numbers: readonly NumberState[];
  readonly dynamicDebug?: DynamicDebugState;
  readonly error?: string;
}

/** What the holders of `aod debug on` are called. */
export const DEBUG = "aod debug";

/** Somebody else is at it at this moment. */
export type Busy = "busy";

const kernelFiles: KernelFiles = {
  read: (path) => readFileSync(path, "utf8"),
  // Not O_CREAT: what the kernel does not have is an error.
  write: (path, text) => writeFileSync(path, `${text}\n`, { flag: "r+" }),
};

/**
 * The clients' debug switches. Any number of processes may hold them on; a switch is put back when nobody holds its protocol any more. What it was before
 * is written down first, with who holds it: whoever comes next puts back what a process has left that was killed.
 */
export class ClientSwitches {
  readonly #options: SwitchesOptions;
  readonly #kernel: KernelFiles;
  readonly #file: SwitchFile;
  readonly #pid: number;

  constructor(options: SwitchesOptions) {
    this.#options = options;
    this.#kernel = options.kernel ?? kernelFiles;
    this.#file = new SwitchFile(options.stateFile, options.procRoot);
    this.#pid = options.pid ?? process.pid;
  }

  /** Holds them on until a moment; a second time it changes what is held. */
  hold(name: string, protocols: readonly Protocol[], untilNs: number): Outcome | Busy {
    const { procRoot } = this.#options;
    const own = { name, pid: this.#pid, started: startTime(procRoot, this.#pid) ?? "" };
    return this.#locked((state) => ({
      holders: [
        ...this.#living(state).filter(({ pid }) => pid !== this.#pid),
        { ...own, protocols: [...protocols], until_ns: untilNs },
      ],
      switches: state.switches,
    }));
  }

  /** This process wants nothing any more. */
  release(): Outcome | Busy {
    return this.#locked((state) => ({
      holders: this.#living(state).filter(({ pid }) => pid !== this.#pid),
      switches: state.switches,
    }));
  }

  /** Takes protocols away from the holders of a name, who need not be asked. */
  revoke(name: string, protocols: readonly Protocol[]): Outcome | Busy {
    return this.#locked((state) => ({
      holders: this.#living(state).flatMap((holder) => {
        if (holder.name !== name) return [holder];
        const left = holder.protocols.filter((protocol) => !protocols.includes(protocol));
        return left.length === 0 ? [] : [{ ...holder, protocols: left }];
      }),
      switches: state.switches,
    }));
  }

  /** Puts back what the dead have left. */
  tidy(): Outcome | Busy {
    return this.#locked((state) => ({ holders: this.#living(state), switches: state.switches }));
  }

  /** What stands in the file: of this life of the kernel. */
  remembered(): SwitchState & { readonly error?: string } {
    return this.#file.read();
  }

  now(): SwitchesNow {
    const { procRoot, sysRoot } = this.#options;
    const numbers = numberSwitches.flatMap((one): NumberState[] => {
      const path = pathOf(procRoot, one);
      const value = this.#read(path)?.trim();
      return value === undefined ? [] : [{ path, protocol: one.protocol, value, on: Number(value) !== 0 }];
    });
    const path = controlIn(procRoot, sysRoot);
    const lines = path === undefined ? [] : clientLines(this.#read(path) ?? "");
    const state = this.#file.read();
    return {
      ...state,
      numbers,
      ...(path === undefined || lines.length === 0
        ? {}
        : { dynamicDebug: { path, lines: lines.length, on: lines.filter(({ on }) => on).length } }),
    };
  }

  /** Of this process too it is told by /proc: in a new process nothing can be held yet. */
  #living({ holders }: SwitchState): readonly Holder[] {
    const { procRoot, nowNs } = this.#options;
    const boot = bootId(procRoot);
    return holders.filter((holder) => holder.until_ns > nowNs() && isAlive({ ...holder, boot }, { procRoot }));
  }

  #locked(change: (state: SwitchState) => SwitchState): Outcome | Busy {
    const { procRoot, stateFile } = this.#options;
    const lock = tryLock({
      ...{ directory: dirname(stateFile), procRoot, pid: this.#pid },
      name: `${basename(stateFile)}.lock`,
    });
    if (!("release" in lock)) return "busy";
    try {
      return this.#settle(change);
    } finally {
      (lock as Lock).release();
    }
  }

  /** Switches on what is wanted and was off, and puts back what nobody wants any more. */
  #settle(change: (state: SwitchState) => SwitchState): Outcome {
    const { error, ...before } = this.#file.read();
    const { holders, switches } = change(before);
    const errors = error === undefined ? [] : [error];
    const wanted = new Set(holders.flatMap(({ protocols }) => protocols));
    const stale = switches.filter(({ protocol }) => !wanted.has(protocol));
    const kept = switches.filter(({ protocol }) => wanted.has(protocol));
    const known = new Set(kept.map(({ path }) => path));
    const fresh = this.#wanted(wanted).filter(({ path }) => !known.has(path));
    try {
      // Also what is about to be put back: a process that is killed in between leaves it to the next.
      if (fresh.length > 0 || holders.length > 0) this.#file.write({ holders, switches: [...switches, ...fresh] });
    } catch (failure) {
      return {
        switched: [],
        putBack: [],
        foreign: [],
        errors: [...errors, `nothing was switched: ${messageOf(failure)}`],
      };
    }
    for (const one of fresh) {
      const said = this.#write(one.path, one.kind === "number" ? one.on : clientOn);
      if (said !== undefined) errors.push(said);
    }
    const undone = stale.map((one) => ({ one, ...this.#undo(one) }));
    errors.push(...undone.flatMap(({ said }) => said ?? []));
    const failed = undone.flatMap(({ one, said }) => (said === undefined ? [] : [one]));
    try {
      if (stale.length > 0 || before.holders.length > 0 || error !== undefined)
        this.#file.write({ holders, switches: [...kept, ...fresh, ...failed] });
    } catch (failure) {
      // What stands there is put back once more by whoever comes next: that does no harm.
      errors.push(messageOf(failure));
    }
    return {
      switched: [...kept, ...fresh],
      putBack: undone.flatMap(({ one, said, foreign }) => (said === undefined && !foreign ? [one.path] : [])),
      foreign: undone.flatMap(({ one, foreign }) => (foreign ? [one.path] : [])),
      errors,
    };
  }

  /** What is off of it, with how it is now. */
  #wanted(protocols: ReadonlySet<Protocol>): readonly Remembered[] {
    const { procRoot, sysRoot } = this.#options;
    const numbers = numberSwitches
      .filter(({ protocol }) => protocols.has(protocol))
      .flatMap((one): Remembered[] => {
        const path = pathOf(procRoot, one);
        const before = this.#read(path)?.trim();
        if (before === undefined || isOn(before, one)) return [];
        return [{ kind: "number", protocol: one.protocol, path, before, on: one.on }];
      });
    const control = protocols.has("smb") ? controlIn(procRoot, sysRoot) : undefined;
    const files = control === undefined ? [] : offBefore(clientLines(this.#read(control) ?? ""));
    return control === undefined || files.length === 0
      ? numbers
      : [...numbers, { kind: "dynamic-debug", protocol: "smb", path: control, files }];
  }

  /** A number that somebody has changed since is theirs. */
  #undo(one: Remembered): { readonly said?: string; readonly foreign: boolean } {
    if (one.kind === "number") {
      const now = this.#read(one.path)?.trim();
      // Gone with its module: then there is nothing to be undone.
      if (now === undefined || Number(now) === Number(one.before)) return { foreign: false };
      if (Number(now) !== Number(one.on)) return { foreign: true };
    }
    const writes = one.kind === "number" ? [one.before] : offAgain(one.files);
    const said = writes.map((text) => this.#write(one.path, text)).find((text) => text !== undefined);
    return said === undefined ? { foreign: false } : { said, foreign: false };
  }

  #read(path: string): string | undefined {
    try {
      return this.#kernel.read(path);
    } catch {
      // The module is not loaded, or the kernel does not have it.
      return undefined;
    }
  }

  /** Why it could not be written; what went with its module needs no switch. */
  #write(path: string, text: string): string | undefined {
    try {
      this.#kernel.write(path, text);
      return undefined;
    } catch (error) {
      return hasCode(error, "ENOENT") ? undefined : `${path}: ${messageOf(error)}`;
    }
  }
}
