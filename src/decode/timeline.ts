import { commandName } from "../smb/commands.ts";
import { errnoName } from "../system/errno.ts";
import { fieldsOf, numberIn, parseTraceLine, type TraceEvent } from "./event.ts";
import type { EventItem, Item, RequestItem } from "./item.ts";
import { NfsJoin } from "./nfs-join.ts";
import { failure, SmbJoin } from "./smb-join.ts";

/** Which requests and calls are wanted; what is not set does not matter. */
export interface Filter {
  readonly pid?: number;
  readonly comm?: string;
  /** Names of SMB commands and NFS procedures. */
  readonly commands?: ReadonlySet<string>;
  readonly errors?: boolean;
  /** Names of NTSTATUS, NFS status, errno. */
  readonly statuses?: ReadonlySet<string>;
}

export interface CommandTotal {
  count: number;
  errors: number;
  withoutEnd: number;
  totalUs: number;
  worstUs: number;
  timed: number;
}

/** Counted before any filter. */
export interface Totals {
  lines: number;
  events: number;
  /** Requests that are joined from begin to end. */
  joined: number;
  lostEvents: number;
  /** The trace tells that some are missing, not how many. */
  lostUnknown: number;
  unknownEvents: number;
  unknownLines: number;
  repeatedEnds: number;
  readonly commands: Map<string, CommandTotal>;
  /** Events whose kind is not known here, by name. */
  readonly unknown: Map<string, number>;
}

/** Events of these belong to the clients: they have no join, and are shown as they are. */
const KNOWN = /^(smb3_|cifs_|nfs_|nfs4_|nfs\d?_|rpc|xprt_|xs_|pnfs_|ff_layout_|bl_|svc|pmap_|cache_|netfs_)/;
const MAX_NAMES = 1000;

/** From lines of a trace to the items of the time line, one after the other, in bounded memory. */
export class Timeline {
  readonly totals: Totals = {
    ...{ lines: 0, events: 0, joined: 0, lostEvents: 0, lostUnknown: 0, unknownEvents: 0, unknownLines: 0 },
    ...{ repeatedEnds: 0, commands: new Map(), unknown: new Map() },
  };
  readonly #filter: Filter;
  readonly #emit: (item: Item) => void;
  readonly #smb: SmbJoin;
  readonly #nfs: NfsJoin;

  constructor(filter: Filter, emit: (item: Item) => void, limit?: number) {
    this.#filter = filter;
    this.#emit = emit;
    const take = (item: Item): void => this.give(item);
    this.#smb = new SmbJoin(take, limit);
    this.#nfs = new NfsJoin(take, limit);
  }

  line(text: string): void {
    this.totals.lines++;
    const line = parseTraceLine(text);
    if (line.kind === "event") this.event(line.event);
    else if (line.kind === "lost") {
      if (line.count > 0) this.totals.lostEvents += line.count;
      else this.totals.lostUnknown++;
      this.#emit({ type: "lost", count: line.count, ...(line.cpu === undefined ? {} : { cpu: line.cpu }) });
    } else if (line.kind === "unknown") {
      this.totals.unknownLines++;
      if (!this.#filtered) this.#emit({ type: "line", text: line.text });
    }
  }

  event(event: TraceEvent): void {
    this.totals.events++;
    if (this.#smb.take(event) || this.#nfs.take(event)) return;
    const known = KNOWN.test(event.name);
    if (!known) {
      this.totals.unknownEvents++;
      const { unknown } = this.totals;
      if (unknown.has(event.name) || unknown.size < MAX_NAMES)
        unknown.set(event.name, (unknown.get(event.name) ?? 0) + 1);
    }
    this.give(eventItem(event, known));
  }

  /** What was already a request when it was recorded. */
  give(item: Item): void {
    if (item.type === "request") this.#count(item);
    if (item.type === "call") for (const request of item.requests) this.#count(request);
    if (this.#wanted(item)) this.#emit(item);
  }

  finish(): void {
    this.#smb.finish();
    this.#nfs.finish();
    this.totals.repeatedEnds = this.#smb.repeated;
  }

  get #filtered(): boolean {
    return Object.values(this.#filter).some((value) => value !== undefined);
  }

  #wanted(item: Item): boolean {
    if (item.type === "lost" || item.type === "line") return true;
    const { pid, comm, commands, errors, statuses } = this.#filter;
    const all = item.type === "call" ? [item, ...item.requests] : [item];
    if (pid !== undefined && !all.some((one) => one.pid === pid)) return false;
    if (comm !== undefined && !all.some((one) => one.comm === comm)) return false;
    if (commands !== undefined && !all.some((one) => one.type === "request" && commands.has(one.command))) return false;
    if (errors === true && !all.some((one) => isError(one))) return false;
    return statuses === undefined || all.some((one) => namesOf(one).some((name) => statuses.has(name)));
  }

  #count({ command, ending, latencyUs }: RequestItem): void {
    const { commands } = this.totals;
    let total = commands.get(command);
    if (total === undefined) {
      if (commands.size >= MAX_NAMES) return;
      total = { count: 0, errors: 0, withoutEnd: 0, totalUs: 0, worstUs: 0, timed: 0 };
      commands.set(command, total);
    }
    total.count++;
    if (ending === "failed") total.errors++;
    if (ending === "no-end") total.withoutEnd++;
    if (latencyUs === undefined) return;
    this.totals.joined++;
    total.timed++;
    total.totalUs += latencyUs;
    total.worstUs = Math.max(total.worstUs, latencyUs);
  }
}

const isError = (item: Item): boolean =>
  (item.type === "request" || item.type === "call" ? item.ending === "failed" : false) ||
  (item.type === "event" && item.errno !== undefined);

function namesOf(item: Item): readonly string[] {
  if (item.type === "request") return [item.status, item.errno].filter((name) => name !== undefined);
  return item.type === "call" || item.type === "event" ? [item.errno].filter((name) => name !== undefined) : [];
}

function eventItem({ time, comm, pid, name, text }: TraceEvent, known: boolean): EventItem {
  const fields = fieldsOf(text);
  const rc = numberIn(fields, "rc") ?? numberIn(fields, "error") ?? numberIn(fields, "status");
  // Statuses of servers are no errno: those are small and, but for the NFS client's, negative.
  const isErrno = known && rc !== undefined && rc < 0 && errnoName(-rc) !== String(-rc);
  const words = name === "smb3_slow_rsp" ? text.replace(/^cmd=(\d+)/, (_, cmd) => commandName(Number(cmd))) : text;
  return { type: "event", time, comm, pid, name, known, text: words, ...(isErrno ? failure(rc) : {}) };
}
