// Requests and calls of the SMB client, put together from their events (fs/smb/client/trace.h).
import { commandName } from "../smb/commands.ts";
import { isFailure, statusName } from "../smb/status.ts";
import { statusWords } from "../smb/status-words.ts";
import { errnoName } from "../system/errno.ts";
import { errnoWords } from "../system/errno-words.ts";
import { fieldsOf, functionOf, numberIn, type TraceEvent } from "./event.ts";
import type { CallItem, Ending, Item, RequestItem } from "./item.ts";
import { Recent } from "./recent.ts";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
/** A chain that grows, and a request's place in it. */
interface Link {
  readonly at: number;
  readonly chain: { readonly first: string; of: number };
}
type OpenRequest = Writable<RequestItem> & { readonly cmd: number; call: OpenCall | undefined; link?: Link };
interface OpenCall extends Omit<Writable<CallItem>, "steps" | "requests"> {
  readonly steps: string[];
  readonly requests: OpenRequest[];
  /** Known by one of its steps alone: the events of its begin and end are not in the trace. */
  readonly byStep: boolean;
}

/** What is known of a task. */
interface Task {
  /** Calls that it has begun, the innermost last. */
  readonly calls: OpenCall[];
  last: OpenRequest | undefined;
  connection?: string;
  server?: string;
  credits?: number;
  charge?: number;
}

const MAX_REQUESTS_OF_CALL = 256;
const MAX_STEPS = 32;
const MAX_DEPTH = 8;
const READ = 8;
const WRITE = 9;
const ECHO = 13;
const CHANGE_NOTIFY = 15;
/** Their end comes after the call that made them may be over. */
const asynchronous = new Set([READ, WRITE, ECHO, CHANGE_NOTIFY]);
/** They end without an event: then what they did is their end. */
const silentEnds = new Set(["_cifsFileInfo_put"]);
/** Told by the requests that they are of. */
const details = new Set(["smb3_rw_credits", "smb3_tcon_ref"]);

/** Emits what is complete; holds a bounded number of what is not. */
export class SmbJoin {
  /** Ends that came a second time: the client tells that of parts of a chain. */
  repeated = 0;
  readonly #emit: (item: Item) => void;
  readonly #calls: Recent<string, OpenCall>;
  readonly #pending: Recent<string, OpenRequest[]>;
  readonly #tasks = new Recent<number, Task>(4096, () => undefined);
  readonly #ended = new Recent<string, true>(8192, () => undefined);

