// RPCs and calls of the NFS client, put together from their events (include/trace/events/sunrpc.h, fs/nfs/nfstrace.h, nfs4trace.h).
import { errnoName } from "../system/errno.ts";
import { fieldsOf, numberIn, type TraceEvent } from "./event.ts";
import type { CallItem, Item } from "./item.ts";
import { Recent } from "./recent.ts";
import { failure } from "./smb-join.ts";

/** `task:0000001a@00000005`, `task:26@5`: the RPC and its client. */
const TASK = /^task:([0-9a-f]+@[0-9a-f]+)/i;
const CALL = /^(nfs4?_[a-z0-9_]+)_(enter|exit)$/;
/** `xid=0x1 nfsv4 GETATTR backlog=1`: between the last two names there is no key. */
const PROCEDURE = /\b([a-z]\w*?)v(\d+) (\S+)(?= |$)/;

interface Rpc {
  readonly time: number;
  readonly comm: string;
  readonly pid: number;
  procedure?: string;
  xid?: string;
  status?: string;
  rc?: number;
  transmissions: number;
}

interface Begun {
  readonly time: number;
  readonly text: string;
}

/** Emits what is complete; holds a bounded number of what is not. */
export class NfsJoin {
  readonly #emit: (item: Item) => void;
  readonly #rpcs: Recent<string, Rpc>;
  readonly #calls: Recent<string, { readonly event: TraceEvent; readonly name: string } & Begun>;

  constructor(emit: (item: Item) => void, limit = 16_384) {
    this.#emit = emit;
    // An RPC whose end is not among the recorded events.
    this.#rpcs = new Recent(limit, () => undefined);
    this.#calls = new Recent(limit, ({ event, name }) => this.#emit(callOf(event, name, { ending: "no-end" })));
  }

  take(event: TraceEvent): boolean {
    const [, call, phase] = CALL.exec(event.name) ?? [];
    if (call !== undefined && phase !== undefined) return this.#call(event, call, phase);
    const task = TASK.exec(event.text)?.[1];
    return task !== undefined && this.#rpc(event, task);
  }

  finish(): void {
    for (const { event, name } of this.#calls.drain()) this.#emit(callOf(event, name, { ending: "no-end" }));
    for (const rpc of this.#rpcs.drain()) this.#unfinished(rpc);
  }

  #call(event: TraceEvent, name: string, phase: string): boolean {
    const key = `${event.pid}:${name}`;
    if (phase === "enter") {
      this.#calls.set(key, { event, name, time: event.time, text: event.text });
      return true;
    }
    const error = numberIn(fieldsOf(event.text), "error");
    // The kernel shows it positive.
    const outcome = failure(error === undefined ? undefined : -Math.abs(error));
    const ending = outcome.rc === undefined ? "answered" : "failed";
    const began = this.#calls.get(key);
    this.#calls.delete(key);
    if (began === undefined) {
      this.#emit(callOf(event, name, { ...outcome, ending: "no-begin" }));
      return true;
    }
    const latencyUs = Math.max(0, Math.round((event.time - began.time) * 1e6));
    this.#emit(callOf(began.event, name, { ...outcome, ending, latencyUs }));
    return true;
  }

  #rpc({ time, comm, pid, name, text }: TraceEvent, task: string): boolean {
    const fields = fieldsOf(text);
    if (name === "rpc_task_end") {
      this.#rpcs.delete(task);
      return true;
    }
    const makes = name === "rpc_request" || name === "rpc_task_begin" || name === "xprt_reserve";
    const rpc =
      makes || name === "rpc_stats_latency"
        ? this.#rpcs.of(task, () => ({ time, comm, pid, transmissions: 0 }))
        : this.#rpcs.get(task);
    if (rpc === undefined) return name.startsWith("rpc_task_");
    const procedure = PROCEDURE.exec(text)?.[3];
    if (procedure !== undefined) rpc.procedure ??= procedure;
    // The names behind it have no key.
    const xid = fields.get("xid")?.split(" ", 1)[0];
    if (xid !== undefined) rpc.xid ??= xid;
    if (name === "xprt_transmit") rpc.transmissions++;
    if (name.endsWith("xdr_status")) {
      rpc.rc = -Math.abs(numberIn(fields, "error") ?? 0);
      const named = /error=-?\d+ \((\w+)\)/.exec(text)?.[1];
      rpc.status = named === undefined || named === "OK" ? errnoName(-rpc.rc) : named;
    }
    const status = numberIn(fields, "status");
    // A timer of the transport is no end.
    if (status !== undefined && status < 0 && name.startsWith("rpc_")) {
      rpc.rc ??= status;
      rpc.status ??= errnoName(-status);
    }
    if (name === "rpc_stats_latency") this.#answered(rpc, time, fields);
    return true;
  }

  #answered(rpc: Rpc, time: number, fields: ReadonlyMap<string, string>): void {
    const latencyUs = numberIn(fields, "execute") ?? Math.round((time - rpc.time) * 1e6);
    const backlogUs = numberIn(fields, "backlog");
    const rttUs = numberIn(fields, "rtt");
    const { comm, pid, procedure = "?", xid, status, rc, transmissions } = rpc;
    this.#emit({
      ...{ type: "request", protocol: "nfs", time: time - latencyUs / 1e6, comm, pid, command: procedure },
      ...{ ending: rc === undefined ? "answered" : "failed", latencyUs },
      ...(status === undefined ? {} : { status }),
      ...(rc === undefined ? {} : { rc, errno: errnoName(-rc) }),
      ...(xid === undefined ? {} : { xid }),
      ...(backlogUs === undefined ? {} : { backlogUs }),
      ...(rttUs === undefined ? {} : { rttUs }),
      ...(transmissions > 1 ? { transmissions } : {}),
    });
    // It may be started again under the same number.
    rpc.transmissions = 0;
    delete rpc.status;
    delete rpc.rc;
    delete rpc.xid;
    this.#done.add(rpc);
  }

  readonly #done = new WeakSet<Rpc>();

  #unfinished(rpc: Rpc): void {
    if (this.#done.has(rpc)) return;
    const { time, comm, pid, procedure = "?", xid } = rpc;
    this.#emit({
      ...{ type: "request", protocol: "nfs", time, comm, pid, command: procedure, ending: "no-end" },
      ...(xid === undefined ? {} : { xid }),
    });
  }
}

function callOf(
  { time, comm, pid, text }: TraceEvent,
  name: string,
  outcome: Pick<CallItem, "ending" | "latencyUs" | "rc" | "errno" | "errnoText">,
): CallItem {
  return {
    type: "call",
    protocol: "nfs",
    time,
    comm,
    pid,
    name,
    steps: [targetOf(text)].filter(Boolean),
    requests: [],
    ...outcome,
  };
}

/** What people know of it: the name in its directory, or the file's number. */
function targetOf(text: string): string {
  const name = /\bname=[0-9a-f]+:[0-9a-f]+:\d+\/(.*?)(?= fileid=| \w+=|$)/.exec(text)?.[1];
  return name ?? /\bfileid=([0-9a-f]+:[0-9a-f]+:\d+)/.exec(text)?.[0] ?? "";
}
