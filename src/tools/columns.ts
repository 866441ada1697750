import type { OpBase } from "../probe/op.ts";
import { type Clock, wallTimeOf } from "../system/clock.ts";
import { endOf, type OpRow, type Row, type WaiterRow, waitedUs } from "./op.ts";
import { csvField, left, right } from "./table-text.ts";

/** An absent fact is undefined: a dash in text, nothing in CSV. */
export type Cell = string | number | undefined;

export interface Column<Op extends OpBase> {
  readonly title: string;
  /** Least number of terminal columns of the value. */
  readonly width: number;
  /** The same of the title, where it is another. */
  readonly titleWidth?: number;
  readonly align?: "left" | "right";
  readonly value: (row: OpRow<Op>) => Cell;
  /** For a task that waits and has no op. */
  readonly waiter?: (row: WaiterRow) => Cell;
  /** What CSV has instead: machines want µs and plain numbers. */
  readonly csv?: {
    readonly title?: string;
    readonly value?: (row: OpRow<Op>) => Cell;
    readonly waiter?: (row: WaiterRow) => Cell;
  };
}

type Columns<Op extends OpBase> = readonly Column<Op>[];

export function textHeading<Op extends OpBase>(columns: Columns<Op>): string {
  const cells = columns.map(({ title, width, titleWidth = width, align }) =>
    align === "right" ? right(title, titleWidth) : left(title, titleWidth),
  );
  return cells.join(" ").trimEnd();
}

export function csvHeading<Op extends OpBase>(columns: Columns<Op>): string {
  return columns.map(({ title, csv }) => csv?.title ?? title).join(",");
}

/** Without the line break. */
export function textLine<Op extends OpBase>(columns: Columns<Op>, row: Row<Op>): string {
  const cells = columns.map(({ width, align, value, waiter }) => {
    const cell = (row.kind === "op" ? value(row) : waiter?.(row)) ?? "";
    const text = cell === "" ? "-" : cell;
    return align === "right" ? right(text, width) : left(text, width);
  });
  return cells.join(" ").trimEnd();
}

export function csvLine<Op extends OpBase>(columns: Columns<Op>, row: Row<Op>): string {
  const cells = columns.map((column) => {
    const { value, waiter, csv } = column;
    const cell = row.kind === "op" ? (csv?.value ?? value)(row) : (csv?.waiter ?? waiter)?.(row);
    return csvField(cell ?? "");
  });
  return cells.join(",");
}

/** ENDTIME; in CSV CLOCK_MONOTONIC µs, as the tools of these names have it: for differences, not for dates. */
export function endTime<Op extends OpBase>(width = 8): Column<Op> {
  const at = (row: Row<Op>): number => (row.kind === "op" ? endOf(row.op) : row.untilNs);
  return {
    title: "ENDTIME",
    width,
    value: (row) => localTime(at(row), row.clock),
    waiter: (row) => localTime(at(row), row.clock),
    csv: {
      title: "ENDTIME_us",
      value: (row) => Math.floor(at(row) / 1000),
      waiter: (row) => Math.floor(at(row) / 1000),
    },
  };
}

export function task<Op extends OpBase>(width = 14): Column<Op> {
  return { title: "TASK", width, value: ({ op }) => op.comm, waiter: ({ waiter }) => waiter.comm };
}

export function pid<Op extends OpBase>(width = 7): Column<Op> {
  return { title: "PID", width, value: ({ op }) => op.pid, waiter: ({ waiter }) => waiter.pid };
}

export function latency<Op extends OpBase>(width = 16, titleWidth = width): Column<Op> {
  return {
    title: "LATENCY(ms)",
    width,
    titleWidth,
    value: ({ op }) => millis(op.latencyUs),
    waiter: (row) => millis(waitedUs(row)),
    csv: { title: "LATENCY_us", value: ({ op }) => op.latencyUs, waiter: waitedUs },
  };
}

/** `12.345` of µs. */
export function millis(us: number): string {
  return (us / 1000).toFixed(3);
}

/** `13:05:11`, in the time zone of the machine. */
function localTime(monotonicNs: number, clock: Clock): string {
  const date = new Date(wallTimeOf(monotonicNs, clock));
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}
