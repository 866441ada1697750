// Documentation/trace/ftrace.rst: an instance has a ring, a clock and switches of its own; nothing of it touches other users of tracing.
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { messageOf } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import type { EventFormat } from "./trace-dat.ts";
import { rareEvents } from "./trace-events.ts";

export interface InstanceOptions {
  /** /sys */
  readonly sysRoot: string;
  readonly procRoot: string;
  readonly pid: number;
  /** KiB of each processor's ring. */
  readonly bufferKib: number;
  /** Every event of these systems instead of the rare ones: costs a metadata workload some 6 %. */
  readonly all: boolean;
  readonly directories?: Directories;
}

/** tracefs fills a directory that is made, and empties one that is removed. Tests pass their own. */
export interface Directories {
  make(path: string): void;
  remove(path: string): void;
}

const tracefsDirectories: Directories = { make: (path) => mkdirSync(path), remove: rmdirSync };

/** Where tracefs is; undefined: nowhere. */
export function tracefsIn(sysRoot: string): string | undefined {
  const places = [join(sysRoot, "kernel/tracing"), join(sysRoot, "kernel/debug/tracing")];
  return places.find((place) => existsSync(join(place, "instances")));
}

const PREFIX = "aod-";

/** `aod-PID-START`: whose it is, and whether that one still lives, can be told after any end. */
function nameOf(procRoot: string, pid: number): string {
  return `${PREFIX}${pid}-${startTime(procRoot, pid) ?? "0"}`;
}

/** Removes the instances of daemons that are gone, e.g. after kill -9. Names what was removed, and what could not be. */
export function removeLeftovers({
  sysRoot,
  procRoot,
  directories = tracefsDirectories,
}: Pick<InstanceOptions, "sysRoot" | "procRoot" | "directories">): {
  readonly removed: readonly string[];
  readonly failed: readonly string[];
} {
  const root = tracefsIn(sysRoot);
  const removed: string[] = [];
  const failed: string[] = [];
  for (const name of root === undefined ? [] : readdirSync(join(root, "instances"))) {
    const [, pid, started] = /^aod-(\d+)-(\d+)$/.exec(name) ?? [];
    if (pid === undefined || startTime(procRoot, Number(pid)) === started) continue;
    try {
      directories.remove(join(root ?? "", "instances", name));
      removed.push(name);
    } catch (error) {
      failed.push(`${name}: ${messageOf(error)}`);
    }
  }
  return { removed, failed };
}

