import { readFileSync } from "node:fs";
import { hasCode } from "./proc.ts";
import type { TaskPlace } from "./task-files.ts";

export interface StackFrame {
  readonly function: string;
  /** Absent for what is not in a module. */
  readonly module?: string;
}

/** `[<0>] function+0x12/0x34 [module]`, innermost first. Lines that are none are left out. */
export function parseStack(text: string): readonly StackFrame[] {
  return text.split("\n").flatMap((line) => {
    const [, name, module] = /^\[<[0-9a-f]+>\] ([^\s+]+)(?:\+\S+)?(?: \[([^\]]+)\])?$/.exec(line.trim()) ?? [];
    if (name === undefined) return [];
    return [{ function: name, ...(module === undefined ? {} : { module }) }];
  });
}

/** The kernel stack of a task; `refused`: it may not be read. Undefined when the task has ended. */
export function taskStack({ directory }: TaskPlace): readonly StackFrame[] | "refused" | undefined {
  try {
    return parseStack(readFileSync(`${directory}/stack`, "utf8"));
  } catch (error) {
    // ENOENT also: a kernel without CONFIG_STACKTRACE.
    return hasCode(error, "EPERM", "EACCES", "ENOENT") ? "refused" : undefined;
  }
}
