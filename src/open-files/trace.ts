// Opens and closes of a process joined per handle, of the lines of `strace -f -y -ttt -o FILE`. No data is in them: only calls that make, copy and
// close descriptors are traced.

/** One open file: from the call that opened it until its last descriptor is closed. */
export interface OpenedFile {
  readonly path: string;
  /** As strace writes them: `O_RDWR|O_CREAT`. */
  readonly flags: string;
  /** The task that opened it. */
  readonly tid: number;
  /** Unix time, s. */
  readonly opened: number;
  closed?: number;
  /** Descriptors, by table, that it has now. */
  readonly descriptors: Set<string>;
}

/** Calls that are traced. */
export const tracedCalls = [
  "open,openat,openat2,creat,close,close_range,dup,dup2,dup3,fcntl",
  "clone,clone3,fork,vfork,execve",
].join(",");

/** Lines that have no end yet are kept, of so many tasks. */
const MAX_UNFINISHED = 4096;

export class OpenTrace {
  readonly files: OpenedFile[] = [];
  /** Closes of descriptors that were open before. */
  closedBefore = 0;
  /** Opens that failed. */
  failed = 0;
  /** Lines that are no call, exit or signal. */
  unknown = 0;
  /** Of each task: whose table of descriptors it has. */
  readonly #tables = new Map<number, number>();
  readonly #open = new Map<string, OpenedFile>();
  readonly #unfinished = new Map<number, string>();
  readonly #concerns: (path: string) => boolean;

  /** `concerns`: which paths are to be followed. */
  constructor(concerns: (path: string) => boolean) {
    this.#concerns = concerns;
  }

  /** Those that were opened and have a descriptor left. */
  get left(): readonly OpenedFile[] {
    return this.files.filter(({ closed }) => closed === undefined);
  }

  /** Tasks of the process as it begins: they share their descriptors. */
  begin(pid: number, tids: readonly number[]): void {
    for (const tid of [pid, ...tids]) this.#tables.set(tid, pid);
  }

  take(line: string): void {
    const [, task, time, rest = ""] = /^(\d+) +(\d+\.\d+) (.*)$/.exec(line) ?? [];
    if (task === undefined || time === undefined) {
      if (line.trim() !== "") this.unknown += 1;
      return;
    }
    const tid = Number(task);
    if (/^(?:\+\+\+|---)/.test(rest)) {
      if (/^\+\+\+ (?:exited|killed)/.test(rest)) this.#ended(tid, Number(time));
      return;
    }
    const begun = /^(.*?) *<unfinished \.\.\.>$/.exec(rest)?.[1];
    if (begun !== undefined) {
      if (this.#unfinished.size < MAX_UNFINISHED) this.#unfinished.set(tid, begun);
      return;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const call = resumed === undefined ? rest : `${this.#unfinished.get(tid) ?? ""}${resumed}`;
    this.#unfinished.delete(tid);
    this.#call(tid, Number(time), call);
  }

  #call(tid: number, time: number, text: string): void {
    const [, name, args = "", result = ""] = /^(\w+)\((.*)\) += (.*)$/.exec(text) ?? [];
    if (name === undefined) {
      // Killed within the call, or begun before we came.
      if (!text.endsWith("= ?")) this.unknown += 1;
      return;
    }
    const [, number, path] = /^(-?\d+)(?:<(.*)>)?/.exec(result) ?? [];
    const value = Number(number);
    if (/^(?:open|openat|openat2|creat)$/.test(name)) this.#opened(tid, time, { value, path, args });
    if (!(value >= 0)) return;
    const first = Number(/^\d+/.exec(args)?.[0]);
    if (name === "close") this.#close(tid, first, time, /^\d+<(.*)>$/.exec(args)?.[1]);
    else if (name === "close_range") this.#closeRange(tid, args, time);
    else if (/^dup[23]?$/.test(name) || (name === "fcntl" && /\bF_DUPFD/.test(args)))
      this.#copy(tid, first, value, time);
    else if (name === "execve") this.#executed(tid, time);
    else if (/^(?:clone3?|v?fork)$/.test(name)) this.#forked(tid, value, /\bCLONE_FILES\b/.test(args));
  }

  #table(tid: number): number {
    const table = this.#tables.get(tid);
    if (table === undefined) this.#tables.set(tid, tid);
    return table ?? tid;
  }

  #opened(
    tid: number,
    time: number,
    { value, path, args }: { value: number; path: string | undefined; args: string },
  ): void {
    if (!(value >= 0)) {
      this.failed += 1;
      return;
    }
    if (path === undefined || !this.#concerns(path)) return;
    const flags = /\bO_[A-Z_|]+/.exec(args.slice(args.lastIndexOf('"')))?.[0] ?? "O_WRONLY|O_CREAT|O_TRUNC";
    const key = `${this.#table(tid)} ${value}`;
    this.#drop(key, time);
    const file: OpenedFile = { path, flags, tid, opened: time, descriptors: new Set([key]) };
    this.files.push(file);
    this.#open.set(key, file);
  }

  #close(tid: number, fd: number, time: number, path: string | undefined): void {
    const known = this.#drop(`${this.#table(tid)} ${fd}`, time);
    if (!known && path !== undefined && this.#concerns(path)) this.closedBefore += 1;
  }

  #closeRange(tid: number, args: string, time: number): void {
    const [, first = 0, last = 0] = (/^(\d+)(?:<.*?>)?, (\d+)/.exec(args) ?? []).map(Number);
    if (/CLOSE_RANGE_CLOEXEC/.test(args)) return;
    for (const key of this.#keysOf(this.#table(tid))) {
      const fd = Number(key.split(" ")[1]);
      if (fd >= first && fd <= last) this.#drop(key, time);
    }
  }

  #copy(tid: number, from: number, to: number, time: number): void {
    const table = this.#table(tid);
    if (from === to) return;
    this.#drop(`${table} ${to}`, time);
    const file = this.#open.get(`${table} ${from}`);
    if (file === undefined) return;
    file.descriptors.add(`${table} ${to}`);
    this.#open.set(`${table} ${to}`, file);
  }

  /** A child has the descriptors of its parent; a thread has the same table. */
  #forked(tid: number, child: number, shares: boolean): void {
    const table = this.#table(tid);
    if (shares) {
      this.#tables.set(child, table);
      return;
    }
    this.#tables.set(child, child);
    for (const key of this.#keysOf(table)) {
      const copy = `${child} ${key.split(" ")[1]}`;
      const file = this.#open.get(key);
      if (file === undefined) continue;
      file.descriptors.add(copy);
      this.#open.set(copy, file);
    }
  }

  #executed(tid: number, time: number): void {
    for (const key of this.#keysOf(this.#table(tid)))
      if (this.#open.get(key)?.flags.includes("O_CLOEXEC") === true) this.#drop(key, time);
  }

  #ended(tid: number, time: number): void {
    const table = this.#table(tid);
    this.#tables.delete(tid);
    this.#unfinished.delete(tid);
    if ([...this.#tables.values()].includes(table)) return;
    for (const key of this.#keysOf(table)) this.#drop(key, time);
  }

  #keysOf(table: number): readonly string[] {
    return [...this.#open.keys()].filter((key) => key.startsWith(`${table} `));
  }

  /** Whether it was one of ours. */
  #drop(key: string, time: number): boolean {
    const file = this.#open.get(key);
    if (file === undefined) return false;
    this.#open.delete(key);
    file.descriptors.delete(key);
    if (file.descriptors.size === 0) file.closed = time;
    return true;
  }
}