function startTime(procRoot: string, pid: number): string | undefined {
  try {
    const stat = readFileSync(join(procRoot, String(pid), "stat"), "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    // It has ended.
    return undefined;
  }
}

/** A ring of trace events of our own, in overwrite mode. */
export class TraceInstance {
  readonly path: string;
  readonly clock: string;
  readonly #root: string;
  readonly #all: boolean;
  readonly #directories: Directories;
  /** `SYSTEM/EVENT` */
  readonly #enabled = new Set<string>();
  readonly #failed = new Map<string, string>();

  /** Throws what the file system says. */
  constructor(root: string, { procRoot, pid, bufferKib, all, directories = tracefsDirectories }: InstanceOptions) {
    this.#root = root;
    this.#directories = directories;
    this.#all = all;
    this.path = join(root, "instances", nameOf(procRoot, pid));
    directories.make(this.path);
    try {
      this.#write("buffer_size_kb", String(bufferKib));
      this.#write("options/overwrite", "1");
      // CLOCK_MONOTONIC: the clock of everything else in a bundle.
      this.#write("trace_clock", "mono");
      this.clock = readFileSync(join(this.path, "trace_clock"), "utf8");
      this.#write("tracing_on", "1");
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Switches on what is there and was not before: modules come and go. Call it now and then. */
  refresh(): void {
    for (const [system, names] of Object.entries(rareEvents)) {
      const directory = join(this.path, "events", system);
      const there = existsSync(directory);
      // A module that was unloaded took its events with it.
      if (!there) {
        for (const event of this.#enabled) if (event.startsWith(`${system}/`)) this.#enabled.delete(event);
        continue;
      }
      const wanted = this.#all ? eventsIn(directory) : names;
      for (const name of wanted) this.#enable(`${system}/${name}`);
    }
  }

  /** Switches these on, `SYSTEM/EVENT` each; a whole system in one go. */
  enable(events: readonly string[]): void {
    for (const [system = "", wanted] of Map.groupBy(events, (event) => event.split("/", 1)[0])) {
      const directory = join(this.path, "events", system);
      const names = existsSync(directory) ? eventsIn(directory) : [];
      const all = wanted.length >= names.length && names.every((name) => wanted.includes(`${system}/${name}`));
      if (all && this.#enableSystem(system)) for (const event of wanted) this.#enabled.add(event);
      else for (const event of wanted) this.#enable(event);
    }
  }

  get enabled(): readonly string[] {
    return [...this.#enabled].sort();
  }

  /** Why events that are there could not be switched on. */
  get failed(): ReadonlyMap<string, string> {
    return this.#failed;
  }

  /** Formats of all events of the ring. */
  formats(): EventFormat[] {
    return this.enabled.flatMap((event) => {
      const format = textIn(join(this.#root, "events", event, "format"));
      return format === undefined ? [] : [{ system: event.split("/", 1)[0] ?? "", format }];
    });
  }

  headers(): { readonly headerPage: string; readonly headerEvent: string; readonly commands: string } {
    return {
      headerPage: readFileSync(join(this.#root, "events/header_page"), "utf8"),
      headerEvent: readFileSync(join(this.#root, "events/header_event"), "utf8"),
      commands: textIn(join(this.#root, "saved_cmdlines")) ?? "",
    };
  }

  /** Numbers of the processors that have a ring. */
  cpus(): readonly number[] {
    return readdirSync(join(this.path, "per_cpu"))
      .flatMap((name) => /^cpu(\d+)$/.exec(name)?.slice(1).map(Number) ?? [])
      .sort((left, right) => left - right);
  }

  /** Takes the pages out of one processor's ring, oldest first, while it goes on. Never waits. */
  *takePages(cpu: number, pageSize: number): Generator<Buffer> {
    const fd = openSync(
      join(this.path, "per_cpu", `cpu${cpu}`, "trace_pipe_raw"),
      constants.O_RDONLY | constants.O_NONBLOCK,
    );
    try {
      for (;;) {
        const page = Buffer.alloc(pageSize);
        const size = readRaw(fd, page);
        if (size <= 0) return;
        yield page;
      }
    } finally {
      closeSync(fd);
    }
  }

  /** Bytes in one processor's ring that nobody has taken. */
  waitingBytes(cpu: number): number {
    const stats = textIn(join(this.path, "per_cpu", `cpu${cpu}`, "stats")) ?? "";
    return Number(/^bytes: (\d+)$/m.exec(stats)?.[1] ?? 0);
  }

  /** Events that did not get into the ring; not those that it overwrote. */
  lostEvents(): number {
    let lost = 0;
    for (const cpu of this.cpus()) {
      const stats = textIn(join(this.path, "per_cpu", `cpu${cpu}`, "stats")) ?? "";
      for (const [, count] of stats.matchAll(/^(?:commit overrun|dropped events): (\d+)$/gm)) lost += Number(count);
    }
    return lost;
  }

  /** Nothing is added any more. */
  stop(): void {
    this.#write("tracing_on", "0");
  }

  remove(): void {
    this.#directories.remove(this.path);
  }

  #enableSystem(system: string): boolean {
    try {
      this.#write(join("events", system, "enable"), "1");
      return true;
    } catch {
      // One of them may refuse: each for itself then, and why.
      return false;
    }
  }

  #enable(event: string): void {
    if (this.#enabled.has(event) || this.#failed.has(event)) return;
    try {
      this.#write(join("events", event, "enable"), "1");
      this.#enabled.add(event);
    } catch (error) {
      // Not an event of this kernel.
      if (!hasCode(error, "ENOENT")) this.#failed.set(event, messageOf(error));
    }
  }

  #write(file: string, text: string): void {
    // Not O_CREAT: what tracefs does not have is an error.
    writeFileSync(join(this.path, file), text, { flag: "r+" });
  }
}

function readRaw(fd: number, page: Buffer): number {
  try {
    return readSync(fd, page, 0, page.length, null);
  } catch (error) {
    if (hasCode(error, "EAGAIN")) return 0;
    throw error;
  }
}

function eventsIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The module has gone.
    return undefined;
  }
}