  constructor(emit: (item: Item) => void, limit = 16_384) {
    this.#emit = emit;
    this.#calls = new Recent(limit, (call) => this.#endCall(call, "no-end"));
    this.#pending = new Recent(limit, (requests) => {
      for (const request of requests) this.#give(request, "no-end");
    });
  }

  /** Whether it is joined with something. */
  take(event: TraceEvent): boolean {
    const { name } = event;
    if (name === "smb3_cmd_enter") return this.#begin(event);
    if (name === "smb3_cmd_done" || name === "smb3_cmd_err") return this.#end(event);
    if (name === "smb3_enter") return this.#enter(event);
    if (name === "smb3_exit_done" || name === "smb3_exit_err") return this.#exit(event);
    if (details.has(name)) return true;
    if (/^smb3_(wait|waitff|nblk|adj|hdr|add|pend|set)_credits$/.test(name)) return this.#credits(event);
    return /^smb3_.*_(enter|done|err)$|^smb3_(set_eof|ioctl|open_cached)$/.test(name) && this.#step(event);
  }

  /** The trace is over: what has not ended is told as it is. */
  finish(): void {
    for (const call of this.#calls.drain()) this.#endCall(call, "no-end");
    for (const requests of this.#pending.drain()) for (const request of requests) this.#give(request, "no-end");
  }

  #task(pid: number): Task {
    return this.#tasks.of(pid, () => ({ calls: [], last: undefined }));
  }

  #begin({ time, comm, pid, text }: TraceEvent): boolean {
    const fields = fieldsOf(text);
    const cmd = numberIn(fields, "cmd");
    const mid = fields.get("mid");
    if (cmd === undefined || mid === undefined || !/^\d{1,20}$/.test(mid)) return false;
    const task = this.#task(pid);
    const { connection, server, credits, charge, last } = task;
    const call = task.calls.at(-1);
    const session = fields.get("sid") ?? "";
    const request: OpenRequest = {
      ...{ type: "request", protocol: "smb", time, comm, pid, command: commandName(cmd), cmd, ending: "no-end" },
      ...{ mid, session, tree: fields.get("tid") ?? "", call },
      ...(connection === undefined ? {} : { connection }),
      ...(server === undefined ? {} : { server }),
      ...(credits === undefined ? {} : { credits }),
      ...(charge === undefined ? {} : { charge: Math.abs(charge) }),
      ...(call?.xid === undefined ? {} : { xid: call.xid }),
    };
    // A task does nothing between the parts of a chain.
    if (last !== undefined && !asynchronous.has(cmd) && isNext(last, request)) chain(last, request);
    task.last = request;
    delete task.credits;
    delete task.charge;
    if (call !== undefined && call.requests.length < MAX_REQUESTS_OF_CALL) call.requests.push(request);
    else request.call = undefined;
    const key = keyOf(session, mid, cmd);
    this.#pending.of(key, () => []).push(request);
    // The client never tells that one was answered.
    if (cmd === ECHO && call === undefined) {
      this.#forget(key, request);
      this.#give(request, "no-end");
    }
    return true;
  }

  #end({ time, comm, pid, name, text }: TraceEvent): boolean {
    const fields = fieldsOf(text);
    const cmd = numberIn(fields, "cmd");
    const mid = fields.get("mid");
    if (cmd === undefined || mid === undefined) return false;
    const session = fields.get("sid") ?? "";
    const task = this.#task(pid);
    task.last = undefined;
    // The first requests of a session do not have its number yet.
    const keys = [keyOf(session, mid, cmd), ...(cmd <= 1 ? [keyOf("0x0", mid, cmd)] : [])];
    const key = keys.find((one) => this.#pending.get(one) !== undefined);
    const outcome = outcomeOf(name === "smb3_cmd_err", fields);
    const own = keyOf(session, mid, cmd);
    if (key === undefined) {
      if (this.#ended.get(own) !== undefined) {
        this.repeated++;
        return true;
      }
      this.#ended.set(own, true);
      const facts = { type: "request", protocol: "smb", time, comm, pid, command: commandName(cmd) } as const;
      this.#emit({ ...facts, mid, session, tree: fields.get("tid") ?? "", ...outcome, ending: "no-begin" });
      return true;
    }
    const found = this.#pending.get(key) ?? [];
    const request =
      found.find((one) => one.pid === pid) ?? found.find((one) => one.connection === task.connection) ?? found[0];
    if (request === undefined) return true;
    this.#forget(key, request);
    this.#ended.set(own, true);
    Object.assign(request, outcome, { latencyUs: Math.max(0, Math.round((time - request.time) * 1e6)), session });
    if (request.call === undefined) this.#give(request, request.ending);
    return true;
  }

  #enter(event: TraceEvent): boolean {
    const xid = fieldsOf(event.text).get("xid");
    if (xid === undefined) return false;
    this.#open(event, xid, named(functionOf(event.text)) ?? "call", false);
    return true;
  }

  #open({ time, comm, pid }: TraceEvent, xid: string, name: string, byStep: boolean): OpenCall {
    const call: OpenCall = {
      ...{
        type: "call",
        protocol: "smb",
        time,
        comm,
        pid,
        name,
        xid,
        ending: "no-end",
        steps: [],
        requests: [],
        byStep,
      },
    };
    this.#calls.set(xid, call);
    const { calls } = this.#task(pid);
    calls.push(call);
    if (calls.length > MAX_DEPTH) calls.shift();
    return call;
  }

  #exit(event: TraceEvent): boolean {
    const fields = fieldsOf(event.text);
    const xid = fields.get("xid");
    const call = xid === undefined ? undefined : this.#calls.get(xid);
    if (xid === undefined) return false;
    if (call === undefined) {
      // It began before the trace.
      const { time, comm, pid } = event;
      const name = named(functionOf(event.text)) ?? "call";
      this.#emit({
        ...{ type: "call", protocol: "smb", time, comm, pid, name, xid, ...failure(numberIn(fields, "rc")) },
        ...{ ending: "no-begin", steps: [], requests: [] },
      });
      return true;
    }
    this.#calls.delete(xid);
    Object.assign(call, failure(numberIn(fields, "rc")));
    call.latencyUs = Math.max(0, Math.round((event.time - call.time) * 1e6));
    this.#endCall(call, call.rc === undefined || call.rc >= 0 ? "answered" : "failed");
    return true;
  }

  /** `smb3_open_enter` ... `smb3_open_err`: what a call does. */
  #step(event: TraceEvent): boolean {
    const { name, text, pid } = event;
    const fields = fieldsOf(text);
    const xid = fields.get("xid");
    if (xid === undefined) return false;
    const [, what = name, phase] = /^smb3_(.*?)(?:_(enter|done|err))?$/.exec(name) ?? [];
    const call = this.#calls.get(xid) ?? (phase === "enter" ? this.#open(event, xid, what, true) : undefined);
    if (call === undefined) return false;
    const rc = numberIn(fields, "rc");
    const said = stepText(what, phase, fields, rc);
    if (said !== "" && call.steps.length < MAX_STEPS) call.steps.push(said);
    // What the task sends next is for this call.
    const { calls } = this.#task(pid);
    const at = calls.indexOf(call);
    if (phase === "enter" && at >= 0 && at !== calls.length - 1) calls.push(...calls.splice(at, 1));
    const over = call.byStep || silentEnds.has(call.name);
    if (over && (phase === "done" || phase === "err")) {
      this.#calls.delete(xid);
      Object.assign(call, failure(rc));
      call.latencyUs = Math.max(0, Math.round((event.time - call.time) * 1e6));
      this.#endCall(call, phase === "err" ? "failed" : "answered");
    }
    return true;
  }

  #credits({ pid, name, text }: TraceEvent): boolean {
    const fields = fieldsOf(text);
    const task = this.#task(pid);
    const connection = fields.get("conn_id");
    const server = fields.get("server") ?? fields.get("hostname");
    if (connection !== undefined) task.connection = connection;
    if (server !== undefined && server !== "") task.server = server;
    // Who writes or reads takes as many as it may need, and gives the rest back: adj.
    if (!/_(wait|waitff|nblk|adj)_credits$/.test(name)) return true;
    const credits = numberIn(fields, "credits");
    const charge = numberIn(fields, "credit_change");
    if (credits !== undefined) task.credits = credits;
    if (charge !== undefined) task.charge = charge + (name === "smb3_adj_credits" ? (task.charge ?? 0) : 0);
    return true;
  }

  #endCall(call: OpenCall, ending: Ending): void {
    const { calls } = this.#task(call.pid);
    const at = calls.indexOf(call);
    if (at >= 0) calls.splice(at, 1);
    const kept = call.requests.filter((request) => {
      const open = this.#pending.get(keyOf(request.session ?? "", request.mid ?? "", request.cmd))?.includes(request);
      if (open !== true) return true;
      if (!asynchronous.has(request.cmd)) {
        // Parts of a chain behind one that failed have no end of their own.
        this.#forget(keyOf(request.session ?? "", request.mid ?? "", request.cmd), request);
        return true;
      }
      request.call = undefined;
      return false;
    });
    const { byStep: _, requests: _requests, ...facts } = call;
    this.#emit({ ...facts, ending, requests: kept.map((request) => itemOf(request, request.ending)) });
  }

  #forget(key: string, request: OpenRequest): void {
    const left = (this.#pending.get(key) ?? []).filter((one) => one !== request);
    if (left.length === 0) this.#pending.delete(key);
    else this.#pending.set(key, left);
  }

  /** One without a call, or whose call is over. */
  #give(request: OpenRequest, ending: Ending): void {
    if (request.call !== undefined && this.#calls.get(request.call.xid ?? "") === request.call) return;
    this.#emit(itemOf(request, ending));
  }
}

