// --stop-on: `slow>=100ms`, `status=STATUS_ACCESS_DENIED`, `errno=EACCES`, `errors>=10/1s`.
import type { OpBase } from "../probe/op.ts";
import { findErrno } from "../system/errno.ts";
import { AodError } from "../system/error.ts";
import { type Lookup, unknownName } from "./arguments.ts";
import { endOf } from "./op.ts";

/** What a tool's ops say about how they ended. */
export interface Outcomes<Op extends OpBase> {
  readonly failed: (op: Op) => boolean;
  /** Positive; 0 or undefined for what did not fail. */
  readonly errno: (op: Op) => number | undefined;
  /** The protocol's own status. */
  readonly status?: {
    readonly find: (text: string) => Lookup;
    readonly of: (op: Op) => number | undefined;
    /** Whether an op with it has failed. */
    readonly failure: (code: number) => boolean;
  };
}

/** What the probe must report for a condition to be seen, whatever the tool shows. */
export interface Watch {
  readonly slowUs?: number;
  /** Every op that failed. */
  readonly errors: boolean;
  /** Every op: a status that is no error ends it. */
  readonly all: boolean;
}

export interface StopCondition<Op extends OpBase> {
  /** As it was given. */
  readonly text: string;
  readonly watch: Watch;
  /** One op that ended; or is in flight, `over` false. True: this is the end. */
  met(op: Op, over: boolean): boolean;
}

const MAX_ERRORS = 1e6;
const units: Readonly<Record<string, number>> = { us: 1, µs: 1, ms: 1000, s: 1e6, m: 60e6 };

/** Throws a usage error on what is no condition. */
export function parseStop<Op extends OpBase>(text: string, outcomes: Outcomes<Op>): StopCondition<Op> {
  const condition = text.replaceAll(/\s/g, "");
  const slow = /^slow>=?([^/]+)$/.exec(condition)?.[1];
  if (slow !== undefined) return slowStop(text, timeUs(slow, text));
  const errors = /^errors>=(\d+)\/(.+)$/.exec(condition);
  if (errors !== null) return errorsStop(text, Number(errors[1]), timeUs(errors[2] ?? "", text), outcomes);
  const [, key, value = ""] = /^(status|errno)==?(.+)$/.exec(condition) ?? [];
  if (key === "status" && outcomes.status !== undefined) {
    const { find, of, failure } = outcomes.status;
    return codeStop(text, codeOf("status", value, find), of, failure);
  }
  if (key === "errno") return codeStop(text, codeOf("errno", value, findErrno), outcomes.errno, (code) => code !== 0);
  throw wrong(text);
}

function wrong(text: string): AodError {
  return new AodError(
    "usage",
    `--stop-on "${text}" is no condition: it is slow>=100ms, status=NAME, errno=NAME or errors>=10/1s`,
  );
}

function timeUs(value: string, text: string): number {
  const [, number = "", unit = "ms"] = /^(\d+(?:\.\d+)?)(us|µs|ms|s|m)?$/.exec(value) ?? [];
  const us = Number(number) * (units[unit] ?? 1000);
  if (number === "" || us <= 0) throw wrong(text);
  return us;
}

function slowStop<Op extends OpBase>(text: string, slowUs: number): StopCondition<Op> {
  return { text, watch: { slowUs, errors: false, all: false }, met: (op) => op.latencyUs >= slowUs };
}

function codeOf(what: string, value: string, find: (text: string) => Lookup): number {
  const found = find(value);
  if (found.ok && found.code !== undefined) return found.code;
  throw new AodError("usage", unknownName(what, value, found, "give its name or its number"));
}

function codeStop<Op extends OpBase>(
  text: string,
  code: number,
  of: (op: Op) => number | undefined,
  failure: (code: number) => boolean,
): StopCondition<Op> {
  const watch = failure(code) ? { errors: true, all: false } : { errors: false, all: true };
  return { text, watch, met: (op, over) => over && of(op) === code };
}

function errorsStop<Op extends OpBase>(
  text: string,
  count: number,
  windowUs: number,
  { failed }: Outcomes<Op>,
): StopCondition<Op> {
  if (count < 1 || count > MAX_ERRORS) throw wrong(text);
  const moments: number[] = [];
  return {
    text,
    watch: { errors: true, all: false },
    met: (op, over) => {
      if (!over || !failed(op)) return false;
      moments.push(endOf(op));
      if (moments.length > count) moments.shift();
      const [first = 0] = moments;
      return moments.length === count && endOf(op) - first <= windowUs * 1000;
    },
  };
}
