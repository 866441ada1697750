import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AodError, messageOf } from "./error.ts";
import { hasCode } from "./proc.ts";

export interface LockOptions {
  readonly directory: string;
  readonly procRoot: string;
  readonly pid: number;
  /** Of the file; default: the daemon's. */
  readonly name?: string;
  /** For tests of a full disk; default: a new file, for its owner alone. */
  readonly write?: (path: string, text: string) => void;
}

export interface Lock {
  release(): void;
}

/** Who holds it: the process id alone would be mistaken after it was used again, or after a reboot. */
export interface LockHolder {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat */
  readonly started: string;
  readonly boot: string;
}

const ATTEMPTS = 5;

/** Takes `aod.lock` in a directory for the life of this process. Throws AodError `failed` that names the process that has it. */
export function takeLock(options: LockOptions): Lock {
  const taken = tryLock(options);
  if ("release" in taken) return taken;
  throw new AodError("failed", `aod is already running as process ${taken.pid} (its lock: ${pathOf(options)})`);
}

const pathOf = ({ directory, name = "aod.lock" }: LockOptions): string => join(directory, name);

/**
 * The lock, or the living process that has it; the lock of a process that is gone, e.g. after kill -9, is taken over. Throws AodError
 * `failed` when the directory cannot be written.
 */
export function tryLock(options: LockOptions): Lock | LockHolder {
  const path = pathOf(options);
  const own = `${path}.${options.pid}`;
  const text = JSON.stringify(describe(options));
  rmSync(own, { force: true });
  writeOwn(own, text, options.write ?? createFile);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // A link appears with its content or not at all.
      if (tryLink(own, path)) return { release: () => release(path, text) };
      const found = readIfThere(path);
      if (found === undefined) continue;
      const holder = parseHolder(found);
      if (holder !== undefined && isAlive(holder, options)) {
        return holder;
      }
      moveAside(path, found, `${own}.stale`);
    }
  } finally {
    rmSync(own, { force: true });
  }
  throw new AodError("failed", `cannot take ${path}: another process takes it again and again`);
}

function createFile(path: string, text: string): void {
  writeFileSync(path, text, { flag: "wx", mode: 0o600 });
}

function writeOwn(path: string, text: string, write: (path: string, text: string) => void): void {
  try {
    write(path, text);
  } catch (error) {
    rmSync(path, { force: true });
    throw new AodError("failed", `cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function describe({ procRoot, pid }: LockOptions): LockHolder {
  return { pid, started: startTime(procRoot, pid) ?? "", boot: bootId(procRoot) };
}

/** Whether that very process still runs. */
export function isAlive(holder: LockHolder, { procRoot }: Pick<LockOptions, "procRoot">): boolean {
  return holder.boot === bootId(procRoot) && startTime(procRoot, holder.pid) === holder.started;
}

export function startTime(procRoot: string, pid: number): string | undefined {
  const stat = readIfThere(join(procRoot, String(pid), "stat"));
  // The name, field 2, may hold spaces and parentheses: count from its end.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

export function bootId(procRoot: string): string {
  return readIfThere(join(procRoot, "sys/kernel/random/boot_id"))?.trim() ?? "";
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("pid" in value && "started" in value && "boot" in value))
      return undefined;
    const { pid, started, boot } = value;
    return typeof pid === "number" && typeof started === "string" && typeof boot === "string"
      ? { pid, started, boot }
      : undefined;
  } catch {
    // Not ours, or not whole: nobody holds it.
    return undefined;
  }
}

/** Takes a dead process's lock away; puts it back when in the meantime a live one has made it its own. */
function moveAside(path: string, expected: string, aside: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    throw error;
  }
  if (readIfThere(aside) !== expected) tryLink(aside, path);
  unlinkSync(aside);
}

function release(path: string, text: string): void {
  if (readIfThere(path) === text) rmSync(path, { force: true });
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return undefined;
    throw error;
  }
}