const keyOf = (session: string, mid: string, cmd: number): string => `${session}:${mid}:${cmd}`;

function itemOf({ call: _call, cmd: _cmd, link, ...request }: OpenRequest, ending: Ending): RequestItem {
  return { ...request, ending, ...(link === undefined ? {} : { chain: { at: link.at, ...link.chain } }) };
}

const isNext = (last: OpenRequest, request: OpenRequest): boolean =>
  !asynchronous.has(last.cmd) &&
  last.session === request.session &&
  last.latencyUs === undefined &&
  BigInt(last.mid ?? "0") + 1n === BigInt(request.mid ?? "0");

/** Every part knows how many they are: they share the object that counts. */
function chain(last: OpenRequest, request: OpenRequest): void {
  last.link ??= { at: 1, chain: { first: last.mid ?? "", of: 1 } };
  last.link.chain.of++;
  request.link = { at: last.link.at + 1, chain: last.link.chain };
}

type Outcome = Pick<RequestItem, "ending" | "status" | "statusText" | "rc" | "errno">;

function outcomeOf(isError: boolean, fields: ReadonlyMap<string, string>): Outcome {
  const code = numberIn(fields, "status");
  if (!isError || code === undefined) return { ending: "answered" };
  const status = statusName(code);
  const statusText = statusWords(status);
  return {
    ending: isFailure(code) ? "failed" : "answered",
    status,
    ...(statusText === undefined ? {} : { statusText }),
    ...rcFacts(numberIn(fields, "rc")),
  };
}

function rcFacts(rc: number | undefined): { readonly rc?: number; readonly errno?: string } {
  return rc === undefined || rc === 0 ? {} : { rc, ...(rc < 0 ? { errno: errnoName(-rc) } : {}) };
}

/** A result in words, where it is an error. */
export function failure(rc: number | undefined): Pick<CallItem, "rc" | "errno" | "errnoText"> {
  const facts = rcFacts(rc);
  const errnoText = facts.errno === undefined ? undefined : errnoWords(facts.errno);
  return { ...facts, ...(errnoText === undefined ? {} : { errnoText }) };
}

/** 5.10 keeps the address of a function's name alone. */
const named = (name: string | undefined): string | undefined =>
  name === undefined || /^(0x)?[0-9a-f]{8,}$/i.test(name) ? undefined : name;

/** `open \\a cr_opts=0x40`, `write offset=0x0 len=0x2`, `open: ENOENT` */
function stepText(
  what: string,
  phase: string | undefined,
  fields: ReadonlyMap<string, string>,
  rc: number | undefined,
): string {
  if (phase === "err") return `${what}: ${rc === undefined ? "failed" : (rcFacts(rc).errno ?? rc)}`;
  const shown = [...fields].filter(([key]) => !hidden.has(key));
  // What came of it is only news where something was opened.
  if (phase === "done") return what === "open" ? `fid=${fields.get("fid") ?? "?"}` : "";
  return [what, ...shown.map(([key, value]) => (key === "path" ? value : `${key}=${value}`))].join(" ");
}

const hidden = new Set(["xid", "sid", "tid", "rc"]);
