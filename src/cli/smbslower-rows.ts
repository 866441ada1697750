import type { SmbOp, SmbTarget, Waiter } from "../probe/op.ts";
import { opToJson, waiterToJson } from "../probe/op-json.ts";
import { statusName } from "../smb/status.ts";
import { type Clock, wallTimeOf } from "../system/clock.ts";
import { csvField, left, right } from "./table-text.ts";

export type RowFormat = "text" | "csv" | "json";

/** One line of output: an op, or a task that waits and has no request yet. */
export type Row =
  | { readonly kind: "op"; readonly op: SmbOp; readonly target: SmbTarget }
  | { readonly kind: "waiter"; readonly waiter: Waiter; readonly untilNs: number; readonly target: SmbTarget };

export interface RowStyle {
  readonly format: RowFormat;
  /** Adds phases, status and share; JSON always has them. */
  readonly verbose: boolean;
  readonly clock: Clock;
}

/** The columns of a row, as numbers and words. An absent fact is undefined. */
interface Cells {
  readonly endNs: number;
  readonly task: string;
  readonly pid: number | undefined;
  readonly type: string;
  readonly latencyUs: number;
  readonly session: string | undefined;
  readonly compound: number | undefined;
  readonly async: number | undefined;
  readonly id: string | undefined;
  readonly phases: SmbOp["phasesUs"];
  readonly status: string | undefined;
  readonly share: string | undefined;
}

/** The first lines: the sentence and the header. JSON has none. */
export function heading(minMs: number, { format, verbose }: RowStyle): readonly string[] {
  if (format === "json") return [];
  if (format === "csv") {
    const known = "ENDTIME_us,TASK,PID,TYPE,LATENCY_us,SESSIONID,COMPOUND_RQST,ASYNC_RQST,TREEID/ASYNCID,";
    return [verbose ? `${known}QUEUE_us,SEND_us,WIRE_us,WAKE_us,STATUS,SHARE` : known];
  }
  const known =
    `${left("ENDTIME", 8)} ${left("TASK", 14)} ${left("PID", 7)} ${left("TYPE", 25)} ${left("LATENCY(ms)", 17)} ` +
    `${left("SESSIONID", 16)} COMPOUND_RQST ASYNC_RQST TREE_ID/ASYNC_ID`;
  const more = "  QUEUE(ms)   SEND(ms)   WIRE(ms)   WAKE(ms) STATUS                           SHARE";
  return [`Tracing SMB operations that are slower than ${minMs} ms.`, verbose ? known + more : known];
}

/** One line, without the line break. */
export function lineOf(row: Row, style: RowStyle): string {
  if (style.format === "json") {
    const { clock } = style;
    const json = row.kind === "op" ? opToJson(row.op, row.target, clock) : waiterJson(row, clock);
    return JSON.stringify(json);
  }
  const cells = row.kind === "op" ? opCells(row.op, row.target) : waiterCells(row.waiter, row.untilNs, row.target);
  return style.format === "csv" ? csvLine(cells, style.verbose) : textLine(cells, style);
}

function waiterJson(row: Row & { kind: "waiter" }, clock: Clock): object {
  return waiterToJson(row.waiter, row.untilNs, row.target, clock);
}

function opCells(op: SmbOp, target: SmbTarget): Cells {
  const over = op.endedNs !== undefined;
  return {
    endNs: op.endedNs ?? op.startedNs + op.latencyUs * 1000,
    task: op.comm,
    pid: op.pid,
    type: over ? op.command : `${op.command} (${op.state === "ghost" ? "end missed" : "open"})`,
    latencyUs: op.latencyUs,
    session: `0x${op.sessionId.toString(16)}`,
    compound: op.compound ? 1 : 0,
    async: op.async ? 1 : 0,
    id: String(op.asyncId ?? op.treeId),
    phases: op.phasesUs,
    status: statusOf(op),
    share: target.share ?? target.server,
  };
}

function statusOf(op: SmbOp): string | undefined {
  const parts = [op.status === undefined ? "" : statusName(op.status), op.end === undefined ? "" : `(${op.end})`];
  return parts.filter((part) => part !== "").join(" ") || undefined;
}

function waiterCells(waiter: Waiter, untilNs: number, target: SmbTarget): Cells {
  return {
    endNs: untilNs,
    task: waiter.comm ?? "",
    pid: waiter.pid,
    type: `(waiting: ${waiter.kind})`,
    latencyUs: Math.max(0, Math.floor((untilNs - waiter.sinceNs) / 1000)),
    session: undefined,
    compound: undefined,
    async: undefined,
    id: undefined,
    phases: {},
    status: undefined,
    share: target.server,
  };
}

function textLine(cells: Cells, { verbose, clock }: RowStyle): string {
  const { task, pid, type, latencyUs, session, compound, async, id, phases } = cells;
  const known =
    `${localTime(cells.endNs, clock)} ${left(task === "" ? "-" : task, 14)} ${left(pid ?? "-", 7)} ${left(type, 25)} ` +
    `${left(millis(latencyUs), 16)} ${left(session ?? "-", 16)} ${right(compound ?? "-", 12)} ${right(async ?? "-", 12)} ` +
    right(id ?? "-", 12);
  if (!verbose) return known;
  const times = [phases.queue, phases.send, phases.wire, phases.wake].map((us) =>
    right(us === undefined ? "-" : millis(us), 10),
  );
  return `${known}     ${times.join(" ")} ${left(cells.status ?? "-", 32)} ${left(cells.share ?? "-", 0)}`;
}

/** ENDTIME_us is CLOCK_MONOTONIC, as the tool of this name has it: for differences, not for dates. */
function csvLine(cells: Cells, verbose: boolean): string {
  const { task, pid, type, latencyUs, session, compound, async, id, phases } = cells;
  const known = [Math.floor(cells.endNs / 1000), task, pid, type, latencyUs, session, compound, async, id];
  const more = [phases.queue, phases.send, phases.wire, phases.wake, cells.status, cells.share];
  return (verbose ? [...known, ...more] : known).map((value) => csvField(value ?? "")).join(",");
}

function millis(us: number): string {
  return (us / 1000).toFixed(3);
}

/** `13:05:11`, in the time zone of the machine. */
function localTime(monotonicNs: number, clock: Clock): string {
  const date = new Date(wallTimeOf(monotonicNs, clock));
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}
