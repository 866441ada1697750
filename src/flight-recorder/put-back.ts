import { join } from "node:path";
import type { KernelFiles } from "../switches/client-switches.ts";
import { messageOf } from "../system/error.ts";
import { type Directories, removeLeftovers } from "./trace-instance.ts";
import { VerboseLogging } from "./verbose-logging.ts";

export interface PutBackOptions {
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly stateDir: string;
  readonly directories?: Directories;
  readonly kernel?: KernelFiles;
}

/** Where the flight recorder writes down what it switches. */
export function switchesFile(stateDir: string): string {
  return join(stateDir, "switches.json");
}

/** What a daemon that was killed left in the kernel, where none starts any more that would do it: its tracing instance goes, switches are put back. */
export function putBack({ stateDir, ...roots }: PutBackOptions): {
  readonly done: readonly string[];
  readonly failed: readonly string[];
} {
  const { put_back = [], errors = [] } = new VerboseLogging({
    ...roots,
    stateFile: switchesFile(stateDir),
    nowNs: () => 0,
  }).status();
  try {
    const { removed, failed } = removeLeftovers(roots);
    return {
      done: [...removed.map((name) => `tracing instance ${name}`), ...put_back],
      failed: [...errors, ...failed],
    };
  } catch (error) {
    return { done: put_back, failed: [...errors, messageOf(error)] };
  }
}
